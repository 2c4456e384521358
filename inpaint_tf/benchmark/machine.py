"""What a measurement was made on, and how fast that machine can multiply matrices at all."""

import os
import platform
import time

import numpy as np
import tensorflow as tf

from inpaint_tf.provenance import device, revision

_SIDE = 2048


def gemm_gflops(repeats=5):
    """GFLOP/s of a float32 product of square matrices: the best of a few, on the GPU if there is one."""
    matrix = tf.random.stateless_normal([_SIDE, _SIDE], [0, 0])
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product().numpy()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        product().numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * _SIDE**3 / min(seconds) / 1e9


def description():
    """Device, versions, code: the part of a result that says where it comes from."""
    return {
        "device": device(),
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "revision": revision(),
    }
