"""The critic of DeepFill v2, "SN-PatchGAN": one convolutional network whose every output is a score.

A free-form hole has no box to look at. So the critic is convolutional to its end and every position of its last
feature map, in every channel, judges what it sees: at stride 64 and with six 5x5 layers each sees nearly the whole
image around its own place. It is told where the hole is, and the sketch if there is one.
"""

from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.layers.spectral_norm import SpectralNormConv
from inpaint_tf.models.conv_stack import Shape
from inpaint_tf.models.critics import CriticStack

# Channels as multiples of the base width.
WIDTHS = (1, 2, 4, 4, 4, 4)


@keras.saving.register_keras_serializable(package="inpaint_tf")
class SpectralNormStack(CriticStack):
    """A `CriticStack` with spectrally normalised convolutions."""

    def convolution(self, count: int, name: str) -> keras.layers.Layer:
        return SpectralNormConv(count, 5, strides=2, name=name, dtype=self.dtype_policy)


@keras.saving.register_keras_serializable(package="inpaint_tf")
class PatchCritic(keras.Model):
    """SN-PatchGAN. Scores are float32 under every precision policy; variables have the authors' names.

    Args:
        width: Base width; the authors' is 64.
        guided: Whether it sees the sketch too.

    Call arguments:
        image: [B, H, W, 3] in [-1, 1].
        hole_mask: [B or 1, H, W, 1], 1 = hole.
        guide: [B, H, W, 1], 1 = a line of the sketch inside the hole; needed by a guided critic, and only by it.
        with_features: Whether the features that led to the scores are returned too.
        training: Whether the power iterations move on: once every step.

    Returns:
        float32 [B, N]: N = ceil(H / 64) * ceil(W / 64) * 4 width scores, unbounded, higher means more real. With
        features a pair of these and a list of [B, h, w, C], one of every layer.

    Raises:
        ValueError: for a guide to a critic that is not guided, or none to one that is.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.models.patch_critic import PatchCritic
        >>> PatchCritic(width=4)(np.zeros((2, 64, 128, 3)), np.zeros((1, 64, 128, 1))).shape.as_list()
        [2, 32]

    Reference: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019; authors' master code.
    """

    def __init__(self, width: int = 64, guided: bool = False, name: str = "discriminator", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.width = width
        self.guided = guided
        self.stack = SpectralNormStack([w * width for w in WIDTHS], name="sn_patch_gan", dtype=self.dtype_policy)

    def build(
        self,
        image_shape: Shape | None = None,
        hole_mask_shape: Shape | None = None,
        guide_shape: Shape | None = None,
    ) -> None:
        self.stack.build((None, None, None, 5 if self.guided else 4))
        self.built = True

    def call(
        self,
        image: tf.Tensor,
        hole_mask: tf.Tensor,
        guide: tf.Tensor | None = None,
        with_features: bool = False,
        training: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        if (guide is not None) != self.guided:
            raise ValueError("a guided critic needs a guide, and only a guided one takes it.")
        ones = tf.ones_like(image[..., :1])
        seen = [image, ones * tf.cast(hole_mask, image.dtype)]
        if self.guided:
            seen.append(ones * tf.cast(guide, image.dtype))
        features = self.stack.features(tf.cast(tf.concat(seen, axis=-1), self.compute_dtype))
        scores = tf.reshape(tf.cast(features[-1], tf.float32), [tf.shape(image)[0], -1])
        return (scores, features) if with_features else scores

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width, "guided": self.guided}
