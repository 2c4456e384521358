"""Constants of the planner that were measured, on one machine: what is worth what, and how much memory is fast."""

import dataclasses

from inpaint_tf.attention.tuning import Tuning as AttentionTuning


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How tiles are chosen. Numbers come out the same under any of these; time and memory differ.

    Attributes:
        tile_overhead_macs: Price of one more tile: what starting it costs on a CPU core, in multiply-adds.
        kept_number_macs: Price of writing and reading one number of a feature map that several tiles share: 10 ns and
            more on one core, at 100 multiply-adds a nanosecond.
        smallest_saving: A plan that saves less than this share of a full run's multiply-adds is not worth its seams.
        cell_px: Hole pixels are looked at in cells of this side, which divides 8.
        best_activation_bytes: Activations of one layer in one tile. Larger ones do not stay in the last-level cache,
            and the C library hands blocks above 32 MiB back to the system each time, which costs more than the
            arithmetic of a thin layer.
        best_trunk_activation_bytes: The same at the lowest resolution. The layers there reach far, so cutting them
            costs more than the cache gives back.
        best_scores_bytes: Attention scores of one tile of queries, at least and at most: enough for tiles of 36 x 28
            queries, whose halo costs a quarter. A photo whose feature maps take four times the upper limit may take
            more.
        best_query_slots: Queries with halo, in one tile.
        smallest_activation_bytes, smallest_trunk_activation_bytes, smallest_scores_bytes, smallest_query_slots: What
            tiles are cut to under the smallest budget that is accepted.
        seen_px: Pixels around the hole that the last stage sees, generously.
        kept_share: What the process holds in addition, as a share of what the run asks for, if the whole photo is seen:
            the convolution library keeps what it compiled for every tile's shape, and what tiles of many shapes leave
            free has gaps. Measured in experiments/scaling.
        free_memory_share: Share of the free memory that a run without a budget takes.
        attention: The attention's own.
    """

    tile_overhead_macs: float = 1e8
    kept_number_macs: float = 1500
    smallest_saving: float = 0.03
    cell_px: int = 8
    best_activation_bytes: int = 28 << 20
    best_trunk_activation_bytes: int = 96 << 20
    best_scores_bytes: tuple[int, int] = (576 << 20, 832 << 20)
    best_query_slots: int = 1480
    smallest_activation_bytes: int = 2 << 20
    smallest_trunk_activation_bytes: int = 10 << 20
    smallest_scores_bytes: int = 24 << 20
    smallest_query_slots: int = 128
    seen_px: int = 64
    kept_share: float = 0.45
    free_memory_share: float = 0.6
    attention: AttentionTuning = dataclasses.field(default_factory=AttentionTuning)


TUNING = Tuning()
