"""Holes of training: a box at a random place, shrunk a little, made inside the TensorFlow graph.

The box is what the losses and the local critic look at; the hole lies inside it (authors' v1.0.0 code). Everything is
a pure function of a seed, so that a training run that is resumed draws the same holes as one that never
stopped.
"""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from inpaint_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class BoxHoles:
    """The law of random box holes. The defaults are the authors' for 256x256 images.

    Attributes:
        image_size: Side of the square image.
        box_size: Side of the square box. Its top and left are uniform in [0, image_size - box_size).
        max_shrink: The hole leaves out 0 .. max_shrink rows at the box's top and as many at its bottom (one draw),
            and columns at its left and right likewise (another draw), uniformly.
    """

    image_size: int = 256
    box_size: int = 128
    max_shrink: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.box_size <= self.image_size or not 0 <= 2 * self.max_shrink < self.box_size:
            raise UserError(
                f"a box of {self.box_size} px shrunk by up to {self.max_shrink} px a side does not fit into an image "
                f"of {self.image_size} px; choose a box no larger than the image and shrink it by less than half."
            )

    @classmethod
    def for_image(cls, image_size: int) -> "BoxHoles":
        """The authors' proportions at another size: a box of half the side, shrunk by up to a sixteenth."""
        return cls(image_size, image_size // 2, image_size // 16)

    def sample(self, count: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws holes.

        Args:
            count: Number of holes.
            seed: int tensor [2].

        Returns:
            boxes, int32 [count, 2]: top and left of every box; and hole masks, float32 [count, S, S, 1], 1 = hole.
        """
        corner_seed, shrink_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2, alg="philox"))
        corner = uniform_integers([count, 2], corner_seed, max(self.image_size - self.box_size, 1))
        shrink = uniform_integers([count, 2], shrink_seed, self.max_shrink + 1)
        return corner, rectangle_masks(corner + shrink, corner + self.box_size - shrink, self.image_size)


def uniform_integers(shape: Sequence[int], seed: tf.Tensor, limit: int | tf.Tensor) -> tf.Tensor:
    """int32 in [0, limit), the same on every device and under XLA."""
    return tf.random.stateless_uniform(shape, seed, 0, limit, tf.int32, alg="philox")


def rectangle_masks(begin: tf.Tensor, end: tf.Tensor, image_size: int) -> tf.Tensor:
    """Masks of rectangles.

    Args:
        begin: int32 [B, 2], first row and column.
        end: int32 [B, 2], one past the last row and column.
        image_size: Side of the square image.

    Returns:
        float32 [B, image_size, image_size, 1], 1 inside.
    """
    position = tf.range(image_size)[tf.newaxis, :]
    rows, columns = (
        tf.logical_and(position >= begin[:, axis, tf.newaxis], position < end[:, axis, tf.newaxis]) for axis in (0, 1)
    )
    inside = tf.logical_and(rows[:, :, tf.newaxis], columns[:, tf.newaxis, :])
    return tf.cast(inside, tf.float32)[..., tf.newaxis]


def crop_boxes(x: tf.Tensor, corners: tf.Tensor, box_size: int) -> tf.Tensor:
    """Cuts a square box out of every image.

    Args:
        x: [B, H, W, C].
        corners: int32 [1, 2], the same box for every image, or [B, 2].
        box_size: Side of the boxes.

    Returns:
        [B, box_size, box_size, C].
    """
    if corners.shape[0] == 1:
        # Rolling and cutting at a fixed place: a slice at a varying place would make XLA compile anew for every box.
        return tf.roll(x, -corners[0], axis=[1, 2])[:, :box_size, :box_size, :]
    steps = tf.range(box_size)[tf.newaxis, :]
    x = tf.gather(x, corners[:, :1] + steps, axis=1, batch_dims=1)
    return tf.gather(x, corners[:, 1:] + steps, axis=2, batch_dims=1)
