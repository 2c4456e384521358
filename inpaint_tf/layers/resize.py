"""Nearest-neighbour resizing by gathering and repeating, the two forms that the paper's networks use.

`tf.image.resize(method="nearest")` is avoided on purpose: it has no second gradient (the gradient penalty needs
one) and its first gradient fails under XLA. Gathering rows and columns has neither trouble.

Source: authors' v1.0.0 code, which resizes with `align_corners=True` everywhere.
"""

import numpy as np
import tensorflow as tf


def nearest_align_corners_indices(size_in: int | tf.Tensor, size_out: int | tf.Tensor) -> np.ndarray | tf.Tensor:
    """Source index of every output index of a nearest resize with `align_corners=True`.

    TensorFlow 1 computes this in float32 and rounds half away from zero; at a few sizes float64 picks the other
    of two middle rows, so float32 is kept here. 64 -> 32 yields 0, 2, ..., 30, 33, 35, ..., 63.

    Args:
        size_in: Number of input rows (or columns), Python int or int tensor.
        size_out: Number of output rows (or columns), Python int or int tensor.

    Returns:
        int32 [size_out]: a NumPy array when both sizes are Python integers, a tensor otherwise.
    """
    if isinstance(size_in, (int, np.integer)) and isinstance(size_out, (int, np.integer)):
        scale = np.float32(size_in - 1) / np.float32(size_out - 1) if size_out > 1 else np.float32(0)
        position = np.arange(size_out, dtype=np.float32) * scale
        below = np.floor(position)
        rounded = below + (position - below >= np.float32(0.5))
        return np.minimum(rounded, np.float32(size_in - 1)).astype(np.int32)
    last_in = tf.cast(size_in - 1, tf.float32)
    last_out = tf.cast(size_out - 1, tf.float32)
    scale = tf.math.divide_no_nan(last_in, last_out)
    position = tf.cast(tf.range(size_out), tf.float32) * scale
    below = tf.floor(position)
    rounded = below + tf.cast(position - below >= 0.5, tf.float32)
    return tf.cast(tf.minimum(rounded, last_in), tf.int32)


def resize_nearest_align_corners(x: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Nearest resize with aligned corners.

    Args:
        x: [B, H, W, C], any dtype.
        height: Rows of the result, Python int or int tensor.
        width: Columns of the result, Python int or int tensor.

    Returns:
        [B, height, width, C], same dtype.
    """
    rows_in, columns_in = spatial_size(x)
    x = tf.gather(x, nearest_align_corners_indices(rows_in, height), axis=1)
    return tf.gather(x, nearest_align_corners_indices(columns_in, width), axis=2)


def upsample_nearest_2x(x: tf.Tensor) -> tf.Tensor:
    """Repeats every row and column: [B, H, W, C] -> [B, 2H, 2W, C]. At factor 2 this equals aligned-corner nearest."""
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def spatial_size(x: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """(H, W) of a [B, H, W, ...] tensor: Python integers where the shape is static, scalar tensors where it is not."""
    dynamic = tf.shape(x)
    return tuple(x.shape[axis] if x.shape[axis] is not None else dynamic[axis] for axis in (1, 2))
