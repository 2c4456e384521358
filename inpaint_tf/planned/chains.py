"""How one list of layers is computed for a wanted part of its output: where it is cut, and in which tiles.

A list may be cut where the resolution changes: before the dilated layers at a quarter of the size, and after them.
Between the cuts lie feature maps that are kept; within a segment, tiles are computed from input to output in one go,
each layer on a smaller region than the one before. Price decides where to cut and how many tiles there are: what
neighbouring tiles would compute twice, what a single one would compute in vain, what keeping a map costs.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.planned.memory import Memory
from inpaint_tf.planned.receptive_field import Chain, LayerRegion, chain_sizes, macs_per_pixel
from inpaint_tf.regions import Rect, cover, painted


@dataclasses.dataclass(frozen=True)
class Tile:
    """One run of a segment: the wanted region of its last layer, and every layer's region on the way there."""

    output: Rect
    regions: tuple[LayerRegion, ...]

    @property
    def source(self) -> Rect:
        """The region of the segment's input that the tile reads."""
        return self.regions[0].source


@dataclasses.dataclass(frozen=True)
class Segment:
    """A run of layers between two feature maps that are kept.

    Attributes:
        stack: Name of the network's `Stack`.
        first, last: The layers are `stack.convs[first:last]`.
        size_in: (H, W) of the input map.
        size_out: (H, W) of the output map.
        channels_out: Channels of the output map.
        tiles: What is computed.
        macs: Multiply-adds of all tiles.
    """

    stack: str
    first: int
    last: int
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    channels_out: int
    tiles: tuple[Tile, ...]
    macs: int

    @property
    def area(self) -> int:
        """Pixels of the output map that are computed."""
        return sum(tile.output.area for tile in self.tiles)


def plan_chain(
    stack: str,
    layers: Sequence[Conv],
    size: tuple[int, int],
    wanted: np.ndarray,
    cell: int,
    channels_in: int,
    base_width: int,
    memory: Memory,
) -> tuple[tuple[Segment, ...], np.ndarray]:
    """Segments and tiles of one list of layers.

    Args:
        stack: Name of the list.
        layers: The list.
        size: (H, W) of the map that goes into it.
        wanted: bool mask of the wanted output, one value for every `cell` x `cell` pixels.
        cell: Side of a cell, in pixels of the output.
        channels_in: Channels of the input.
        base_width: The network's base width.
        memory: Says how large a tile may be, and what is worth what.

    Returns:
        Segments in order of execution, and the bool mask [H, W] of the input pixels that they read.
    """
    sizes, macs = chain_sizes(layers, size), macs_per_pixel(layers, base_width, channels_in)
    places = [first for first, _ in cut_where_resolution_changes(layers)]

    def plans(last: int, wanted: np.ndarray, cell: int) -> Iterator[tuple[tuple[Segment, ...], np.ndarray]]:
        """Every way to cut `layers[:last]` at some of the places: segments in order, and what the first one reads."""
        for first in places:
            if first < last:
                chain = Chain(layers[first:last], sizes[first], macs[first:last])
                segment = _plan_segment(stack, first, chain, wanted, cell, base_width, memory)
                seen = painted((tile.source for tile in segment.tiles), sizes[first])
                for before, seen_first in plans(first, seen, 1) if first else [((), seen)]:
                    yield (*before, segment), seen_first

    def price(plan: tuple[tuple[Segment, ...], np.ndarray]) -> float:
        segments, _ = plan
        total = sum(segment.macs + memory.tuning.tile_overhead_macs * len(segment.tiles) for segment in segments)
        for kept, following in zip(segments, segments[1:]):
            # A map that one tile yields and one tile reads needs no copy.
            if len(kept.tiles) > 1 or len(following.tiles) > 1:
                total += memory.tuning.kept_number_macs * kept.channels_out * kept.area
        return total

    return min(plans(len(layers), wanted, cell), key=price)


def _plan_segment(
    stack: str, first: int, chain: Chain, wanted: np.ndarray, cell: int, base_width: int, memory: Memory
) -> Segment:
    """The `Segment` of a `Chain`, the layers from `stack[first]` on, for a wanted output as in `plan_chain`."""
    channels = [layer.filters(base_width) * layer.gates for layer in chain.layers]
    one_resolution = all(layer.stride == 1 and not layer.upsample for layer in chain.layers)

    def price(rect: Rect) -> float:
        return chain.macs(rect.scaled(cell)) + memory.tuning.tile_overhead_macs

    def small_enough(rect: Rect) -> bool:
        return memory.fits(chain.regions(rect.scaled(cell)), channels, one_resolution)

    outputs = [rect.scaled(cell) for rect in cover(wanted, price, small_enough)]
    return Segment(
        stack=stack,
        first=first,
        last=first + len(chain.layers),
        size_in=chain.sizes[0],
        size_out=chain.sizes[-1],
        channels_out=chain.layers[-1].filters(base_width),
        tiles=tuple(Tile(output, tuple(chain.regions(output))) for output in outputs),
        macs=sum(chain.macs(output) for output in outputs),
    )


def cut_where_resolution_changes(layers: Sequence[Conv]) -> list[tuple[int, int]]:
    """(first, last) of the runs of layers: up to the last strided one, those at the lowest resolution, the rest."""
    down = max((index + 1 for index, layer in enumerate(layers) if layer.stride > 1), default=0)
    up = min((index for index, layer in enumerate(layers) if layer.upsample), default=len(layers))
    cuts = sorted({0, down, up, len(layers)})
    return list(zip(cuts, cuts[1:]))
