"""GLCIC: Globally and Locally Consistent Image Completion (Iizuka, Simo-Serra, Ishikawa, SIGGRAPH 2017).

What DeepFill starts from and compares with: one stage, an encoder and decoder with dilated convolutions between them,
and two discriminators, one for the whole image and one for the part around the hole, whose features are joined into
one decision. Convolutions are followed by batch normalisation and ReLU, except for the last. The hole is filled with
the mean colour of the training data before the network sees it.

Layers, widths and the joint decision follow the paper's tables, at 256x256 with boxes of 128. Ours, because the sources
at hand are silent about them: batch normalisation and ReLU in the discriminators too and ReLU after their dense layers,
Keras' momentum and epsilon of batch normalisation, images on [-1, 1] with the sigmoid scaled to it, and a mean colour
that is followed instead of taken beforehand.

Poisson blending, with which the paper finishes its pictures, is `inference.blending`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.layers.conv_block import ConvBlock
from inpaint_tf.models.conv_stack import Conv, Shape
from inpaint_tf.models.critics import CriticStack, flat_size, flattened
from inpaint_tf.models.generator import Generator
from inpaint_tf.models.network import PHOTO, Network, Stack, View


def _conv(name: str, width: float, kernel: int = 3, **options: Any) -> Conv:
    return Conv(name, width, kernel, activation="relu", batch_norm=True, **options)


COMPLETION = (
    _conv("conv1", 1, kernel=5),
    _conv("conv2_downsample", 2, stride=2),
    _conv("conv3", 2),
    _conv("conv4_downsample", 4, stride=2),
    _conv("conv5", 4),
    _conv("conv6", 4),
    _conv("conv7_atrous", 4, dilation=2),
    _conv("conv8_atrous", 4, dilation=4),
    _conv("conv9_atrous", 4, dilation=8),
    _conv("conv10_atrous", 4, dilation=16),
    _conv("conv11", 4),
    _conv("conv12", 4),
    _conv("conv13_upsample", 2, kernel=4, upsample=True),
    _conv("conv14", 2),
    _conv("conv15_upsample", 1, kernel=4, upsample=True),
    _conv("conv16", 0.5),
    Conv("conv17", channels=3, activation="linear"),
)
NETWORK = Network(
    View("completion_input", of=PHOTO, shows=("image", "hole"), hole_colour="mean"),
    Stack("completion", COMPLETION, reads="completion_input", image="sigmoid"),
)
# Channels of the discriminators and length of their features, as multiples of the base width.
LOCAL_WIDTHS = (1, 2, 4, 8, 8)
GLOBAL_WIDTHS = (1, 2, 4, 8, 8, 8)
FEATURES = 16


@keras.saving.register_keras_serializable(package="inpaint_tf")
class GLCIC(Generator):
    """The completion network of GLCIC: one stage, which counts as both "coarse" and "refined".

    The paper takes the mean colour from the whole data set beforehand; here it follows the photos that pass in
    training.

    Args:
        width: Base width, even; the authors' is 64.

    Call arguments, returns and errors as in `Generator`.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.models import GLCIC
        >>> outputs = GLCIC(width=4)(np.zeros((1, 32, 40, 3), "float32"), np.ones((1, 32, 40, 1), "float32"))
        >>> outputs["refined"].shape.as_list()
        [1, 32, 40, 3]
    """

    def __init__(self, width: int = 64, **kwargs: Any):
        super().__init__(NETWORK, width, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="inpaint_tf")
class NormalizedStack(CriticStack):
    """A `CriticStack` of convolutions with batch normalisation and ReLU, which a leaky ReLU leaves as it is."""

    def convolution(self, count: int, name: str) -> keras.layers.Layer:
        return ConvBlock(count, 5, strides=2, activation="relu", batch_norm=True, name=name, dtype=self.dtype_policy)


@keras.saving.register_keras_serializable(package="inpaint_tf")
class JointCritic(keras.Model):
    """The two context discriminators of GLCIC, joined in one decision. Scores are float32, before the sigmoid.

    Args:
        width: Base width; the authors' is 64.
        image_size: Side of the square images.
        box_size: Side of the square boxes around the hole.

    Call arguments:
        image: [B, image_size, image_size, 3] in [-1, 1].
        box: [B, box_size, box_size, 3] in [-1, 1].
        training: Whether batch normalisation uses and follows the batch.

    Returns:
        float32 [B, 1], unbounded, higher means more real.
    """

    def __init__(
        self,
        width: int = 64,
        image_size: int = 256,
        box_size: int = 128,
        name: str = "discriminator",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.width = width
        self.image_size = image_size
        self.box_size = box_size
        policy = self.dtype_policy
        self.local_stack = NormalizedStack([w * width for w in LOCAL_WIDTHS], name="local", dtype=policy)
        self.global_stack = NormalizedStack([w * width for w in GLOBAL_WIDTHS], name="global", dtype=policy)
        self.local_features = keras.layers.Dense(FEATURES * width, "relu", name="local_features", dtype="float32")
        self.global_features = keras.layers.Dense(FEATURES * width, "relu", name="global_features", dtype="float32")
        self.decision = keras.layers.Dense(1, name="decision", dtype="float32")

    def build(self, image_shape: Shape | None = None, box_shape: Shape | None = None) -> None:
        for stack, dense, size in self._sides():
            stack.build((None, size, size, 3))
            dense.build((None, flat_size(stack, size)))
        self.decision.build((None, 2 * FEATURES * self.width))
        self.built = True

    def call(self, image: tf.Tensor, box: tf.Tensor, training: bool = False) -> tf.Tensor:
        features = []
        for (stack, dense, _), x in zip(self._sides(), (box, image)):
            features.append(dense(flattened(stack(x), dense)))
        return self.decision(tf.concat(features, axis=-1))

    def _sides(self) -> Sequence[tuple[NormalizedStack, keras.layers.Dense, int]]:
        return (
            (self.local_stack, self.local_features, self.box_size),
            (self.global_stack, self.global_features, self.image_size),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "width": self.width,
            "image_size": self.image_size,
            "box_size": self.box_size,
        }
