"""Pixels as TensorFlow operations, for graphs: the same as `pixels` does for NumPy arrays, with the same numbers."""

import tensorflow as tf

from inpaint_tf.pixels import HALF_RANGE, LINE_THRESHOLD, MASK_THRESHOLD, SIZE_MULTIPLE


def is_hole(mask: tf.Tensor) -> tf.Tensor:
    """uint8 of any shape -> bool, above 127."""
    return mask > MASK_THRESHOLD


def is_line(guide: tf.Tensor) -> tf.Tensor:
    """uint8 of any shape -> bool, above 153."""
    return guide > LINE_THRESHOLD


def to_float(image: tf.Tensor) -> tf.Tensor:
    """uint8 -> float32 in [-1, 1], x / 127.5 - 1."""
    return tf.cast(image, tf.float32) / HALF_RANGE - 1.0


def to_levels(image: tf.Tensor) -> tf.Tensor:
    """float32 in [-1, 1] -> uint8, clipped; rounded half to even as NumPy does."""
    return tf.cast(tf.clip_by_value(tf.round((image + 1.0) * HALF_RANGE), 0.0, 255.0), tf.uint8)


def composite(image: tf.Tensor, hole_mask: tf.Tensor, filled: tf.Tensor) -> tf.Tensor:
    """Known pixels of `image` and, inside the hole, `filled`. All float [B, H, W, C], mask [B or 1, H, W, 1], 1 = hole.

    Differentiable in `filled`.
    """
    return filled * hole_mask + image * (1 - hole_mask)


def composite_levels(image: tf.Tensor, mask: tf.Tensor, filled: tf.Tensor) -> tf.Tensor:
    """Known pixels of `image` bit-identical, the hole from `filled`.

    Args:
        image: uint8 [B, H, W, 3].
        mask: uint8 [B or 1, H, W, 1], above 127 = hole.
        filled: float32 [B, H, W, 3] in [-1, 1].

    Returns:
        uint8 [B, H, W, 3].
    """
    return tf.where(is_hole(mask), to_levels(filled), image)


def reverse_channels(image: tf.Tensor) -> tf.Tensor:
    """[..., 3] with the last axis reversed, RGB <-> BGR; by slices, which every export format has."""
    return tf.concat([image[..., 2:3], image[..., 1:2], image[..., 0:1]], axis=-1)


def mirror_pad(x: tf.Tensor, multiple: int = SIZE_MULTIPLE) -> tf.Tensor:
    """Mirrors [B, H, W, C] beyond its bottom and right edges up to the next multiple, as `pixels.pad_to_multiple` does.

    Works from one pixel up, where `tf.pad` refuses to mirror more than there is.
    """
    for axis in (1, 2):
        size = tf.shape(x)[axis]
        # Remainders of positive numbers: those of negative ones differ between the formats of exports.
        missing = (multiple - size % multiple) % multiple
        place = tf.range(size + missing) % (2 * size)
        x = tf.gather(x, tf.minimum(place, 2 * size - 1 - place), axis=axis)
    return x
