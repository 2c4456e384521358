"""What a training step sees of the data."""

from typing import NamedTuple

import tensorflow as tf


class Batch(NamedTuple):
    """What a step sees. Holes and boxes have one row, or one per image.

    Attributes:
        image: float32 [B, S, S, 3] RGB in [-1, 1].
        hole_mask: float32 [1 or B, S, S, 1], 1 = hole.
        corners: int32 [1 or B, 2], top and left of the box around the hole.
        alphas: float32 [B, 2], uniform in [0, 1): where between real and fake the penalties look (local, global).
        guide: float32 [B, S, S, 1], 1 = a line of a sketch; None for models that are not guided.
    """

    image: tf.Tensor
    hole_mask: tf.Tensor
    corners: tf.Tensor
    alphas: tf.Tensor
    guide: tf.Tensor | None = None
