"""Reconstruction losses: pixels of the hole, discounted by their distance from what is known, and known pixels.

A pixel deep inside the hole may look in many ways; one at its border hardly. So the paper weighs the absolute error by
a discount that falls with the distance to the box's border (section 4.2, "spatially discounted reconstruction loss").
"""

import numpy as np
import tensorflow as tf


def spatial_discount(height: int, width: int, discount: float = 0.9) -> np.ndarray:
    """Weights of a box's pixels, w(i, j) = max(g^min(i, height - i), g^min(j, width - j)).

    The weight is 1 in row 0 and column 0 and g in the last row and column: the distances count from the box's first
    pixel and from one past its last, as in the authors' v1.0.0 code. It is the maximum, so a pixel counts by the
    nearer pair of borders.

    Args:
        height: Rows of the box.
        width: Columns of the box.
        discount: g in (0, 1]. 0.9 made the published weights; the paper's text says 0.99. 1 switches it off.

    Returns:
        float32 NumPy array [1, height, width, 1] in (0, 1].
    """
    rows, columns = (
        np.float64(discount) ** np.minimum(np.arange(size), size - np.arange(size)) for size in (height, width)
    )
    weights = np.maximum(rows[:, np.newaxis], columns[np.newaxis, :])
    return weights.astype(np.float32)[np.newaxis, :, :, np.newaxis]


def discounted_l1(target: tf.Tensor, output: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean of |target - output| * weights.

    Args:
        target: float32 [B, H, W, 3] in [-1, 1], the box of the photo.
        output: float32 [B, H, W, 3] in [-1, 1], the box of a generator output before pasting.
        weights: float32 [1, H, W, 1], see `spatial_discount`.

    Returns:
        float32 scalar in [0, 2]. Divided by the number of values, not by the sum of the weights.
    """
    return tf.reduce_mean(tf.abs(target - output) * weights)


def hole_discount(hole_mask: tf.Tensor, discount: float) -> tf.Tensor:
    """The spatial discount for holes of any shape: g^d, d the distance to the nearest known pixel of row or column.

    Where `spatial_discount` counts from the borders of a box, this counts from known pixels, along the row and along
    the column of each pixel, and takes the nearer. A pixel next to a known one has weight 1.

    Args:
        hole_mask: float32 [B, H, W, 1], 1 = hole.
        discount: g in (0, 1].

    Returns:
        float32 [B, H, W, 1]: the weight in the hole, 0 on known pixels. Borders of the image are no known pixels.
    """
    height, width = hole_mask.shape[1:3]
    runs = [
        _run_length(hole_mask, axis, reverse) for axis, size in ((1, height), (2, width)) for reverse in (False, True)
    ]
    distance = tf.reduce_min(tf.stack(runs), axis=0)
    return hole_mask * discount ** tf.maximum(distance - 1.0, 0.0)


def _run_length(hole_mask, axis, reverse):
    """How many pixels of hole end here, coming along an axis; infinite if the border comes before a known pixel."""
    size = hole_mask.shape[axis]
    x = tf.reverse(hole_mask, [axis]) if reverse else hole_mask
    position = tf.reshape(tf.range(size, dtype=tf.float32), [-1 if d == axis else 1 for d in range(4)])
    last_known = tf.where(x > 0, -float(size), position)
    shift = 1
    while shift < size:
        # The running maximum, in log2(size) passes.
        padding = [[shift, 0] if d == axis else [0, 0] for d in range(4)]
        before = tf.slice(tf.pad(last_known, padding, constant_values=-float(size)), [0] * 4, tf.shape(last_known))
        last_known = tf.maximum(last_known, before)
        shift *= 2
    length = position - last_known
    return tf.reverse(length, [axis]) if reverse else length


def weighted_l1(target: tf.Tensor, output: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted mean of |target - output|: mean(|target - output| w) / mean(w).

    Args:
        target: float32 [B, H, W, 3] in [-1, 1].
        output: float32 [B, H, W, 3] in [-1, 1].
        weights: float32 [B or 1, H, W, 1], see `hole_discount`. The mean is over all weights of the batch.

    Returns:
        float32 scalar in [0, 2]; 0 if all weights are 0.
    """
    return tf.math.divide_no_nan(tf.reduce_mean(tf.abs(target - output) * weights), tf.reduce_mean(weights))


def known_region_l1(target: tf.Tensor, output: tf.Tensor, hole_mask: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of the known pixels: mean(|target - output| (1 - m)) / mean(1 - m).

    The generator's output replaces nothing there, but it must agree with what surrounds the hole. The authors call it
    the auto-encoder loss ("ae"); it is missing in the paper's equations.

    Args:
        target: float32 [B, H, W, 3] in [-1, 1].
        output: float32 [B, H, W, 3] in [-1, 1], a generator output before pasting.
        hole_mask: float32 [B or 1, H, W, 1], 1 = hole. With one mask per image the mean is over all known pixels of
            the batch.

    Returns:
        float32 scalar in [0, 2]; 0 if nothing is known.
    """
    return weighted_l1(target, output, 1.0 - hole_mask)


def mean_l1(target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Mean absolute error over everything, float32 scalar. Both [B, H, W, C]."""
    return tf.reduce_mean(tf.abs(target - output))


def mean_l2(target: tf.Tensor, output: tf.Tensor, hole_mask: tf.Tensor | None = None) -> tf.Tensor:
    """Mean squared error over everything or, with a mask [B or 1, H, W, 1], over the hole's values. float32 scalar."""
    squared = tf.square(target - output)
    if hole_mask is None:
        return tf.reduce_mean(squared)
    return tf.math.divide_no_nan(tf.reduce_mean(squared * hole_mask), tf.reduce_mean(hole_mask))
