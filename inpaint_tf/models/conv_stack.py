"""Networks as lists of convolutions: the list is data, the stack runs it.

A list of `Conv` entries says everything there is to know about a branch: names as in the authors' checkpoints,
widths, strides, dilations. Models are built from it, checkpoints are matched by it, receptive fields and costs are
derived from it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.layers.conv_block import ConvBlock

# A shape as Keras has it: None where a size is open.
Shape = tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Conv:
    """One convolution of a list. `width` is a multiple of the network's base width; `channels` is absolute.

    A gated convolution computes as many channels as a plain one of its width and passes on half of them.

    Attributes:
        name: The authors' name of the layer.
        width: Computed channels as a multiple of the base width (may be 0.5). Ignored if `channels` is given.
        kernel: Side of the kernel.
        stride: 1 or 2.
        dilation: Distance of the kernel's taps.
        upsample: Whether the size doubles, see `ConvBlock`.
        activation: An activation of `ConvBlock`.
        channels: Computed channels that do not scale with the width (the image outputs).
        gated: Whether one half of the computed channels gates the other.
        batch_norm: Whether batch normalisation comes before the activation.
    """

    name: str
    width: float = 1
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    upsample: bool = False
    activation: str = "elu"
    channels: int | None = None
    gated: bool = False
    batch_norm: bool = False

    @property
    def gates(self) -> int:
        """Computed channels for each one that is passed on: 2 with a gate, else 1."""
        return 2 if self.gated else 1

    def filters(self, base_width: int) -> int:
        """Output channels at a base width, those that the next layer sees.

        Raises:
            ValueError: if they come out fractional.
        """
        filters = (self.channels if self.channels is not None else self.width * base_width) / self.gates
        if filters != int(filters) or filters < 1:
            needed = "a multiple of 4" if self.gated else "even"
            raise ValueError(f"layer {self.name} would have {filters:g} channels: width {base_width} must be {needed}.")
        return int(filters)

    def output_length(self, length: int) -> int:
        """Rows (or columns) that come out for `length` rows going in."""
        return 2 * length if self.upsample else -(-length // self.stride)

    def block(self, base_width: int) -> ConvBlock:
        """The Keras layer of this entry."""
        return ConvBlock(
            self.filters(base_width),
            self.kernel,
            strides=self.stride,
            dilation_rate=self.dilation,
            upsample=self.upsample,
            activation=self.activation,
            gated=self.gated,
            batch_norm=self.batch_norm,
            name=self.name,
        )


@keras.saving.register_keras_serializable(package="inpaint_tf")
class ConvStack(keras.layers.Layer):
    """Runs a list of convolutions one after the other.

    Args:
        convs: Sequence of `Conv` (or of their dictionaries, as `get_config` gives them).
        width: Base width.

    Call:
        [B, H, W, C] -> features of the last convolution.
    """

    def __init__(self, convs: Sequence[Conv | Mapping[str, Any]], width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.convs = tuple(conv if isinstance(conv, Conv) else Conv(**conv) for conv in convs)
        self.width = width
        self.blocks = [conv.block(width) for conv in self.convs]

    def build(self, input_shape: Shape) -> None:
        for block in self.blocks:
            block.build(input_shape)
            input_shape = block.compute_output_shape(input_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for block in self.blocks:
            input_shape = block.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "convs": [dataclasses.asdict(conv) for conv in self.convs],
            "width": self.width,
        }
