"""Contextual attention written the way the paper draws it: patches become convolution filters.

Section 3.2 of the paper in five steps: (1) cut the background into patches, (2) correlate every foreground position
with every normalised patch by a convolution, (3) propagate: neighbouring positions should copy from neighbouring
patches, which a convolution with an identity kernel over the score matrix encourages, (4) softmax over the patches,
(5) paste: a transposed convolution of the weights with the raw patches.

This form takes much time and memory (25 C multiply-adds a pair of positions) and stays for two reasons: it can be read
next to the paper, and it is the oracle that the other forms are tested against. `attention.fast` has the one that runs.

Where paper and code differ, the code that made the published weights decides (authors' v1.0.0):
- propagation happens before the softmax, on the logits, not after it;
- it runs over flattened indices, so the end of a row meets the beginning of the next;
- patches that touch the hole enter the softmax with logit 0 and are zeroed afterwards, so weights need not sum to 1;
- pasting divides by 4, at every rate.
"""

import tensorflow as tf

from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size

# Patch norms below this are raised to it (authors' v1.0.0 code).
SMALLEST_NORM = 1e-4


def literal_attention(
    foreground: tf.Tensor, background: tf.Tensor, mask: tf.Tensor, settings: AttentionSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """Contextual attention with patches as filters. Arguments and results as in `fast_attention`."""
    outputs, offsets = [], []
    for sample in range(foreground.shape[0]):
        one = slice(sample, sample + 1)
        sample_mask = mask if mask.shape[0] == 1 else mask[one]
        output, offset = _attend_one(foreground[one], background[one], sample_mask, settings)
        outputs.append(output)
        offsets.append(offset)
    return tf.concat(outputs, axis=0), tf.concat(offsets, axis=0)


def _attend_one(
    foreground: tf.Tensor, background: tf.Tensor, mask: tf.Tensor, settings: AttentionSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    rate, kernel_size = settings.rate, settings.kernel_size
    raw_size = spatial_size(foreground)
    raw_filters = _patches_as_filters(background, 2 * rate, stride=rate)

    height, width = (size // rate for size in spatial_size(foreground))
    height_b, width_b = (size // rate for size in spatial_size(background))
    foreground = resize_nearest_align_corners(foreground, height, width)
    background = resize_nearest_align_corners(background, height_b, width_b)
    mask = resize_nearest_align_corners(mask, height_b, width_b)

    filters = _patches_as_filters(background, kernel_size, stride=1)
    # sqrt(max(., eps^2)) is max(sqrt(.), eps) with a gradient at zero.
    norms = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(filters), axis=[0, 1, 2]), SMALLEST_NORM**2))
    scores = tf.nn.conv2d(foreground, filters / norms, strides=1, padding="SAME")
    scores = tf.reshape(scores, [height * width, height_b * width_b])
    if settings.fuse:
        scores = _propagate(scores, (height, width), (height_b, width_b), settings.fuse_kernel)

    mask_patches = _patches_as_filters(mask, kernel_size, stride=1)
    valid = tf.cast(tf.equal(tf.reduce_max(tf.abs(mask_patches), axis=[0, 1, 2]), 0.0), tf.float32)
    weights = tf.nn.softmax(scores * valid * settings.softmax_scale, axis=-1) * valid

    best = tf.reshape(tf.argmax(weights, axis=-1, output_type=tf.int32), [1, height, width])
    offsets = tf.stack([best // width_b, best % width_b], axis=-1)

    weights = tf.reshape(weights, [1, height, width, height_b * width_b])
    output_shape = tf.stack([1, raw_size[0], raw_size[1], background.shape[-1]])
    pasted = tf.nn.conv2d_transpose(weights, raw_filters, output_shape, strides=rate, padding="SAME")
    return pasted / 4.0, offsets


def _patches_as_filters(x: tf.Tensor, size: int, stride: int) -> tf.Tensor:
    """All SAME zero-padded patches of [1, H, W, C] as convolution filters [size, size, C, number of patches]."""
    patches = tf.image.extract_patches(
        x, sizes=[1, size, size, 1], strides=[1, stride, stride, 1], rates=[1, 1, 1, 1], padding="SAME"
    )
    patches = tf.reshape(patches, [-1, size, size, x.shape[-1]])
    return tf.transpose(patches, [1, 2, 3, 0])


def _propagate(scores: tf.Tensor, foreground_size: tuple, background_size: tuple, fuse_kernel: int) -> tf.Tensor:
    """Identity-kernel convolution of the score matrix, on row-major and then on column-major flattened indices."""
    (height, width), (height_b, width_b) = foreground_size, background_size
    identity = tf.reshape(tf.eye(fuse_kernel), [fuse_kernel, fuse_kernel, 1, 1])

    def diagonal_sum(matrix):
        return tf.nn.conv2d(matrix[tf.newaxis, :, :, tf.newaxis], identity, strides=1, padding="SAME")

    scores = diagonal_sum(scores)
    scores = tf.transpose(tf.reshape(scores, [height, width, height_b, width_b]), [1, 0, 3, 2])
    scores = diagonal_sum(tf.reshape(scores, [height * width, height_b * width_b]))
    scores = tf.transpose(tf.reshape(scores, [width, height, width_b, height_b]), [1, 0, 3, 2])
    return tf.reshape(scores, [height * width, height_b * width_b])
