"""The perceptual loss: fills compared with photos in the features of a frozen network, on a crop around the hole.

A pixel's loss wants the mean of all that could be there, which is a blur. Features of a network that was trained to
recognise things tell blur from texture. The crop moves by a few pixels at random, so that nothing is learnt that only
pleases at one position of the network's pooling grid.
"""

import tensorflow as tf

from inpaint_tf.losses.feature_network import FeatureFunction
from inpaint_tf.masks.boxes import crop_boxes

# Side of the crop relative to the image's: a hole of half the side with a sixteenth of known pixels around it.
CROP_SHARE = 0.625
# Largest shift of the crop in pixels either way: one cell of the coarsest features used.
MAX_SHIFT = 16


def relative_difference(target_features: list[tf.Tensor], features: list[tf.Tensor]) -> tf.Tensor:
    """Mean over layers of mean|difference| / mean|target|.

    Args:
        target_features: List of float32 [B, h, w, C].
        features: The same of what is compared.

    Returns:
        float32 scalar, 0 for equal features and around 1 for unrelated ones. A layer whose target is all 0 counts 0.
    """
    parts = [
        tf.math.divide_no_nan(tf.reduce_mean(tf.abs(target - other)), tf.reduce_mean(tf.abs(target)))
        for target, other in zip(target_features, features, strict=True)
    ]
    return tf.add_n(parts) / len(parts)


def perceptual_loss(network: FeatureFunction, target: tf.Tensor, completed: tf.Tensor, layers: int = 4) -> tf.Tensor:
    """`relative_difference` of a network's first layers.

    Args:
        network: See `losses.feature_network`.
        target: float32 [B, H, W, 3], RGB in [-1, 1], crops of photos.
        completed: float32 [B, H, W, 3], RGB in [-1, 1], the same crops of completed photos.
        layers: How many of the network's feature maps take part, from the first on.

    Returns:
        float32 scalar, differentiable with respect to `completed` only.
    """
    target_features = [tf.stop_gradient(feature) for feature in network(target)[:layers]]
    return relative_difference(target_features, network(completed)[:layers])


def hole_crops(
    images: list[tf.Tensor], hole_mask: tf.Tensor, shift: tf.Tensor | None = None, multiple: int = 16
) -> list[tf.Tensor]:
    """Cuts square crops around the hole out of images.

    Args:
        images: float32 [B, S, S, C] each, square.
        hole_mask: float32 [B or 1, S, S, 1], 1 = hole.
        shift: float32 [B, 2] in [0, 1): where the crop lies between `MAX_SHIFT` pixels up (or left) and as many down
            (or right) of the hole's centre of mass; None does not shift. It never leaves the image.
        multiple: Of what the side is a multiple.

    Returns:
        [B, s, s, C] of each image, s = `CROP_SHARE` of S rounded up to the multiple, at most S.
    """
    size = images[0].shape[1]
    side = min(-(-int(size * CROP_SHARE) // multiple) * multiple, size)
    centre = hole_centres(hole_mask)
    if shift is not None:
        centre = centre + (shift * 2.0 - 1.0) * float(MAX_SHIFT)
    corners = tf.clip_by_value(tf.cast(tf.round(centre - side / 2), tf.int32), 0, size - side)
    corners = tf.broadcast_to(corners, [images[0].shape[0], 2])
    return [crop_boxes(image, corners, side) for image in images]


def shrunk(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Means over squares of pixels: [B, H, W, C] -> [B, H // factor, W // factor, C]."""
    return images if factor == 1 else tf.nn.avg_pool2d(images, factor, factor, "VALID")


def hole_centres(hole_mask: tf.Tensor) -> tf.Tensor:
    """Centre of mass of every hole, float32 [B, H, W, 1] -> row and column, float32 [B, 2]; 0 without a hole."""
    mass = tf.reduce_sum(hole_mask, axis=[1, 2, 3])
    centres = []
    for axis in (1, 2):
        size = hole_mask.shape[axis]
        position = tf.reshape(tf.range(size, dtype=tf.float32) + 0.5, [-1 if d == axis else 1 for d in range(4)])
        centres.append(tf.math.divide_no_nan(tf.reduce_sum(hole_mask * position, axis=[1, 2, 3]), mass))
    return tf.stack(centres, axis=-1)
