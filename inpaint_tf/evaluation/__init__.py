"""Measures, frozen protocols, the methods that a model is compared with, and the report."""
