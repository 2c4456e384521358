"""Pictures of two halves whose common edge a sketch alone can tell.

A photo's own lines say little that its surroundings do not say already, so that a model learns late to look at them.
Here a photo is cut along a random curve, and beyond the curve it goes on turned by half a turn and lighter or darker;
some of its contrast is taken away, so that what is wrong with a fill is what is wrong with its edge. Where the curve
runs inside the hole, nothing but the sketch knows; and what lies on either side is known around the hole. People sketch
like that: few lines, each one the edge of something.
"""

import numpy as np
import tensorflow as tf

# Points of the random field, along an axis, whose zero is the curve.
POINTS = 5
# Widths of the curve in the sketch, as windows of pixels at a side of 256; the largest shift of all channels at once,
# and of a channel besides (edges in photos part light from dark first); the largest share that is left of the photo's
# contrast.
WINDOWS = (3, 5, 9)
LIGHTNESS = 0.8
COLOUR = 0.3
CONTRAST = 0.8


def collage(image: tf.Tensor, seed: tf.Tensor, count: int, first: tf.Tensor | int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts photos along random curves.

    Args:
        image: float32 [B, S, S, 3] RGB in [-1, 1].
        seed: int32 [2].
        count: Images of the whole batch, for which curves are drawn; these are B of them.
        first: Which of them is the first one here.

    Returns:
        float32 [B, S, S, 3], the pictures in [-1, 1], and float32 [B, S, S, 1], their sketches, 1 = line. No
        gradient. XLA draws other curves.
    """
    rows, size = image.shape[0], image.shape[1]
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 5, alg="philox"))
    field = _own(tf.random.stateless_normal([count, POINTS, POINTS], seeds[0], alg="philox"), first, rows)
    shift = tf.random.stateless_uniform([count, 1, 1, 3], seeds[1], -COLOUR, COLOUR, alg="philox")
    shift += tf.random.stateless_uniform([count, 1, 1, 1], seeds[4], -LIGHTNESS, LIGHTNESS, alg="philox")
    shift = _own(shift, first, rows)
    width = tf.random.stateless_uniform([count], seeds[2], 0, len(WINDOWS), tf.int32, alg="philox")
    width = tf.one_hot(_own(width, first, rows), len(WINDOWS))[:, tf.newaxis, tf.newaxis]
    contrast = tf.random.stateless_uniform([count, 1, 1, 1], seeds[3], 0.0, CONTRAST, alg="philox")
    mean = tf.reduce_mean(image, axis=[1, 2], keepdims=True)
    image = mean + _own(contrast, first, rows) * (image - mean)
    # Bumps around the points, wide enough that the field between two of them is smooth.
    distance = np.arange(size)[:, np.newaxis] * (POINTS - 1) / (size - 1) - np.arange(POINTS)
    bumps = tf.constant(np.exp(-(distance**2) / 0.5), tf.float32)
    side = tf.cast(tf.einsum("sp,bpq,tq->bst", bumps, field, bumps)[..., tf.newaxis] > 0, tf.float32)
    other = tf.clip_by_value(tf.reverse(image, axis=[1, 2]) + shift, -1.0, 1.0)
    lines = [_edge(side, max(window * size // 256, 2)) for window in WINDOWS]
    sketch = tf.reduce_sum(tf.concat(lines, axis=-1) * width, axis=-1, keepdims=True)
    return tf.stop_gradient(tf.where(side > 0, image, other)), tf.stop_gradient(sketch)


def _edge(side, window):
    """1 where both sides lie within a window."""
    both = [tf.nn.max_pool2d(x, window, 1, "SAME") for x in (side, 1 - side)]
    return both[0] * both[1]


def _own(values, first, rows):
    return tf.ensure_shape(values[first : first + rows], [rows, *values.shape[1:]])
