"""How much memory a planned run may take, and how it is divided.

Three things take memory: feature maps between segments, the activations of the tile that is being computed, and the
attention scores of one tile of queries. The first follow from the photo's size, the other two from the size of tiles,
so a budget decides on the tiles. A run never takes more than what is fastest.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.models.network import Attention, Network
from inpaint_tf.planned.receptive_field import LayerRegion
from inpaint_tf.planned.tuning import TUNING, Tuning
from inpaint_tf.regions import bounding_rect

FLOAT = 4


@dataclasses.dataclass(frozen=True)
class Memory:
    """Limits that tiles are cut to.

    Attributes:
        activation: Bytes of one layer's output in one tile, where the resolution changes.
        trunk: The same for a segment at one resolution.
        attention: Bytes of the scores of one tile of queries; 0 for a network without attention.
        resident: Bytes of the photo and the feature maps that stay in memory throughout the run.
        seen: Share of the photo that lies around the hole.
        tuning: The constants that the limits come from.
    """

    activation: int
    trunk: int
    attention: int
    resident: int
    seen: float
    tuning: Tuning

    @classmethod
    def within(
        cls, budget: int | None, hole: np.ndarray, network: Network, base_width: int, tuning: Tuning = TUNING
    ) -> "Memory":
        """Limits that keep a run within a budget.

        Args:
            budget: Bytes, or None for the fastest tiles.
            hole: bool [H, W]; at least one pixel.
            network: The network.
            base_width: Its base width.
            tuning: What is fastest, and what is the least.

        Raises:
            UserError: if even the smallest tiles need more. The message names the least that works.
        """
        size = hole.shape
        around = bounding_rect(hole)
        assert around is not None and len(size) == 2
        seen = around.grown(tuning.seen_px, size).area / hole.size
        resident = resident_bytes(size, seen, network, base_width)
        low, high = tuning.best_scores_bytes
        one_query = max((_one_query_bytes(*grid, tuning) for grid in network.grids(size).values()), default=0)
        least_scores = scores = 0
        if one_query:
            least_scores = max(tuning.smallest_scores_bytes, tuning.smallest_query_slots * one_query)
            most = max(high, resident // 4)
            scores = max(least_scores, min(max(low, tuning.best_query_slots * one_query), most))
        best = cls(tuning.best_activation_bytes, tuning.best_trunk_activation_bytes, scores, resident, seen, tuning)
        if budget is None or best.total <= budget:
            return best
        smallest = cls(
            tuning.smallest_activation_bytes,
            tuning.smallest_trunk_activation_bytes,
            least_scores,
            resident,
            seen,
            tuning,
        )
        if smallest.total > budget:
            raise UserError(
                f"a memory budget of {in_mib(budget)} is too small for the {size[1]}x{size[0]} pixels that the network "
                f"sees; the least that works is {in_mib(smallest.total, up=True)}: raise the budget, or give a smaller "
                "photo or working size."
            )
        share = (budget - smallest.total) / (best.total - smallest.total)

        def between(low: int, high: int) -> int:
            return int(low + share * (high - low))

        return cls(
            between(smallest.activation, best.activation),
            between(smallest.trunk, best.trunk),
            between(smallest.attention, best.attention),
            resident,
            seen,
            tuning,
        )

    @property
    def total(self) -> int:
        """Bytes at the worst moment: four activations (input, padded input, output, workspace), or the scores; what is
        resident; and what the process holds in addition."""
        return self._with_kept(max(4 * max(self.activation, self.trunk), self.attention))

    def fits(self, regions: Sequence[LayerRegion], channels: Sequence[int], one_resolution: bool) -> bool:
        """Whether a tile is small enough. 8 x 8 pixels always are.

        Args:
            regions: What every layer computes.
            channels: What every layer computes, before its gate.
            one_resolution: Whether all layers work at one resolution.
        """
        output = regions[-1].output
        if output.height <= 8 and output.width <= 8:
            return True
        limit = self.trunk if one_resolution else self.activation
        return all(region.output.area * count * FLOAT <= limit for region, count in zip(regions, channels))

    def needed(self, largest_map: int, scores: int) -> int:
        """Estimate, in bytes, of what a plan takes at its worst moment.

        Args:
            largest_map: Bytes of the largest tile of a map that is kept. A tile's widest layer is not known here; the
                kept map bounds it from below.
            scores: Bytes of the attention scores that are in memory at a time.
        """
        return self._with_kept(max(4 * max(largest_map, self.activation), scores))

    def _with_kept(self, tile: int) -> int:
        return int((self.resident + tile) * (1 + self.tuning.kept_share * self.seen))


def _one_query_bytes(height: int, width: int, tuning: Tuning) -> int:
    """Bytes of the scores of one query against a grid of keys, with what is worked on."""
    return (height * (width + 16) + tuning.attention.steps_alive * max(width, tuning.attention.most_key_slots)) * FLOAT


def resident_bytes(size: tuple[int, int], seen: float, network: Network, base_width: int) -> int:
    """Bytes of what stays in memory throughout a run: photo, mask, every stage's image, and feature maps.

    Args:
        size: (H, W) of the image.
        seen: Share of the photo that lies around the hole.
        network: The network.
        base_width: Its base width.
    """
    sizes, channels = network.sizes(size), network.channels(base_width)
    numbers = (3 + 1 + 3 * len(network.stages)) * size[0] * size[1]
    # For an attention: the encoded features, their copy at half the size that is matched, and what it returns; around
    # the hole also the other branch, and as much again for maps between segments. A stage's maps are freed before the
    # next stage begins.
    numbers += max(
        sum(
            int((2.25 + 2 * seen) * sizes[node.name][0] * sizes[node.name][1]) * channels[node.name]
            for node in stage
            if isinstance(node, Attention)
        )
        for stage in network.stages
    )
    return numbers * FLOAT


def in_mib(amount: int, up: bool = False) -> str:
    """ "123 MiB", rounded to the nearest or upwards."""
    return f"{-(-amount // (1 << 20)) if up else round(amount / (1 << 20))} MiB"
