"""NumPy arrays that TensorFlow reads where they lie, instead of copying them twice on the way in."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# TensorFlow's widest vector instructions want their operands at multiples of so many bytes.
ALIGNED_BYTES = 64


def aligned_zeros(shape: Sequence[int]) -> np.ndarray:
    """float32 zeros of a shape, at an address that suits TensorFlow."""
    size = int(np.prod(shape))
    padded = np.zeros(size + ALIGNED_BYTES // 4, np.float32)
    begin = -padded.ctypes.data % ALIGNED_BYTES // 4
    return padded[begin : begin + size].reshape(shape)


def as_tensor(array: np.ndarray) -> tf.Tensor:
    """The tensor of a float32 array. It shares the array's memory, so the array must not be written to afterwards.

    An array with gaps between its elements, or at another address than `aligned_zeros` gives, is copied once.
    """
    if not array.size:
        return tf.convert_to_tensor(array)
    if not (array.flags.c_contiguous and array.flags.writeable and array.ctypes.data % ALIGNED_BYTES == 0):
        copy = aligned_zeros(array.shape)
        copy[...] = array
        array = copy
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
