"""Receptive fields, derived from a network's list of layers.

What a convolution needs of its input to yield rows a <= y < b of its output follows from kernel, stride, dilation
and TensorFlow's SAME padding alone. Backwards through a chain this gives, for every layer, the smallest region that
it must compute. Where that region reaches over the map's edge, the overhang is zero padding, as in the full run (and
only there: a feature map is zero outside the image, which is not what a convolution of a padded input would give).
Everywhere else the convolution runs without padding, so the region shrinks from layer to layer.

Layers are `models.conv_stack.Conv` entries, or anything with their kernel, stride, dilation and upsample.
"""

import dataclasses
import functools

from inpaint_tf.inference.regions import Rect


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


def output_length(layer, length):
    """Rows (or columns) that come out of a layer for `length` rows going in."""
    return 2 * length if layer.upsample else -(-length // layer.stride)


def needed_interval(layer, start, stop, length):
    """Input rows that output rows start <= y < stop depend on.

    Args:
        layer: A convolution.
        start: First output row.
        stop: Output row behind the last.
        length: Rows of the input map: SAME padding at stride 2 depends on it.

    Returns:
        (first, behind the last) input row, not clipped to the map.
    """
    if layer.upsample:
        # Output row 2j sees input rows j - 1 and j, row 2j + 1 sees j and j + 1.
        return (start - 1) // 2, stop // 2 + 1
    reach = (layer.kernel - 1) * layer.dilation + 1
    padded = max((output_length(layer, length) - 1) * layer.stride + reach - length, 0)
    above = padded // 2
    return start * layer.stride - above, (stop - 1) * layer.stride - above + reach


def chain_sizes(layers, size):
    """(H, W) of the chain's input map and of every layer's output, for an input of `size` (H, W)."""
    sizes = [tuple(size)]
    for layer in layers:
        sizes.append(tuple(output_length(layer, length) for length in sizes[-1]))
    return sizes


def chain_regions(layers, size, output):
    """Region of every layer for one tile of the last layer's output.

    Args:
        layers: The chain, first layer first.
        size: (H, W) of the map that goes into the chain.
        output: `Rect` of the last layer's output that is wanted.

    Returns:
        List of `LayerRegion`, first layer first; the source of each is the output of the one before.
    """
    lengths = [_lengths(tuple(layers), axis) for axis in size]
    rows = _axis_chain(tuple(layers), lengths[0], output.top, output.bottom)
    columns = _axis_chain(tuple(layers), lengths[1], output.left, output.right)
    return [
        LayerRegion(
            source=Rect(row[0], column[0], row[1], column[1]),
            padding=(row[2], row[3], column[2], column[3]),
            output=Rect(row[4], column[4], row[5], column[5]),
            crop=(row[6], column[6]),
        )
        for row, column in zip(rows, columns)
    ]


def chain_macs(layers, size, output, widths):
    """Multiply-adds of one tile.

    Args:
        layers: The chain.
        size: (H, W) of its input map.
        output: `Rect` of the last layer's output.
        widths: Multiply-adds of every layer for one pixel of its output, see `macs_per_pixel`.
    """
    lengths = [_lengths(tuple(layers), axis) for axis in size]
    rows = _axis_chain(tuple(layers), lengths[0], output.top, output.bottom)
    columns = _axis_chain(tuple(layers), lengths[1], output.left, output.right)
    return sum(
        (row[5] - row[4]) * (column[5] - column[4]) * macs for row, column, macs in zip(rows, columns, widths)
    )


def macs_per_pixel(layers, base_width, channels_in):
    """Multiply-adds of every layer for one pixel of its output. An upsampling layer has four taps a pixel."""
    macs = []
    for layer in layers:
        taps = 4 if layer.upsample else layer.kernel**2
        channels_out = layer.filters(base_width)
        macs.append(taps * channels_in * channels_out)
        channels_in = channels_out
    return tuple(macs)


def receptive_radius(layers):
    """How far, in pixels of the chain's input, a pixel of its output sees: the larger of both sides.

    Measured on a map that is large enough for no edge to matter, at the output pixels of every phase.
    """
    length = 4096
    lengths = _lengths(tuple(layers), length)
    step = lengths[0] / lengths[-1]
    reach = 0
    for phase in range(8):
        at = lengths[-1] // 2 + phase
        first = _axis_chain(tuple(layers), lengths, at, at + 1)[0]
        centre = at * step
        reach = max(reach, centre - first[0], first[1] - (centre + max(1, step)))
    return int(-(-reach // 1))


@functools.lru_cache(maxsize=4096)
def _lengths(layers, length):
    lengths = [length]
    for layer in layers:
        lengths.append(output_length(layer, lengths[-1]))
    return tuple(lengths)


@functools.lru_cache(maxsize=65536)
def _axis_chain(layers, lengths, start, stop):
    """Along one axis, for every layer: source start and stop, padding before and after, output start and stop, crop."""
    if not layers:
        return ()
    layer, length = layers[-1], lengths[-2]
    first, last = needed_interval(layer, start, stop, length)
    source = max(first, 0), min(last, length)
    if layer.upsample:
        # The transposed convolution computes both rows of every input row and pads by itself.
        own = (*source, 0, 0, start, stop, start - 2 * source[0])
    else:
        own = (*source, source[0] - first, last - source[1], start, stop, 0)
    return (*_axis_chain(layers[:-1], lengths[:-1], *source), own)
