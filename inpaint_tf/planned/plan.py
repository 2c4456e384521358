"""What has to be computed so that the hole comes out right, worked out from the hole backwards.

Only hole pixels of the refined image are kept, so every layer needs to compute only what they can see. The plan walks
from the output to the input: the refinement decoder sees a little around the hole; the convolution branch and the
coarse network see more of it (their dilated layers reach 150 pixels); the attention needs queries where the decoder
behind it looks, keys from the whole image, and so its encoder runs on the whole image, in tiles.

A chain of layers may be cut where the resolution changes: in front of the dilated layers at a quarter of the size,
and behind them. Between the cuts lie feature maps that are kept; within a segment, tiles are computed from input to
output in one go, each layer on a smaller region than the one before. Where to cut and how many tiles there are is
decided by price: what neighbouring tiles would compute twice, what a single one would compute in vain, what keeping a
map costs.

The module needs no weights and no model, only the layer lists.
"""

import dataclasses

import numpy as np

from inpaint_tf.attention.tiled.layout import AttentionPlan, plan_attention
from inpaint_tf.attention.tuning import Tuning
from inpaint_tf.planned.memory import Memory
from inpaint_tf.planned.receptive_field import Chain, LayerRegion, chain_sizes, macs_per_pixel
from inpaint_tf.regions import Rect, coarsened, cover, painted

# Price of one more tile, in multiply-adds: what starting it costs on a CPU core.
TILE_OVERHEAD = 1e8
# Price of writing and reading one number of a feature map that several tiles share, in multiply-adds: 10 ns and more,
# on one core, at 100 multiply-adds a nanosecond.
KEEPING = 1500
# Hole pixels are looked at in cells of this side.
CELL = 8
# A plan that saves less than this share of a full run's multiply-adds is not worth its seams.
SMALLEST_SAVING = 0.03


@dataclasses.dataclass(frozen=True)
class Tile:
    """One run of a segment: the wanted region of its last layer, and every layer's region on the way there."""

    output: Rect
    regions: tuple[LayerRegion, ...]

    @property
    def source(self):
        """The region of the segment's input that the tile reads."""
        return self.regions[0].source


@dataclasses.dataclass(frozen=True)
class Segment:
    """A run of layers between two feature maps that are kept.

    Attributes:
        stack: Name of the layer list, an attribute of `TwoStageLayers` and of the model.
        first, last: The layers are `stack[first:last]`.
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


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that one photo with one hole needs.

    Attributes:
        size: (H, W) of the image, multiples of 8.
        segments: Stack name -> its segments in order of execution.
        attention: What the attention computes; None for a network without.
        macs: Multiply-adds of the plan.
        full_macs: Multiply-adds of the literal full run.
        fell_back: Whether the plan computes every layer everywhere because a crop would not pay.
        bytes_needed: Estimate of the working memory that the run needs, in bytes.
    """

    size: tuple[int, int]
    segments: dict[str, tuple[Segment, ...]]
    attention: AttentionPlan | None
    macs: int
    full_macs: int
    fell_back: bool
    bytes_needed: int

    def summary(self):
        """A few lines for people: what is computed and what it costs beside a full run."""
        lines = [
            f"{self.size[1]}x{self.size[0]}: {self.macs / 1e9:.1f} of {self.full_macs / 1e9:.1f} GMAC"
            f" ({self.macs / self.full_macs:.1%})" + (", the whole image (a crop would not pay)" * self.fell_back)
        ]
        for name, segments in self.segments.items():
            for segment in segments:
                share = sum(tile.output.area for tile in segment.tiles) / (segment.size_out[0] * segment.size_out[1])
                lines.append(
                    f"  {name} layers {segment.first + 1}-{segment.last}: {_tiles(len(segment.tiles))},"
                    f" {share:.0%} of the map, {segment.macs / 1e9:.1f} GMAC"
                )
        if self.attention is not None:
            attention = self.attention
            lines.append(
                f"  attention: {attention.queries} of {attention.positions} queries,"
                f" {attention.valid_keys} of {attention.positions} keys, {_tiles(len(attention.query_rects))},"
                f" {attention.macs / 1e9:.1f} GMAC"
            )
        return "\n".join(lines)


