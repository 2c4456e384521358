"""Critics of DeepFill v1: one looks at the whole image, one at the box around the hole (paper, section 4.1).

Both are stacks of 5x5 stride-2 SAME convolutions with leaky ReLU 0.2, then a dense layer to one score; there is no
normalisation, which the gradient penalty would not tolerate. Widths and names are those of the authors' v1.0.0
checkpoints (`discriminator/discriminator_local/conv1/kernel`, `discriminator/dout_local_fc/kernel`). With width 64
the local critic has 4,339,329 parameters and the global one 2,733,441.
"""

import keras
import tensorflow as tf

# Channels in units of the base width.
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

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.convs = [self.convolution(count, f"conv{index}") for index, count in enumerate(self.filters, 1)]

    def convolution(self, count, name):
        """One layer of the stack; the critics of other systems have other ones."""
        return keras.layers.Conv2D(count, 5, strides=2, padding="same", name=name, dtype=self.dtype_policy)

    def build(self, input_shape):
        for conv in self.convs:
            conv.build(input_shape)
            input_shape = conv.compute_output_shape(input_shape)
        self.built = True

    def call(self, x):
        return self.features(x)[-1]

    def features(self, x):
        """The outputs of all layers, first to last."""
        outputs = []
        for conv in self.convs:
            x = leaky_relu(conv(x))
            outputs.append(x)
        return outputs

    def compute_output_shape(self, input_shape):
        for conv in self.convs:
            input_shape = conv.compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
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

    def __init__(self, width=64, image_size=256, box_size=128, name="discriminator", **kwargs):
        super().__init__(name=name, **kwargs)
        self.width = width
        self.image_size = image_size
        self.box_size = box_size
        policy = self.dtype_policy
        self.local_stack = CriticStack([w * width for w in LOCAL_WIDTHS], name="discriminator_local", dtype=policy)
        self.global_stack = CriticStack([w * width for w in GLOBAL_WIDTHS], name="discriminator_global", dtype=policy)
        self.local_score = keras.layers.Dense(1, name="dout_local_fc", dtype="float32")
        self.global_score = keras.layers.Dense(1, name="dout_global_fc", dtype="float32")

    def build(self, image_shape=None, box_shape=None):
        for stack, score, size in (
            (self.local_stack, self.local_score, self.box_size),
            (self.global_stack, self.global_score, self.image_size),
        ):
            stack.build((None, size, size, 3))
            _, height, width, channels = stack.compute_output_shape((None, size, size, 3))
            score.build((None, height * width * channels))
        self.built = True

    def call(self, image, box):
        return self.score_boxes(box), self.score_images(image)

    def score_boxes(self, box):
        """The local critic alone: [B, box_size, box_size, 3] -> float32 [B, 1]."""
        return _flat_score(self.local_stack, self.local_score, box)

    def score_images(self, image):
        """The global critic alone: [B, image_size, image_size, 3] -> float32 [B, 1]."""
        return _flat_score(self.global_stack, self.global_score, image)

    def judge_boxes(self, box):
        """Like `score_boxes`, with the features that led to the scores: (scores, list of [B, h, w, C])."""
        return _score_with_features(self.local_stack, self.local_score, box)

    def judge_images(self, image):
        """Like `score_images`, with the features that led to the scores: (scores, list of [B, h, w, C])."""
        return _score_with_features(self.global_stack, self.global_score, image)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "image_size": self.image_size,
            "box_size": self.box_size,
        }


def _flat_score(stack, score, x):
    return _score_with_features(stack, score, x)[0]


def _score_with_features(stack, score, x):
    features = stack.features(tf.cast(x, stack.compute_dtype))
    return score(tf.reshape(tf.cast(features[-1], tf.float32), [-1, score.kernel.shape[0]])), features


@tf.custom_gradient
def leaky_relu(x):
    """Leaky ReLU with slope 0.2, whose second derivative is known to be zero.

    TensorFlow's has it as a tensor of zeros, which the gradient penalty then sends all the way back through the
    critic; that would be a sixth of a critic step.
    """

    def gradient(upstream):
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=tf.stop_gradient(x), alpha=LEAK)

    return tf.nn.leaky_relu(x, LEAK), gradient
