"""Which queries and keys the attention computes, in which tiles, and where everything lies in a tile.

Queries are needed only where the decoder looks, plus one position around (pasting overlaps). They are cut into
rectangles, and every rectangle runs over all keys, some key rows after the other. The scores of a step are a matrix
with one row per key slot and one column per query slot. Its layout is what makes it fast: every diagonal sum of the
layer is then the sum of three equally long pieces of flat arrays, whose beginnings and ends are multiples of 64 bytes,
which TensorFlow adds up in one pass without a copy:

- query slots are the rectangle with a halo of two positions, row by row, `query_stride` to a row, a multiple of 16,
  and 15 slots more: one key and one query further is a multiple of 16 floats away;
- the rows of keys are cut into strips of equal height, which lie side by side, so that a step has work enough on
  small grids too: step t takes row t of every strip. One key row and one query row further is the next step's matrix
  and `query_stride` to the right.

The slots beside a strip's rows hold what the sums must meet there. For matching that is zero padding. For the
propagation, which runs over flattened indices, it is the position in the next (or previous) row, or column, and
nothing at all behind the last position; `wrapped_row` and `wrapped_column` say which.
"""

import dataclasses

import numpy as np

from inpaint_tf.layers.resize import nearest_align_corners_indices
from inpaint_tf.regions import Rect, bounding_rect, coarsened, cover

HALO = 2
ALIGNMENT = 16
FLOAT = 4
# Key slots of a step, beyond which strips are not laid side by side: more leave the cache.
MOST_KEY_SLOTS = 1000
# Rows of a strip, whose neighbours above and below are computed with it.
LEAST_STRIP_HEIGHT = 8
# What a step costs beside its slots, in slots: the processor waits between operations.
STEP_OVERHEAD = 30
# Query slots of a tile.
MOST_QUERY_SLOTS = 3800
# What a tile costs beside its slots, in slots.
TILE_OVERHEAD = 50
# Scores up to which all queries at once are faster than tiles, for the memory that this takes: all of a photo of
# 256 x 256, a hole of 128 x 128 in one of 512 x 512, one of 64 x 64 in one of 1024 x 1024.
WHOLE_SCORES = 8 * 32**4
# Score matrices that the layer holds at a time.
WHOLE_MATRICES = 6
# Steps at hand, in the stages from products to weights, beside the weights that are kept.
WORKING_STEPS = 12


@dataclasses.dataclass(frozen=True)
class KeyStrips:
    """Rows of keys cut into strips that lie side by side.

    Attributes:
        grid: (h, w) of the positions.
        starts: First row of every strip, ascending.
        stops: The row behind the last of every strip; at most `height` further.
        height: Rows of the highest strip. What a lower one has below its end counts for nothing.
    """

    grid: tuple[int, int]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    height: int

    @property
    def stride(self):
        """Slots of a strip: a row with one slot before and one behind."""
        return self.grid[1] + 2

    @property
    def pasted_slots(self):
        """Slots of a step that are pasted from: all with keys or between the strips, and one in front."""
        return _multiple(len(self.starts) * self.stride - 1, ALIGNMENT)

    @property
    def slots(self):
        """Slots of a step's weights."""
        return self.pasted_slots + ALIGNMENT


@dataclasses.dataclass(frozen=True)
class QueryTile:
    """A rectangle of queries and its layout.

    Attributes:
        rect: The queries, positions of the grid.
        query_stride: Slots in a row of the layout.
        query_slots: Slots in all.
    """

    rect: Rect
    query_stride: int
    query_slots: int

    @classmethod
    def of(cls, rect):
        stride = _multiple(rect.width + 2 * HALO, ALIGNMENT)
        return cls(rect, stride, (rect.height + 2 * HALO) * stride + ALIGNMENT - 1)


@dataclasses.dataclass(frozen=True, eq=False)
class AttentionPlan:
    """What the attention computes.

    Attributes:
        grid: (h, w) of the positions, half of the feature map's size.
        wanted: bool [h, w], the cells of the pasted map that are wanted.
        weighted: bool [h, w], the queries whose weights that takes: the cells and their neighbours.
        valid: bool [h, w], the keys whose patch holds no hole pixel.
        hole: bool [H', W'], the hole at the features' size.
        whole: The rectangle of queries that runs at once, because there are so few scores that tiles would not pay;
            None otherwise.
        tiles: Query tiles; their rectangles are disjoint and cover `weighted`.
        strips: `KeyStrips` that hold all rows that a valid key touches.
        macs: Multiply-adds of the matrix products.
    """

    grid: tuple[int, int]
    wanted: np.ndarray
    weighted: np.ndarray
    valid: np.ndarray
    hole: np.ndarray
    whole: Rect | None
    tiles: tuple[QueryTile, ...]
    strips: KeyStrips
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
    def query_rects(self):
        """The rectangles of queries that run one after the other."""
        return [tile.rect for tile in self.tiles] if self.whole is None else [self.whole]

    @property
    def score_bytes(self):
        """Bytes of the scores at hand at a time."""
        if self.whole is not None:
            return WHOLE_MATRICES * self.whole.area * self.positions * FLOAT
        return max((tile.query_slots for tile in self.tiles), default=0) * _bytes_a_query(self.strips)


