"""The attention flow as a picture, in TensorFlow operations: `visualize.flow.draw_hole_flow` for exported graphs."""

import numpy as np
import tensorflow as tf

from inpaint_tf.visualize.flow import colour_wheel

# Pixels of the image to one offset.
CELL = 8


def draw_hole_flow(offsets: tf.Tensor, hole: tf.Tensor) -> tf.Tensor:
    """The attention flow of the hole; everything else is white.

    Args:
        offsets: int32 [B, ceil(H/8), ceil(W/8), 2] absolute (row, column); negative where none was computed.
        hole: bool [B or 1, H, W, 1].

    Returns:
        uint8 [B, H, W, 3] RGB. The colours are scaled by each photo's longest offset.
    """
    size, grid = tf.shape(hole), tf.shape(offsets)[1:3]
    beyond = [[0, 0], [0, CELL * grid[0] - size[1]], [0, CELL * grid[1] - size[2]], [0, 0]]
    cells = tf.nn.max_pool2d(tf.pad(tf.cast(hole, tf.float32), beyond), CELL, strides=CELL, padding="VALID") > 0
    rows, columns = tf.meshgrid(tf.range(grid[0]), tf.range(grid[1]), indexing="ij")
    relative = offsets - tf.stack([rows, columns], axis=-1)
    colours = flow_colours(tf.where(cells & (offsets >= 0), relative, 0))
    drawn = tf.repeat(tf.repeat(colours, CELL, axis=1), CELL, axis=2)[:, : size[1], : size[2]]
    return tf.where(hole, drawn, tf.constant(255, tf.uint8))


def flow_colours(flow: tf.Tensor) -> tf.Tensor:
    """int32 [B, h, w, 2] displacements (row, column) -> uint8 [B, h, w, 3] on the Middlebury wheel, in float64."""
    flow = tf.cast(flow, tf.float64)
    length = tf.sqrt(tf.reduce_sum(tf.square(flow), axis=-1, keepdims=True))
    flow /= tf.reduce_max(length, axis=(1, 2), keepdims=True) + np.finfo(np.float64).eps
    length = tf.sqrt(tf.reduce_sum(tf.square(flow), axis=-1, keepdims=True))
    wheel = colour_wheel() / 255
    position = (tf.math.atan2(-flow[..., 1], -flow[..., 0]) / np.pi + 1) / 2 * (len(wheel) - 1)
    below = tf.cast(tf.floor(position), tf.int32)
    part = (position - tf.floor(position))[..., tf.newaxis]
    colour = (1 - part) * tf.gather(wheel, below) + part * tf.gather(wheel, (below + 1) % len(wheel))
    return tf.cast(tf.floor(255 * (1 - length * (1 - colour))), tf.uint8)
