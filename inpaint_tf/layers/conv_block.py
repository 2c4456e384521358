"""The one convolution block that every network here is made of.

A block is: optional nearest x2 upsampling, a SAME zero-padded convolution with bias, an activation. The paper uses
ELU throughout, ReLU once (in front of the attention) and none at the two image outputs (section 3.1; the activation
at `pmconv6` is in the authors' v1.0.0 code only).

Two more kinds of network are made of the same block. DeepFill v2 gates: the convolution yields twice the channels,
one half is activated and the sigmoid of the other says, at every place and for every channel, how much of it passes
(Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019). GLCIC normalises over the batch
between convolution and activation, and upsamples by a learnt 4x4 transposed convolution (Iizuka et al. 2017).

Upsampling followed by a 3x3 convolution reads every input pixel through several taps that see the same value. The
block adds those taps up first and runs one stride-2 transposed convolution with a 4x4 kernel instead: 4 taps an
output pixel, not 9, the same numbers up to rounding, at the borders too.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

# Keeps the mean square of a signal from layer to layer through ELU and gate; Glorot's weights divide it by 7.
GATED_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 5.0, "mode": "fan_in", "distribution": "uniform"},
}
ACTIVATIONS = {"elu": tf.nn.elu, "relu": tf.nn.relu, "linear": tf.identity}


@keras.saving.register_keras_serializable(package="inpaint_tf")
class ConvBlock(keras.layers.Layer):
    """[x2 nearest upsampling ->] convolution -> activation.

    Args:
        filters: Output channels.
        kernel_size: Side of the square kernel.
        strides: 1 or 2, SAME padding as TensorFlow does it (at stride 2 a 3x3 kernel pads one row below, none above).
        dilation_rate: Distance of the kernel's taps.
        upsample: Whether the size doubles. With kernel size 3 a nearest x2 upsampling comes first; with kernel size 4
            the convolution is a transposed one of stride 2. Needs stride 1, dilation 1.
        activation: "elu", "relu" or "linear".
        gated: Whether the output is activation(a) * sigmoid(b) of a convolution to 2 x `filters` channels a, b. Its
            fresh weights are larger than the authors' (`GATED_INITIALIZER`), which let a signal die on its way
            through seventeen gates that are half open.
        batch_norm: Whether a batch normalisation stands between convolution and activation.

    Call arguments:
        x: [B, H, W, C].
        padding: "SAME", or "VALID" for callers that pad by themselves (the planned run works on parts of an image).
            Upsampling takes no padding: its result is the same under both.

    Under `training=True` (given to the model, Keras hands it down) batch normalisation uses and follows the batch.

    Returns:
        [B, ceil(H / strides), ceil(W / strides), filters], or [B, 2H, 2W, filters] with upsampling.

    Raises:
        ValueError: for an unknown activation, or upsampling with another kernel than a plain 3x3 or 4x4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        dilation_rate: int = 1,
        upsample: bool = False,
        activation: str = "elu",
        gated: bool = False,
        batch_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is unknown; known: {', '.join(ACTIVATIONS)}.")
        if upsample and (kernel_size not in (3, 4) or (strides, dilation_rate) != (1, 1)):
            raise ValueError(
                "upsample needs kernel_size 3 or 4, strides 1, dilation_rate 1; "
                f"got {kernel_size}, {strides}, {dilation_rate}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.upsample = upsample
        self.activation = activation
        self.gated = gated
        self.batch_norm = batch_norm
        self.normalization = None
        if batch_norm:
            self.normalization = keras.layers.BatchNormalization(name="batch_norm", dtype=self.dtype_policy)

    def build(self, input_shape: Sequence[int | None]) -> None:
        channels = 2 * self.filters if self.gated else self.filters
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], channels),
            initializer=keras.initializers.get(GATED_INITIALIZER if self.gated else "glorot_uniform"),
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")
        if self.normalization is not None:
            self.normalization.build((*input_shape[:-1], channels))
        self.built = True

    def call(self, x: tf.Tensor, padding: str = "SAME") -> tf.Tensor:
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        if self.upsample:
            x = upsampled_convolution(x, kernel) if self.kernel_size == 3 else transposed_convolution(x, kernel)
        else:
            x = tf.nn.conv2d(x, kernel, strides=self.strides, padding=padding, dilations=self.dilation_rate)
        x = tf.nn.bias_add(x, bias)
        if self.normalization is not None:
            x = self.normalization(x)
        if self.gated:
            x, gate = tf.split(x, 2, axis=-1)
            return ACTIVATIONS[self.activation](x) * tf.sigmoid(gate)
        return ACTIVATIONS[self.activation](x)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        def scaled(size):
            if size is None:
                return None
            return 2 * size if self.upsample else -(-size // self.strides)

        batch, height, width, _ = input_shape
        return (batch, scaled(height), scaled(width), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "upsample": self.upsample,
            "activation": self.activation,
            "gated": self.gated,
            "batch_norm": self.batch_norm,
        }


def upsampled_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Nearest x2 upsampling and a SAME 3x3 convolution, as one transposed convolution.

    Output row 2j sees input rows j-1 (through tap 0) and j (taps 1 and 2); row 2j+1 sees j (taps 0 and 1) and j+1
    (tap 2). So along each axis the four taps of the stride-2 transposed kernel are t2, t1 + t2, t0 + t1, t0.

    Args:
        x: [B, H, W, C_in].
        kernel: [3, 3, C_in, C_out].

    Returns:
        [B, 2H, 2W, C_out].
    """
    return transposed_convolution(x, _transposed_taps(_transposed_taps(kernel, axis=0), axis=1))


def transposed_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """SAME transposed convolution of stride 2: [B, H, W, C_in], kernel [4, 4, C_in, C_out] -> [B, 2H, 2W, C_out]."""
    shape = tf.shape(x)
    output_shape = tf.stack([shape[0], 2 * shape[1], 2 * shape[2], tf.shape(kernel)[3]])
    y = tf.nn.conv2d_transpose(x, tf.transpose(kernel, [0, 1, 3, 2]), output_shape, strides=2, padding="SAME")
    y.set_shape([x.shape[0], *(None if s is None else 2 * s for s in x.shape[1:3]), kernel.shape[3]])
    return y


def _transposed_taps(kernel, axis):
    first, middle, last = tf.split(kernel, 3, axis=axis)
    return tf.concat([last, middle + last, first + middle, first], axis=axis)