def plan_attention(hole, feature_size, channels, features_wanted, score_bytes):
    """The attention's part of the plan.

    Args:
        hole: bool [H, W] of the image.
        feature_size: (H', W') of the feature map that the attention works on; even.
        channels: Its channels.
        features_wanted: bool [H', W'], the features that the decoder behind the attention reads.
        score_bytes: Bytes that the scores of one tile may take.

    Returns:
        An `AttentionPlan`.
    """
    grid = tuple(side // 2 for side in feature_size)
    positions = grid[0] * grid[1]
    hole = _at_size(hole, feature_size)
    valid = valid_keys(hole)
    wanted = coarsened(features_wanted, 2)
    weighted = dilated(wanted)
    rows = _touched_rows(valid)
    strips = _strips(rows, grid)
    whole = _with_halo(bounding_rect(weighted), grid) if wanted.any() else None
    if whole is not None and whole.area * positions > min(WHOLE_SCORES, score_bytes // (WHOLE_MATRICES * FLOAT)):
        whole = None
    tiles, macs = [], 0
    if whole is not None:
        macs = 5 * channels * whole.area * positions
    elif rows and wanted.any():
        tiles = _tiles(weighted, min(MOST_QUERY_SLOTS, score_bytes // _bytes_a_query(strips)))
        macs = channels * _products_a_query(strips) * sum(tile.query_slots for tile in tiles)
    return AttentionPlan(grid, wanted, weighted, valid, hole, whole, tuple(tiles), strips, macs)


def valid_keys(hole):
    """bool [H'/2, W'/2]: the keys whose zero-padded 3x3 patch of the hole, bool [H', W'], is all known.

    The hole comes to half its size by aligned-corner nearest neighbours, as in the layer.
    """
    return ~dilated(_at_size(hole, tuple(side // 2 for side in hole.shape)))


def _at_size(mask, size):
    """bool [H, W] resized to (H', W') by aligned-corner nearest neighbours; the indices are those of the full sizes."""
    for axis in (0, 1):
        mask = np.take(mask, nearest_align_corners_indices(mask.shape[axis], size[axis]), axis=axis)
    return mask


def dilated(mask):
    """bool [h, w]: True where the position or one of its eight neighbours is."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


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


def _with_halo(rect, grid):
    """A rectangle of queries with its halo.

    At an edge of the grid, propagation goes on at the opposite one, so along an axis whose edge the halo would cross
    all positions are taken. It goes on one row or column further, so the other axis then needs one position more.
    """
    sides = [(rect.top, rect.bottom, grid[0]), (rect.left, rect.right, grid[1])]

    def inside(axis, halo):
        begin, end, length = sides[axis]
        return begin >= halo and end + halo <= length

    edges = []
    for axis, (begin, end, length) in enumerate(sides):
        halo = HALO if inside(1 - axis, HALO) else HALO + 1
        edges.append((begin - halo, end + halo) if inside(axis, halo) else (0, length))
    (top, bottom), (left, right) = edges
    return Rect(top, left, bottom, right)


def _multiple(count, of):
    return -(-count // of) * of


def _touched_rows(valid):
    """Rows with a valid key, and their neighbours, onto whose cells those keys' patches overlap."""
    rows = np.pad(valid.any(axis=1), 1)
    return np.flatnonzero(rows[:-2] | rows[1:-1] | rows[2:]).tolist() if rows.any() else []


def _strips(rows, grid):
    """The cheapest `KeyStrips` of some rows of a grid, given in ascending order."""
    most = max(1, min(MOST_KEY_SLOTS // (grid[1] + 2), len(rows) // LEAST_STRIP_HEIGHT))
    choices = [_strips_of_height(rows, grid, max(1, -(-len(rows) // count))) for count in range(1, most + 1)]
    return min(choices, key=lambda strips: _products_a_query(strips) + STEP_OVERHEAD * strips.height)


def _strips_of_height(rows, grid, height):
    starts, stops = [], []
    for row in rows:
        if starts and row == stops[-1] and row < starts[-1] + height:
            stops[-1] += 1
        else:
            starts.append(row)
            stops.append(row + 1)
    return KeyStrips(grid, tuple(starts), tuple(stops), height)


def _products_a_query(strips):
    """Products of feature vectors for one query slot."""
    # Matching takes the rows, two on either side and twice three for the wrapped ones; pasting takes four corners of
    # the cells that meet between two rows.
    return strips.slots * (strips.height + 10) + 4 * strips.pasted_slots * (strips.height + 1)


def _bytes_a_query(strips):
    return strips.slots * (strips.height + WORKING_STEPS) * FLOAT


def _tiles(weighted, most_slots):
    """`QueryTile`s that cover bool [h, w], of at most so many slots if they hold more than 16 queries."""

    def small_enough(rect):
        return rect.area <= 16 or QueryTile.of(rect).query_slots <= most_slots

    def price(rect):
        """Slots, and something for every tile, when the rectangle is cut into even bands and good columns."""
        prices = []
        for columns in range(1, 1 + -(-rect.width // (ALIGNMENT - 2 * HALO))):
            strides = _multiple(rect.width + 2 * HALO * columns, ALIGNMENT)
            stride = _multiple(-(-strides // columns), ALIGNMENT)
            rows = (most_slots - ALIGNMENT + 1) // stride - 2 * HALO
            bands = -(-rect.height // max(1, rows))
            prices.append((rect.height + 2 * HALO * bands) * strides + (ALIGNMENT + TILE_OVERHEAD) * bands * columns)
            if bands == 1:
                break
        return min(prices)

    tiles = [QueryTile.of(rect) for rect in cover(weighted, price, small_enough, _lines)]
    # Largest first: what it frees has room for the others.
    return sorted(tiles, key=lambda tile: -tile.query_slots)


def _lines(axis, length, too_large):
    """Where to try a cut: sixteenths, and widths that need no padding."""
    del too_large
    lines = {length * part // 16 for part in range(1, 16)}
    if axis == 1:
        lines.update(range(ALIGNMENT - 2 * HALO, length, ALIGNMENT))
    return sorted(lines - {0})