def make_plan(
    layers,
    base_width,
    hole,
    memory_budget=None,
    attention_branch=True,
    input_channels=(5, 5),
    wanted=None,
    attention_tuning=Tuning(),
):
    """The plan for one hole.

    Args:
        layers: `TwoStageLayers` of the network.
        base_width: Its base width.
        hole: bool [H, W], True = hole; H and W multiples of 8; at least one hole pixel.
        memory_budget: Bytes of working memory that the run may take; None leaves it to the tiles that are fastest.
        attention_branch: Whether the network has its attention branch.
        input_channels: Channels that the coarse and the refinement stage see.
        wanted: bool [H, W], pixels of the refined image that are wanted; None is the hole.
        attention_tuning: How the attention cuts its work.

    Returns:
        A `Plan`.

    Raises:
        ValueError: for a hole without a pixel or a size that is no multiple of 8.
        UserError: for a memory budget that is too small; the message names the least that works.
    """
    size = hole.shape
    if any(side % CELL for side in size) or not hole.any():
        raise ValueError(f"a plan needs a hole and sides that are multiples of {CELL}; got {size}, {hole.sum()} px.")
    wanted = hole if wanted is None else wanted
    memory = Memory.within(memory_budget, wanted, layers, base_width, attention_branch, attention_tuning)
    rest = hole, wanted, memory, attention_branch, input_channels, attention_tuning
    plan = _plan(layers, base_width, *rest, everywhere=False)
    convolutions = plan.macs - (plan.attention.macs if plan.attention else 0)
    if convolutions > (1 - SMALLEST_SAVING) * _dense_macs(layers, base_width, size, attention_branch, input_channels):
        plan = _plan(layers, base_width, *rest, everywhere=True)
    return plan


def _plan(layers, base_width, hole, wanted, memory, attention_branch, input_channels, attention_tuning, everywhere):
    size = hole.shape
    # Outside the hole the coarse result is the image.
    coarse_wanted, wanted = (
        np.ones_like(coarsened(mask, CELL)) if everywhere else coarsened(mask, CELL) for mask in (hole, wanted)
    )
    stage = dict(base_width=base_width, memory=memory)
    segments = {}
    segments["coarse"], _ = plan_chain("coarse", layers.coarse, size, coarse_wanted, CELL, input_channels[0], **stage)

    branch_size = chain_sizes(layers.convolution_branch, size)[-1]
    branches_channels = layers.convolution_branch[-1].filters(base_width)
    if attention_branch:
        branches_channels += layers.attention_decoder[-1].filters(base_width)
    segments["decoder"], seen = plan_chain(
        "decoder", layers.decoder, branch_size, wanted, CELL, branches_channels, **stage
    )
    segments["convolution_branch"], _ = plan_chain(
        "convolution_branch", layers.convolution_branch, size, seen, 1, input_channels[1], **stage
    )
    attention = None
    if attention_branch:
        encoded = layers.attention_encoder[-1].filters(base_width)
        segments["attention_decoder"], queried = plan_chain(
            "attention_decoder", layers.attention_decoder, branch_size, seen, 1, encoded, **stage
        )
        segments["attention_encoder"], _ = plan_chain(
            "attention_encoder",
            layers.attention_encoder,
            size,
            np.ones(branch_size, bool),
            1,
            input_channels[1],
            **stage,
        )
        attention = plan_attention(hole, branch_size, encoded, queried, memory.attention, attention_tuning)
    macs = sum(segment.macs for chain in segments.values() for segment in chain)
    return Plan(
        size=size,
        segments={name: segments[name] for name in _ORDER if name in segments},
        attention=attention,
        macs=macs + (attention.macs if attention else 0),
        full_macs=literal_macs(layers, base_width, size, attention_branch, input_channels),
        fell_back=everywhere,
        bytes_needed=memory.needed(segments, attention),
    )


_ORDER = ("coarse", "convolution_branch", "attention_encoder", "attention_decoder", "decoder")


