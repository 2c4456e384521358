"""Arithmetic of the convolutions at inference: an explicit choice, never a default of the library's.

TensorFlow computes float32 products on recent GPUs with 10 bits of mantissa (TF32) unless told otherwise, which moves
results by 1e-3 and more. Here "float32" means float32. Scores, softmax and what ends a stage are float32 in all three.
"""

import contextlib
from collections.abc import Iterator

from inpaint_tf.errors import UserError

PRECISIONS = ("float32", "tf32", "bfloat16")


@contextlib.contextmanager
def building_with(precision: str) -> Iterator[None]:
    """Models that are built within compute in that precision; TF32 is switched on or off for the process.

    Args:
        precision: Of `PRECISIONS`. "tf32" is float32 on processors and on GPUs without it.

    Raises:
        UserError: for another word.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision {precision!r} is unknown; known: {', '.join(PRECISIONS)}.")
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
