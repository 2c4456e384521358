"""Critics of DeepFill v1: one looks at the whole image, one at the box around the hole (paper, section 4.1).

Both are stacks of 5x5 stride-2 SAME convolutions with leaky ReLU 0.2, then a dense layer to one score; there is no
normalisation, which the gradient penalty would not tolerate. Widths and names are those of the authors' v1.0.0
checkpoints (`discriminator/discriminator_local/conv1/kernel`, `discriminator/dout_local_fc/kernel`). With width 64
the local critic has 4,339,329 parameters and the global one 2,733,441.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.models.conv_stack import Shape

# Channels as multiples of the base width.
LOCAL_WIDTHS = (1, 2, 4, 8)
GLOBAL_WIDTHS = (1, 2, 4, 4)
LEAK = 0.2


@keras.saving.register_keras_serializable(package="inpaint_tf")
class CriticStack(keras.layers.Layer):
    """5x5 stride-2 SAME convolutions with leaky ReLU, named conv1, conv2, ...

    Args:
        filters: Channels of every convolution.

    Call:
        [B, H, W, C] -> [B, ceil(H / 2^n), ceil(W / 2^n), filters[-1]].
    """

    def __init__(self, filters: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.convs = [self.convolution(count, f"conv{index}") for index, count in enumerate(self.filters, 1)]

    def convolution(self, count: int, name: str) -> keras.layers.Layer:
        """One layer of the stack; the critics of other systems have other ones."""
        return keras.layers.Conv2D(count, 5, strides=2, padding="same", name=name, dtype=self.dtype_policy)

    def build(self, input_shape: Shape) -> None:
        for conv in self.convs:
            conv.build(input_shape)
            input_shape = conv.compute_output_shape(input_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.features(x)[-1]

    def features(self, x: tf.Tensor) -> list[tf.Tensor]:
        """The outputs of all layers, first to last."""
        outputs = []
        for conv in self.convs:
            x = leaky_relu(conv(x))
            outputs.append(x)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for conv in self.convs:
            input_shape = conv.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="inpaint_tf")
class LocalGlobalCritic(keras.Model):
    """The two critics of DeepFill v1. Scores are float32 under every precision policy.

    Args:
        width: Base width; the authors' is 64.
        image_size: Side of the square images that the global critic sees.
        box_size: Side of the square boxes that the local critic sees.

    Call arguments:
        image: [B, image_size, image_size, 3] in [-1, 1].
        box: [B, box_size, box_size, 3] in [-1, 1], the part of the image around the hole.

    Returns:
        (local scores, global scores), float32 [B, 1] each; unbounded, higher means more real.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.models.critics import LocalGlobalCritic
        >>> critic = LocalGlobalCritic(width=4, image_size=64, box_size=32)
        >>> local_scores, global_scores = critic(np.zeros((2, 64, 64, 3)), np.zeros((2, 32, 32, 3)))
        >>> local_scores.shape.as_list()
        [2, 1]

    Reference: authors' v1.0.0 code; Iizuka et al. 2017 for the pair of critics.
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
        self.local_stack = CriticStack([w * width for w in LOCAL_WIDTHS], name="discriminator_local", dtype=policy)
        self.global_stack = CriticStack([w * width for w in GLOBAL_WIDTHS], name="discriminator_global", dtype=policy)
        self.local_score = keras.layers.Dense(1, name="dout_local_fc", dtype="float32")
        self.global_score = keras.layers.Dense(1, name="dout_global_fc", dtype="float32")

    def build(self, image_shape: Shape | None = None, box_shape: Shape | None = None) -> None:
        for stack, score, size in (
            (self.local_stack, self.local_score, self.box_size),
            (self.global_stack, self.global_score, self.image_size),
        ):
            stack.build((None, size, size, 3))
            score.build((None, flat_size(stack, size)))
        self.built = True

    def call(self, image: tf.Tensor, box: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.score_boxes(box), self.score_images(image)

    def score_boxes(self, box: tf.Tensor) -> tf.Tensor:
        """The local critic alone: [B, box_size, box_size, 3] -> float32 [B, 1]."""
        return _flat_score(self.local_stack, self.local_score, box)

    def score_images(self, image: tf.Tensor) -> tf.Tensor:
        """The global critic alone: [B, image_size, image_size, 3] -> float32 [B, 1]."""
        return _flat_score(self.global_stack, self.global_score, image)

    def judge_boxes(self, box: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Like `score_boxes`, with the features that led to the scores: (scores, list of [B, h, w, C])."""
        return _score_with_features(self.local_stack, self.local_score, box)

    def judge_images(self, image: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Like `score_images`, with the features that led to the scores: (scores, list of [B, h, w, C])."""
        return _score_with_features(self.global_stack, self.global_score, image)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "width": self.width,
            "image_size": self.image_size,
            "box_size": self.box_size,
        }


def flat_size(stack: CriticStack, size: int) -> int:
    """Numbers that a stack yields for a square image of side `size`."""
    return math.prod(side for side in stack.compute_output_shape((None, size, size, 3)) if side is not None)


def flattened(features: tf.Tensor, dense: keras.layers.Dense) -> tf.Tensor:
    """[B, h, w, C] -> float32 [B, h w C] for a dense layer that was built for so many."""
    count, _ = tuple(dense.kernel.shape)  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]
    return tf.reshape(tf.cast(features, tf.float32), [-1, count])


def _flat_score(stack: CriticStack, score: keras.layers.Dense, x: tf.Tensor) -> tf.Tensor:
    return _score_with_features(stack, score, x)[0]


def _score_with_features(
    stack: CriticStack, score: keras.layers.Dense, x: tf.Tensor
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    features = stack.features(tf.cast(x, stack.compute_dtype))
    return score(flattened(features[-1], score)), features


@tf.custom_gradient
def leaky_relu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Leaky ReLU with slope 0.2, whose second derivative is known to be zero.

    TensorFlow's has it as a tensor of zeros, which the gradient penalty then sends all the way back through the
    critic; that would be a sixth of a critic step.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=tf.stop_gradient(x), alpha=LEAK)

    return tf.nn.leaky_relu(x, LEAK), gradient
