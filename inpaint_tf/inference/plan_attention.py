"""Which queries and keys the attention computes, in which tiles, and where everything lies in a tile.

Queries are needed only where the decoder looks, plus one position around (pasting overlaps). They are cut into
rectangles; every rectangle runs over all keys, in groups of key rows. A tile of scores is a matrix with one row per
key slot and one column per query slot. Its layout is what makes it fast: every diagonal sum of the layer is then the
sum of three equally long pieces of one flat array, at distances that are multiples of 64 bytes, which TensorFlow
adds up in one pass without a copy:

- query slots are the rectangle with a halo of two positions, row by row, `query_stride` to a row, padded to a total
  that is 15 modulo 16: one key and one query further is a multiple of 16 floats away;
- key slots are whole rows of the grid with a slot before and at least one behind, `key_stride` to a row, and the
  stride is the query stride modulo 16: one key row and one query row further is a multiple of 16 floats away, too.

The slots around the grid hold what the sums must meet there. For matching that is zero padding. For the propagation,
which runs over flattened indices, it is the position in the next (or previous) row, or column, and nothing at all
behind the last position; `wrapped_row` and `wrapped_column` say which.
"""

import dataclasses

import numpy as np

from inpaint_tf.inference.regions import Rect, coarsened, cover
from inpaint_tf.layers.resize import nearest_align_corners_indices

HALO = 2
ALIGNMENT = 16
# Key slots that share a partial maximum; groups of keys are padded to multiples.
CHUNK = 32
FLOAT = 4
# Floats of one score matrix (a query tile x a group of key rows). Smaller groups compute more key rows twice; with its
# halo a larger one passes 32 MiB, which the C library hands back to the system and gets anew for every operation.
BEST_GROUP = 5 << 20
# Query slots of a tile.
MOST_QUERY_SLOTS = 2400


@dataclasses.dataclass(frozen=True)
class QueryTile:
    """A rectangle of queries and its layout.

    Attributes:
        rect: The queries, positions of the grid.
        query_stride: Slots in a row of the layout.
        query_slots: Slots in all.
        key_stride: Slots in a row of keys.
        key_groups: (first, behind the last) row of every group of keys. Rows that no valid key touches are left out.
    """

    rect: Rect
    query_stride: int
    query_slots: int
    key_stride: int
    key_groups: tuple[tuple[int, int], ...]

    @property
    def scores(self):
        """Scores that are kept at a time."""
        return self.query_slots * self.key_stride * sum(last - first for first, last in self.key_groups)

    @property
    def front_slots(self):
        """Padding in front of a group's key rows: two slots or more, and what makes all beginnings multiples of 16."""
        return 2 + (-self.query_stride - 2) % ALIGNMENT

    def weight_slots(self, rows):
        """Slots of the attention weights of some key rows, padding behind them included."""
        return _multiple(rows * self.key_stride, CHUNK)

    def score_slots(self, rows):
        """Slots of the matching scores of some key rows, padding on both sides included."""
        return _multiple(self.front_slots + rows * self.key_stride + CHUNK + 2, ALIGNMENT)

    def feature_slots(self, rows):
        """Slots of the features that the scores of some key rows take: a row more on either side."""
        return _multiple(self.front_slots + 2 * self.key_stride + 2 + self.score_slots(rows), ALIGNMENT)


@dataclasses.dataclass(frozen=True, eq=False)
class AttentionPlan:
    """What the attention computes.

    Attributes:
        grid: (h, w) of the positions, half of the feature map's size.
        wanted: bool [h, w], the cells of the pasted map that are wanted.
        weighted: bool [h, w], the queries whose weights that takes: the cells and their neighbours.
        valid: bool [h, w], the keys whose patch holds no hole pixel.
        tiles: Query tiles; their rectangles are disjoint and cover `weighted`.
        macs: Multiply-adds of the matrix products.
    """

    grid: tuple[int, int]
    wanted: np.ndarray
    weighted: np.ndarray
    valid: np.ndarray
    tiles: tuple[QueryTile, ...]
    macs: int

    @property
    def positions(self):
        return self.grid[0] * self.grid[1]

    @property
    def queries(self):
        return int(self.weighted.sum())

    @property
    def valid_keys(self):
        return int(self.valid.sum())

    @property
    def bytes_stored(self):
        return max((tile.scores for tile in self.tiles), default=0) * FLOAT


