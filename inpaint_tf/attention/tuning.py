"""Constants that were measured on one machine, two CPU cores without a GPU. Others give the same numbers, slower."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How `attention.tiled` cuts its work. A slot is a place for one key or one query in the layout of a tile.

    Attributes:
        most_whole_scores: Scores up to which all queries at once are faster than tiles, for the memory that this takes:
            all of a photo of 256x256, a hole of 128x128 in one of 512x512, one of 64x64 in one of 1024x1024.
        whole_score_matrices: Score matrices that are alive at the same time if all queries run at once.
        most_key_slots: Key slots of a step above which strips of keys no longer lie side by side, because the scores
            would leave the cache.
        least_strip_rows: Rows of keys in a strip. Below that, its neighbours above and below, which are computed as
            well, cost more than strips side by side save.
        step_overhead_key_slots: What a step costs in addition to its key slots, in key slots: the processor waits
            between operations.
        steps_alive: Steps whose scores are alive at the same time, in the stages from products to weights, in addition
            to the weights that are kept.
        most_query_slots: Query slots of a tile.
        tile_overhead_query_slots: What a tile costs in addition to its query slots, in query slots.
    """

    most_whole_scores: int = 8 * 32**4
    whole_score_matrices: int = 6
    most_key_slots: int = 1000
    least_strip_rows: int = 8
    step_overhead_key_slots: int = 30
    steps_alive: int = 12
    most_query_slots: int = 3800
    tile_overhead_query_slots: int = 50


@dataclasses.dataclass(frozen=True)
class GraphTuning:
    """How `attention.in_graph` cuts its work.

    Attributes:
        most_whole_scores: Scores of a batch up to which the layer itself runs: one photo of 512x512.
        tile_scores: Scores of one tile, halo included. About six such arrays are alive at the same time.
        least_tile_side: Queries along a side of a tile, at least, however many keys there are.
        most_tile_side: Queries along a side of a tile, at most.
    """

    most_whole_scores: int = 1 << 24
    tile_scores: int = 1 << 23
    least_tile_side: int = 4
    most_tile_side: int = 48