def plan_chain(stack, layers, size, wanted, cell, channels_in, base_width, memory):
    """Segments and tiles of one layer list.

    Args:
        stack: Name of the list.
        layers: The list.
        size: (H, W) of the map that goes into it.
        wanted: bool mask of the wanted output, one value for every `cell` x `cell` pixels.
        cell: Side of a cell, in pixels of the output.
        channels_in: Channels of the input.
        base_width: The network's base width.
        memory: `Memory`, which says how large a tile may be.

    Returns:
        Tuple of `Segment` in order of execution, and the bool mask of the input pixels that they read.
    """
    sizes, macs = chain_sizes(layers, size), macs_per_pixel(layers, base_width, channels_in)
    places = [first for first, _ in cut_where_resolution_changes(layers)]

    def plans(last, wanted, cell):
        """Every way to cut `layers[:last]` at some of the places: segments in order, and what the first one reads."""
        for first in places:
            if first < last:
                chain = Chain(layers[first:last], sizes[first], macs[first:last])
                segment = _plan_segment(stack, first, chain, wanted, cell, base_width, memory)
                seen = painted((tile.source for tile in segment.tiles), sizes[first])
                for before, seen_first in plans(first, seen, 1) if first else [((), seen)]:
                    yield (*before, segment), seen_first

    def price(plan):
        segments, _ = plan
        total = sum(segment.macs + TILE_OVERHEAD * len(segment.tiles) for segment in segments)
        for kept, following in zip(segments, segments[1:]):
            # From one tile to one tile a map is handed on as it is.
            if len(kept.tiles) > 1 or len(following.tiles) > 1:
                total += KEEPING * kept.channels_out * sum(tile.output.area for tile in kept.tiles)
        return total

    return min(plans(len(layers), wanted, cell), key=price)


def _plan_segment(stack, first, chain, wanted, cell, base_width, memory):
    """The `Segment` of a `Chain`, the layers from `stack[first]` on, for a wanted output as in `plan_chain`."""
    channels = [layer.filters(base_width) * getattr(layer, "gates", 1) for layer in chain.layers]
    one_resolution = all(layer.stride == 1 and not layer.upsample for layer in chain.layers)

    def price(rect):
        return chain.macs(rect.scaled(cell)) + TILE_OVERHEAD

    def small_enough(rect):
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


def cut_where_resolution_changes(layers):
    """(first, last) of the runs of layers: up to the last strided one, those at the lowest resolution, the rest."""
    down = max((index + 1 for index, layer in enumerate(layers) if layer.stride > 1), default=0)
    up = min((index for index, layer in enumerate(layers) if layer.upsample), default=len(layers))
    cuts = sorted({0, down, up, len(layers)})
    return list(zip(cuts, cuts[1:]))


def literal_macs(layers, base_width, size, attention_branch=True, input_channels=(5, 5)):
    """Multiply-adds of the paper's form on the whole image: nine taps behind an upsampling, 25 C a pair of patches."""
    total = 0
    for chain, chain_size, channels in _chains(layers, base_width, size, attention_branch, input_channels):
        for layer, macs, out in zip(
            chain, macs_per_pixel(chain, base_width, channels), chain_sizes(chain, chain_size)[1:]
        ):
            total += out[0] * out[1] * (macs * 9 // 4 if layer.upsample else macs)
    if attention_branch:
        positions = size[0] * size[1] // 64
        total += 25 * positions**2 * layers.attention_encoder[-1].filters(base_width)
    return total


def _dense_macs(layers, base_width, size, attention_branch, input_channels):
    """Multiply-adds of every convolution everywhere, with four taps behind an upsampling."""
    total = 0
    for chain, chain_size, channels in _chains(layers, base_width, size, attention_branch, input_channels):
        for macs, out in zip(macs_per_pixel(chain, base_width, channels), chain_sizes(chain, chain_size)[1:]):
            total += out[0] * out[1] * macs
    return total


def _chains(layers, base_width, size, attention_branch, input_channels):
    """(layer list, size of its input, channels of its input) of every part of the network."""
    branch_size = chain_sizes(layers.convolution_branch, size)[-1]
    channels = layers.convolution_branch[-1].filters(base_width)
    yield layers.coarse, size, input_channels[0]
    yield layers.convolution_branch, size, input_channels[1]
    if attention_branch:
        encoded = layers.attention_encoder[-1].filters(base_width)
        yield layers.attention_encoder, size, input_channels[1]
        yield layers.attention_decoder, branch_size, encoded
        channels += layers.attention_decoder[-1].filters(base_width)
    yield layers.decoder, branch_size, channels


def _tiles(count):
    return "1 tile" if count == 1 else f"{count} tiles"
