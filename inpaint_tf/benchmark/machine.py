"""What a measurement was made on, and how fast that machine can multiply matrices at all."""

import os
import platform
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from inpaint_tf.provenance import device, revision

_SIDE = 3072


class GemmSpeed(NamedTuple):
    """How fast float32 matrices are multiplied, the best of a few products.

    Attributes:
        by_clock: GFLOP/s of wall-clock time.
        by_processor: GFLOP/s of the time that all cores together spent.
    """

    by_clock: float
    by_processor: float


def gemm_speed(repeats: int = 6) -> GemmSpeed:
    """Multiplies square matrices of 3072, on the GPU if there is one."""
    matrix = tf.random.stateless_normal([_SIDE, _SIDE], [0, 0])
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product().numpy()
    times = [timed(lambda: product().numpy()) for _ in range(repeats)]
    operations = 2 * _SIDE**3 / 1e9
    return GemmSpeed(*(operations / min(spent) for spent in zip(*times)))


def timed(function: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock seconds that a call takes, and seconds that all cores together spend on it."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def description() -> dict[str, Any]:
    """Device, versions, code: the part of a result that says where it comes from."""
    return {
        "device": device(),
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "revision": revision(),
    }
