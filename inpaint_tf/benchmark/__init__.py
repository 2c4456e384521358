"""Latency, memory and throughput, measured so that the numbers can be repeated."""
