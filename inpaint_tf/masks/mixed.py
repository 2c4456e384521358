"""Holes as people make them: one large box, a few smaller ones, or strokes of any width, mixed at random.

The papers train on one large box (v1) or on large strokes united with it (v2). Most holes in people's photos are
smaller: a wire, a date stamp, somebody in the background. This mix has them all, and it is ours, not the authors'.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from inpaint_tf.masks.brush import BrushOptions, brush_mask
from inpaint_tf.masks.sets import training_box_hole

# Brushes are described for images of this side and scale with the image.
BRUSH_IMAGE_SIZE = 256


@dataclasses.dataclass(frozen=True)
class MixOptions:
    """The law of mixed holes.

    Attributes:
        large_box: Share of holes that are one box of half the image's side, shrunk a little, as in v1's training.
        small_boxes: Share that are one to four boxes with sides between a sixteenth and a third of the image's.
        brush_width: Range of stroke widths of the rest, pixels at an image of 256.
    """

    large_box: float = 0.45
    small_boxes: float = 0.2
    brush_width: tuple[int, int] = (4, 40)


def mixed_mask(size: int, random: np.random.Generator, options: MixOptions = MixOptions()) -> np.ndarray:
    """One hole of the mix.

    Args:
        size: Side of the square image.
        random: `np.random.Generator`.
        options: `MixOptions`.

    Returns:
        bool [size, size], True = hole; never empty, never everything.
    """
    kind = random.random()
    if kind < options.large_box:
        return training_box_hole(size, size, random, side=size // 2, max_margin=size // 16).pixels
    if kind < options.large_box + options.small_boxes:
        return _small_boxes(size, random)
    return brush_mask(size, size, random, scaled_brush(size, options.brush_width))


def scaled_brush(size: int, width: tuple[float, float] = BrushOptions().width) -> BrushOptions:
    """`BrushOptions` with a range of widths given for an image of 256, at another size."""
    low, high = (max(1, round(end * size / BRUSH_IMAGE_SIZE)) for end in width)
    return BrushOptions(width=(low, high))


def sample_mixed_holes(count: int, image_size: int, box_size: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws holes inside a TensorFlow graph (on the host: not under XLA).

    Args:
        count: Number of holes.
        image_size: Side of the square image.
        box_size: Side of the box that a local critic would look at.
        seed: int tensor [2].

    Returns:
        boxes, int32 [count, 2]: top and left of the box whose middle is nearest to the hole's centre of mass; and hole
        masks, float32 [count, S, S, 1], 1 = hole.
    """

    def draw(seed):
        random = np.random.default_rng(np.abs(np.asarray(seed, np.int64)))
        masks = [mixed_mask(image_size, random) for _ in range(count)]
        corners = np.array([np.argwhere(mask).mean(axis=0) - box_size / 2 for mask in masks])
        corners = np.clip(np.round(corners), 0, image_size - box_size).astype(np.int32)
        return corners, np.stack(masks)[..., np.newaxis].astype(np.float32)

    corners, masks = tf.numpy_function(draw, [seed], (tf.int32, tf.float32), stateful=False, name="mixed_holes")
    shape = [count, image_size, image_size, 1]
    return tf.ensure_shape(corners, [count, 2]), tf.ensure_shape(masks, shape)


def _small_boxes(size, random):
    mask = np.zeros((size, size), bool)
    for height, width in random.integers(size // 16, size // 3, (random.integers(1, 5), 2)):
        top, left = random.integers(0, size - height + 1), random.integers(0, size - width + 1)
        mask[top : top + height, left : left + width] = True
    return mask
