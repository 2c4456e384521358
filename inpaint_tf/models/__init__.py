"""Generators of the paper as Keras models."""

from inpaint_tf.models.deepfill_v1 import DeepFillV1

__all__ = ["DeepFillV1"]
