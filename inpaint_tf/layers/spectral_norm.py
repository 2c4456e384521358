"""Spectral normalisation: a convolution whose kernel, as a matrix, has largest singular value 1.

The singular value is followed by power iteration: one iteration each training step, from where the last step ended.
That is why the vector u belongs to the layer's variables and to checkpoints.

The gradient goes through the iteration as in the authors' code, including an oddity of it: TensorFlow 1 assigned the
new u before the gradient was taken, and the gradient of u W then read the new one. Where the iteration has settled the
two are the same; at random weights a gradient of the kernel moves by some percent.

Reference: Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018; the details are those
of the authors' DeepFill v2 code.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

SMALLEST_NORM = 1e-12


@keras.saving.register_keras_serializable(package="inpaint_tf")
class SpectralNormalization(keras.layers.Layer):
    """Divides a kernel by its largest singular value, as estimated by one power iteration.

    Everything is float32.

    Call arguments:
        kernel: float32 [..., C_out]; a matrix of C_out columns.
        training: Whether u moves on. The estimate is the same either way.

    Returns:
        The kernel divided by its norm.

    Attributes:
        u: float32 [1, C_out], not trainable: the right singular vector.
    """

    def build(self, kernel_shape: Sequence[int | None]) -> None:
        self.u = self.add_weight(
            name="u",
            shape=(1, kernel_shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, kernel: tf.Tensor, training: bool = False) -> tf.Tensor:
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        before = tf.convert_to_tensor(self.u)
        v = _unit(tf.matmul(before, matrix, transpose_b=True))
        after = tf.stop_gradient(_unit(tf.matmul(v, matrix)))
        v = _unit(_product_with_later_gradient(before, after, matrix))
        u = _unit(tf.matmul(v, matrix))
        norm = tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)
        if training:
            self.u.assign(after)
        return kernel / norm


@keras.saving.register_keras_serializable(package="inpaint_tf")
class SpectralNormConv(keras.layers.Layer):
    """SAME convolution with bias and a spectrally normalised kernel.

    Args:
        filters: Output channels.
        kernel_size: Side of the square kernel.
        strides: Strides.

    Call:
        [B, H, W, C] -> [B, ceil(H / strides), ceil(W / strides), filters]; with `training=True` the norm's power
        iteration moves on by one.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        # The authors' name of it.
        self.normalization = SpectralNormalization(name="kernel_sn", dtype="float32")

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform", autocast=False)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.normalization.build(shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.cast(self.normalization(tf.convert_to_tensor(self.kernel)), x.dtype)
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel, self.strides, "SAME"), tf.cast(self.bias, x.dtype))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], *(s and -(-s // self.strides) for s in input_shape[1:3]), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


def _product_with_later_gradient(before, after, matrix):
    """`before` times the transposed matrix, whose gradient is that of `after` times it."""

    @tf.custom_gradient
    def product(matrix):
        value = tf.matmul(before, matrix, transpose_b=True)
        return value, lambda upstream: tf.matmul(upstream, after, transpose_a=True)

    return product(matrix)


def _unit(x):
    return x / (tf.norm(x) + SMALLEST_NORM)
