"""What a measurement was made on, how fast that machine can multiply matrices at all, and what memory was taken."""

import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from inpaint_tf.provenance import device, revision
from inpaint_tf.tensorflow_loading import load_tensorflow

_SIDE = 3072


class GemmSpeed(NamedTuple):
    """How fast float32 matrices are multiplied, the best of a few products.

    Attributes:
        by_clock: GFLOP/s of wall-clock time.
        by_processor: GFLOP/s of the time that all cores together spent.
    """

    by_clock: float
    by_processor: float


class PeakMemory(NamedTuple):
    """The most memory that was taken so far.

    Attributes:
        gib: GiB.
        of: "GPU": what TensorFlow's allocator took of it; "process": of the machine, TensorFlow itself included.
    """

    gib: float
    of: str


def has_gpu() -> bool:
    """Whether TensorFlow computes on a GPU here."""
    return bool(tf.config.get_visible_devices("GPU"))


def process_gib() -> float:
    """The most memory of the machine that this process has taken, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def peak_memory() -> PeakMemory:
    """Of the GPU if there is one, else of this process."""
    if has_gpu():
        return PeakMemory(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**30, "GPU")
    return PeakMemory(process_gib(), "process")


def gemm_speed(repeats: int = 6) -> GemmSpeed:
    """Multiplies square matrices of 3072, on the GPU if there is one; never in TF32."""
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        matrix = tf.random.stateless_normal([_SIDE, _SIDE], [0, 0])
        product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
        product().numpy()
        times = [timed(lambda: product().numpy()) for _ in range(repeats)]
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(allowed)
    operations = 2 * _SIDE**3 / 1e9
    return GemmSpeed(*(operations / min(spent) for spent in zip(*times)))


def timed(function: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock seconds that a call takes, and seconds that all cores together spend on it."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a process of its own, whose peak of memory is its alone. All must be picklable."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=load_tensorflow) as pool:
        return pool.apply(function, arguments)


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
