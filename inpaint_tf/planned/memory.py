"""How much memory a planned run may take, and how it is divided.

Three things are held: feature maps between segments, the activations of the tile that is being computed, and the
attention scores of one tile of queries. The first follow from the image's size, the other two from how large tiles
are made, so a budget decides on the tiles. More than what is fastest is never taken.
"""

import dataclasses

from inpaint_tf.attention.tuning import Tuning
from inpaint_tf.errors import UserError
from inpaint_tf.machine_memory import free_memory as free_memory
from inpaint_tf.planned.receptive_field import chain_sizes
from inpaint_tf.regions import bounding_rect

# Activations of one layer and one tile, in bytes. Larger ones do not stay in the last-level cache, and the C library
# hands blocks above 32 MiB back to the system each time, which costs more than the arithmetic of a thin layer.
BEST_ACTIVATION = 28 << 20
# The layers at the lowest resolution reach far, so cutting them costs more than the cache gives back.
BEST_TRUNK_ACTIVATION = 96 << 20
# Scores of one tile of queries: enough for tiles of 36 x 28 queries, whose halo costs a quarter, within limits.
# A photo that takes four times the upper one for its feature maps may take more.
BEST_SCORES = 576 << 20, 832 << 20
BEST_QUERY_SLOTS = 1480
SMALLEST_ACTIVATION = 2 << 20
SMALLEST_TRUNK_ACTIVATION = 10 << 20
SMALLEST_SCORES = 24 << 20
SMALLEST_QUERY_SLOTS = 128
# Pixels around the hole that its decoder sees, generously.
BORDER = 64
# Share of what is asked for that is held beside it, if the whole photo is seen: the convolution library keeps what it
# compiled for every tile's shape, and what tiles of many shapes leave free has gaps. Measured, see experiments/scaling.
KEPT_BESIDE = 0.45
FLOAT = 4
# Share of the free memory that a run takes by default.
SHARE_OF_FREE = 0.6


@dataclasses.dataclass(frozen=True)
class Memory:
    """Limits that tiles are cut to.

    Attributes:
        activation: Bytes of one layer's output within one tile, where the resolution changes.
        trunk: The same for a segment at one resolution.
        attention: Bytes of the scores of one tile of queries.
        resident: Bytes of the image and the feature maps that are held all the while.
        seen: Share of the photo that lies around what is wanted.
    """

    activation: int
    trunk: int
    attention: int
    resident: int
    seen: float

    @classmethod
    def within(cls, budget, wanted, layers, base_width, attention_branch, tuning=Tuning()):
        """Limits that keep a run within a budget.

        Args:
            budget: Bytes, or None for the fastest tiles.
            wanted: bool [H, W], the pixels of the image that are wanted.
            layers: `TwoStageLayers`.
            base_width: Base width of the network.
            attention_branch: Whether the network has the attention branch.
            tuning: `Tuning` of the attention.

        Raises:
            UserError: if even the smallest tiles need more. The message names the least that works.
        """
        size = wanted.shape
        seen = bounding_rect(wanted).grown(BORDER, size).area / wanted.size
        resident = resident_bytes(size, seen, layers, base_width, attention_branch)
        low, high = BEST_SCORES
        height, width = size[0] // 8, size[1] // 8
        one_query = (height * (width + 16) + tuning.steps_alive * max(width, tuning.most_key_slots)) * FLOAT
        least_scores = max(SMALLEST_SCORES, SMALLEST_QUERY_SLOTS * one_query)
        scores = max(least_scores, min(max(low, BEST_QUERY_SLOTS * one_query), max(high, resident // 4)))
        best = cls(BEST_ACTIVATION, BEST_TRUNK_ACTIVATION, scores, resident, seen)
        if budget is None or best.total <= budget:
            return best
        smallest = cls(SMALLEST_ACTIVATION, SMALLEST_TRUNK_ACTIVATION, least_scores, resident, seen)
        if smallest.total > budget:
            raise UserError(
                f"a memory budget of {in_mib(budget)} is too small for a photo of {size[1]}x{size[0]}; the least that "
                f"works is {in_mib(smallest.total, up=True)}: raise the budget or give a smaller photo."
            )
        share = (budget - smallest.total) / (best.total - smallest.total)

        def between(low, high):
            return int(low + share * (high - low))

        return cls(
            between(SMALLEST_ACTIVATION, BEST_ACTIVATION),
            between(SMALLEST_TRUNK_ACTIVATION, BEST_TRUNK_ACTIVATION),
            between(least_scores, scores),
            resident,
            seen,
        )

    @property
    def total(self):
        """Bytes at the worst moment: four activations (input, padded input, output, workspace), or the scores; what is
        resident; and what is kept beside."""
        return self._with_beside(max(4 * max(self.activation, self.trunk), self.attention))

    def fits(self, regions, channels, one_resolution):
        """Whether a tile is small enough: `LayerRegion` and output channels of every layer. 8 x 8 pixels always are."""
        output = regions[-1].output
        if output.height <= 8 and output.width <= 8:
            return True
        limit = self.trunk if one_resolution else self.activation
        return all(region.output.area * count * FLOAT <= limit for region, count in zip(regions, channels))

    def needed(self, segments, attention):
        """Estimate, in bytes, of what a plan takes at its worst moment."""
        largest = 0
        for chain in segments.values():
            for segment in chain:
                for tile in segment.tiles:
                    # The widest layer is not known here; the kept map bounds it from below.
                    largest = max(largest, tile.output.area * segment.channels_out * FLOAT)
        scores = attention.score_bytes if attention is not None else 0
        return self._with_beside(max(4 * max(largest, self.activation), scores))

    def _with_beside(self, tile):
        return int((self.resident + tile) * (1 + KEPT_BESIDE * self.seen))


def resident_bytes(size, seen, layers, base_width, attention_branch):
    """Bytes of an image [H, W], its mask, both results, and of the feature maps that are held for the share seen."""
    maps = 10 * size[0] * size[1]
    if attention_branch:
        height, width = chain_sizes(layers.attention_encoder, size)[-1]
        # Encoded features, the half-size copy that is matched, and what the attention returns; around the hole the
        # convolutional branch, and as much again for maps between segments.
        maps += int((2.25 + 2 * seen) * height * width) * layers.attention_encoder[-1].filters(base_width)
    return maps * FLOAT


def in_mib(amount, up=False):
    """ "123 MiB", rounded to the nearest or upwards."""
    return f"{-(-amount // (1 << 20)) if up else round(amount / (1 << 20))} MiB"