def plan_attention(hole, feature_size, channels, features_wanted, bytes_stored):
    """The attention's part of the plan.

    Args:
        hole: bool [H, W] of the image.
        feature_size: (H', W') of the feature map that the attention works on; even.
        channels: Its channels.
        features_wanted: bool [H', W'], the features that the decoder behind the attention reads.
        bytes_stored: Bytes that the stored scores of one tile may take.

    Returns:
        An `AttentionPlan`.
    """
    grid = tuple(side // 2 for side in feature_size)
    valid = valid_keys(hole, feature_size)
    wanted = coarsened(features_wanted, 2)
    weighted = dilated(wanted)
    rows = _touched_rows(valid)
    tiles, macs = [], 0
    if rows and wanted.any():

        def price(rect):
            return (rect.height + 2 * HALO) * (rect.width + 2 * HALO + 4) + 200

        def small_enough(rect):
            stride, slots, key_stride = layout(rect, grid)
            scores = slots * key_stride * len(rows) * FLOAT
            return rect.area <= 16 or (slots <= MOST_QUERY_SLOTS and scores <= bytes_stored)

        for rect in cover(weighted, price, small_enough):
            stride, slots, key_stride = layout(rect, grid)
            rows_at_once = max(4, BEST_GROUP // (slots * key_stride) - HALO)
            tile = QueryTile(rect, stride, slots, key_stride, _groups(rows, rows_at_once))
            tiles.append(tile)
            for first, last in tile.key_groups:
                macs += (slots * key_stride * channels) * ((last - first) + 2 * HALO + 4 * (last - first))
    return AttentionPlan(grid, wanted, weighted, valid, tuple(tiles), macs)


def valid_keys(hole, feature_size):
    """bool [h, w]: the keys whose zero-padded 3x3 patch of the hole mask is all known.

    The mask comes to the features' size and then to half of it by aligned-corner nearest neighbours, as in the layer;
    the indices are those of the full sizes.
    """
    grid = tuple(side // 2 for side in feature_size)
    mask = hole
    for axis in (0, 1):
        down = nearest_align_corners_indices(hole.shape[axis], feature_size[axis])
        half = nearest_align_corners_indices(feature_size[axis], grid[axis])
        mask = np.take(mask, down[half], axis=axis)
    return ~dilated(mask)


def dilated(mask):
    """bool [h, w]: True where the position or one of its eight neighbours is."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def layout(rect, grid):
    """(query stride, query slots, key stride) of a tile: the cheapest that meets the alignment."""
    best = None
    for extra in range(ALIGNMENT):
        stride = rect.width + 2 * HALO + extra
        slots = (rect.height + 2 * HALO) * stride
        slots += (ALIGNMENT - 1 - slots) % ALIGNMENT
        key_stride = grid[1] + 2 + (stride - grid[1] - 2) % ALIGNMENT
        if best is None or slots * key_stride < best[1] * best[2]:
            best = stride, slots, key_stride
    return best


def wrapped_row(y, x, grid):
    """Flat index of the position that row-major propagation meets at column -1 or w of a row; -1 for none."""
    flat = y * grid[1] + x
    inside = (y >= 0) & (y < grid[0]) & (flat >= 0) & (flat < grid[0] * grid[1])
    return np.where(inside, flat, -1)


def wrapped_column(y, x, grid):
    """Flat index of the position that column-major propagation meets at row -1 or h of a column; -1 for none."""
    height, width = grid
    row = np.where(y < 0, height - 1, np.where(y >= height, 0, y))
    column = x + (y >= height) - (y < 0)
    inside = (x >= 0) & (x < width) & (column >= 0) & (column < width)
    return np.where(inside, row * width + column, -1)


def _multiple(count, of):
    return -(-count // of) * of


def _touched_rows(valid):
    """Rows with a valid key, and their neighbours, onto whose cells those keys' patches overlap."""
    rows = np.pad(valid.any(axis=1), 1)
    return np.flatnonzero(rows[:-2] | rows[1:-1] | rows[2:]).tolist() if rows.any() else []


def _groups(rows, at_once):
    """Runs of consecutive rows, cut into groups of about equal height, none higher than `at_once`."""
    groups, start = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end] != rows[end - 1] + 1:
            first, last = rows[start], rows[end - 1] + 1
            count = -(-(last - first) // at_once)
            cuts = [first + (last - first) * index // count for index in range(count + 1)]
            groups += zip(cuts, cuts[1:])
            start = end
    return tuple(groups)
