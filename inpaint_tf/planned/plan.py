"""What has to be computed so that the hole comes out right, worked out from the hole backwards.

Only hole pixels of the last stage's image are kept, so every layer needs to compute only what they can see. The plan
walks over the network's nodes from the last to the first and hands each one what its readers see of it: a stack of
convolutions sees a little more than what it yields (its dilated layers reach 150 pixels), an attention needs queries
where its readers look and keys from the whole image, and so what it reads is computed everywhere, in tiles. Of an
earlier stage's image the hole is wanted; outside it a stage sees the photo.

The module needs no weights and no model, only the network's declaration.
"""

import dataclasses

import numpy as np

from inpaint_tf.attention.tiled.layout import AttentionPlan, plan_attention
from inpaint_tf.models.network import Attention, Network, Stack, View
from inpaint_tf.planned.chains import Segment, plan_chain
from inpaint_tf.planned.macs import dense_macs, literal_macs
from inpaint_tf.planned.memory import FLOAT, Memory
from inpaint_tf.planned.tuning import TUNING, Tuning
from inpaint_tf.regions import coarsened


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that one photo with one hole needs.

    Attributes:
        size: (H, W) of the image, multiples of 8.
        segments: Name of a stack -> its segments in order of execution. Stacks are in the network's order.
        attentions: Name of an attention -> what it computes.
        macs: Multiply-adds of the plan.
        full_macs: Multiply-adds of the literal full run.
        fell_back: Whether the plan computes every layer everywhere because a crop would not pay.
        bytes_needed: Estimate of the working memory that the run needs, in bytes.
    """

    size: tuple[int, int]
    segments: dict[str, tuple[Segment, ...]]
    attentions: dict[str, AttentionPlan]
    macs: int
    full_macs: int
    fell_back: bool
    bytes_needed: int

    def lines(self) -> list[tuple[str | None, str]]:
        """Name of the node that it is about (None: the whole) and text of a few lines for people: what is computed and
        what it costs compared with a full run."""
        saving = f"{self.macs / 1e9:.1f} of {self.full_macs / 1e9:.1f} GMAC ({self.macs / self.full_macs:.1%})"
        whole = ", the whole image (a crop would not pay)" * self.fell_back
        lines: list[tuple[str | None, str]] = [(None, f"{self.size[1]}x{self.size[0]}: {saving}{whole}")]
        for name, segments in self.segments.items():
            for segment in segments:
                share = segment.area / (segment.size_out[0] * segment.size_out[1])
                lines.append((
                    name,
                    f"  {name} layers {segment.first + 1}-{segment.last}: {_tiles(len(segment.tiles))},"
                    f" {share:.0%} of the map, {segment.macs / 1e9:.1f} GMAC",
                ))  # fmt: skip
        for name, attention in self.attentions.items():
            lines.append((
                name,
                f"  {name}: {attention.queries} of {attention.positions} queries,"
                f" {attention.valid_keys} of {attention.positions} keys, {_tiles(len(attention.query_rects))},"
                f" {attention.macs / 1e9:.1f} GMAC",
            ))  # fmt: skip
        return lines

    def summary(self) -> str:
        """`lines` as one text."""
        return "\n".join(line for _, line in self.lines())


def make_plan(
    network: Network,
    base_width: int,
    hole: np.ndarray,
    memory_budget: int | None = None,
    tuning: Tuning = TUNING,
) -> Plan:
    """The plan for one hole.

    Args:
        network: The network.
        base_width: Its base width.
        hole: bool [H, W], True = hole; H and W multiples of 8; at least one hole pixel.
        memory_budget: Bytes of working memory that the run may take; None leaves it to the tiles that are fastest.
        tuning: What is worth what.

    Raises:
        ValueError: for a hole without a pixel or a size that is no multiple of 8.
        UserError: for a memory budget that is too small; the message names the least that works.
    """
    size = hole.shape
    if any(side % 8 for side in size) or not hole.any():
        raise ValueError(f"a plan needs a hole and sides that are multiples of 8; got {size}, {hole.sum()} px.")
    memory = Memory.within(memory_budget, hole, network, base_width, tuning)
    plan = _plan(network, base_width, hole, memory, everywhere=False)
    convolutions = plan.macs - sum(attention.macs for attention in plan.attentions.values())
    if convolutions > (1 - tuning.smallest_saving) * dense_macs(network, base_width, size):
        plan = _plan(network, base_width, hole, memory, everywhere=True)
    return plan


def _plan(network: Network, base_width: int, hole: np.ndarray, memory: Memory, everywhere: bool) -> Plan:
    size, cell = hole.shape, memory.tuning.cell_px
    sizes, channels, channels_in = network.sizes(size), network.channels(base_width), network.channels_in(base_width)
    hole_cells = coarsened(hole, cell) | everywhere
    # Name of a node -> bool at the size of what it yields: what those that read it see.
    seen: dict[str, np.ndarray] = {}
    segments, attentions = {}, {}
    for node in reversed(network.nodes):
        match node:
            case View():
                # The photo is there, and an image's hole is wanted in any case.
                continue
            case Attention():
                (source,) = node.sources
                attentions[node.name] = plan_attention(
                    hole, sizes[source], channels[source], seen[node.name], memory.attention, memory.tuning.attention
                )
                reads = np.ones(sizes[source], bool)
            case Stack():
                side, mask = (cell, hole_cells) if node.image else (1, seen[node.name])
                source_size, read_channels = sizes[node.sources[0]], channels_in[node.name]
                segments[node.name], reads = plan_chain(
                    node.name, node.convs, source_size, mask, side, read_channels, base_width, memory
                )
        for name in node.sources:
            seen[name] = seen[name] | reads if name in seen else reads
    segments = {node.name: segments[node.name] for node in network.stacks}
    attentions = {node.name: attentions[node.name] for node in network.attentions}
    every_segment = [segment for chain in segments.values() for segment in chain]
    largest_map = max(
        tile.output.area * segment.channels_out * FLOAT for segment in every_segment for tile in segment.tiles
    )
    scores = max((attention.score_bytes for attention in attentions.values()), default=0)
    return Plan(
        size=size,
        segments=segments,
        attentions=attentions,
        macs=sum(part.macs for part in (*every_segment, *attentions.values())),
        full_macs=literal_macs(network, base_width, size),
        fell_back=everywhere,
        bytes_needed=memory.needed(largest_map, scores),
    )


def _tiles(count: int) -> str:
    return "1 tile" if count == 1 else f"{count} tiles"
