"""Receptive fields, derived from a network's list of layers.

What a convolution needs of its input to yield rows a <= y < b of its output follows from kernel, stride, dilation
and TensorFlow's SAME padding alone. Backwards through a chain this gives, for every layer, the smallest region that
it must compute. Where that region reaches over the map's edge, the overhang is zero padding, as in the full run (and
only there: a feature map is zero outside the image, which is not what a convolution of a padded input would give).
Everywhere else the convolution runs without padding, so the region shrinks from layer to layer.

Layers are `models.conv_stack.Conv` entries.
"""

import dataclasses
import math
from collections.abc import Sequence

from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.regions import Rect


@dataclasses.dataclass(frozen=True)
class LayerRegion:
    """What one layer of a chain computes for one tile.

    Attributes:
        source: The region that it reads, clipped to the input map.
        padding: Rows of zeros above and below, columns of zeros to the left and right of `source`.
        output: The region that it yields.
        crop: Rows and columns that fall away at the top left of what an upsampling layer computes.
    """

    source: Rect
    padding: tuple[int, int, int, int]
    output: Rect
    crop: tuple[int, int]


def needed_interval(layer: Conv, start: int, stop: int, length: int) -> tuple[int, int]:
    """Input rows that output rows start <= y < stop depend on.

    Args:
        layer: A convolution.
        start: First output row.
        stop: The row after the last one.
        length: Rows of the input map: SAME padding at stride 2 depends on it.

    Returns:
        First input row and the one after the last, not clipped to the map.
    """
    if layer.upsample:
        # Output row 2j sees input rows j - 1 and j, row 2j + 1 sees j and j + 1.
        return (start - 1) // 2, stop // 2 + 1
    reach = (layer.kernel - 1) * layer.dilation + 1
    padded = max((layer.output_length(length) - 1) * layer.stride + reach - length, 0)
    above = padded // 2
    return start * layer.stride - above, (stop - 1) * layer.stride - above + reach


def chain_sizes(layers: Sequence[Conv], size: tuple[int, int]) -> list[tuple[int, int]]:
    """(H, W) of the chain's input map and of every layer's output, for an input of `size` (H, W)."""
    height, width = size
    sizes = [(height, width)]
    for layer in layers:
        height, width = layer.output_length(height), layer.output_length(width)
        sizes.append((height, width))
    return sizes


class Chain:
    """A run of layers on an input of a given size, and what its tiles need. Results are cached; asking again is cheap.

    Args:
        layers: The layers, first one first.
        size: (H, W) of the map that goes in.
        macs: Multiply-adds of every layer for one pixel of its output, see `macs_per_pixel`; needed by `macs` only.
    """

    def __init__(self, layers: Sequence[Conv], size: tuple[int, int], macs: Sequence[int] = ()):
        self.layers = tuple(layers)
        self.sizes = chain_sizes(layers, size)
        self._macs = macs
        self._kept: dict[tuple[int, int, int], list[tuple[int, ...]]] = {}

    def regions(self, output: Rect) -> list[LayerRegion]:
        """`LayerRegion`s for a `Rect` of the output, first layer first; each reads what the one before yields."""
        return [
            LayerRegion(
                source=Rect(row[0], column[0], row[1], column[1]),
                padding=(row[2], row[3], column[2], column[3]),
                output=Rect(row[4], column[4], row[5], column[5]),
                crop=(row[6], column[6]),
            )
            for row, column in zip(self._along(0, output.top, output.bottom), self._along(1, output.left, output.right))
        ]

    def macs(self, output: Rect) -> int:
        """Multiply-adds of one tile with this `Rect` of the output."""
        rows, columns = self._along(0, output.top, output.bottom), self._along(1, output.left, output.right)
        return sum(
            (row[5] - row[4]) * (column[5] - column[4]) * macs for row, column, macs in zip(rows, columns, self._macs)
        )

    def _along(self, axis: int, start: int, stop: int) -> list[tuple[int, ...]]:
        """Every layer, on one axis: source start and stop, padding before and after, output start and stop, crop."""
        key = axis, start, stop
        if key not in self._kept:
            steps = []
            for layer, size in zip(reversed(self.layers), reversed(self.sizes[:-1])):
                first, last = needed_interval(layer, start, stop, size[axis])
                source = max(first, 0), min(last, size[axis])
                if layer.upsample:
                    # The transposed convolution computes both rows of every input row and pads by itself.
                    steps.append((*source, 0, 0, start, stop, start - 2 * source[0]))
                else:
                    steps.append((*source, source[0] - first, last - source[1], start, stop, 0))
                start, stop = source
            self._kept[key] = steps[::-1]
        return self._kept[key]


def macs_per_pixel(layers: Sequence[Conv], base_width: int, channels_in: int) -> tuple[int, ...]:
    """Multiply-adds of every layer for one pixel of its output. An upsampling layer has four taps a pixel."""
    macs = []
    for layer in layers:
        taps = 4 if layer.upsample else layer.kernel**2
        channels_out = layer.filters(base_width)
        # A gated convolution computes more channels than it passes on.
        macs.append(taps * channels_in * channels_out * layer.gates)
        channels_in = channels_out
    return tuple(macs)


def receptive_radius(layers: Sequence[Conv]) -> int:
    """How far, in pixels of the chain's input, a pixel of its output sees: the larger of both sides.

    Taken on a map that is large enough for no edge to matter, at output pixels of every phase.
    """
    chain = Chain(layers, (4096, 4096))
    length = chain.sizes[-1][0]
    step = chain.sizes[0][0] / length
    reach = 0
    for phase in range(8):
        at = length // 2 + phase
        source = chain.regions(Rect(at, at, at + 1, at + 1))[0].source
        reach = max(reach, at * step - source.top, source.bottom - (at * step + max(1, step)))
    return math.ceil(reach)
