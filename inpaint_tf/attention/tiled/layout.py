"""Which queries and keys the attention computes, in which tiles, and where everything lies in a tile.

Queries are needed only where the decoder reads the result, plus one position around (pasting overlaps). They are cut
into rectangles, and every rectangle runs over all keys, a few rows of keys at a time: a step. The scores of a step are
a matrix with one row per key slot and one column per query slot. Its layout is what makes it fast: every diagonal sum
of the layer is then the sum of three equally long pieces of flat arrays, whose beginnings and ends are multiples of 64
bytes, which TensorFlow adds up in one pass without a copy:

- query slots are the rectangle with a halo of two positions, row by row, `query_stride` to a row, a multiple of 16,
  and 15 slots more: one key and one query further is a multiple of 16 floats away;
- the rows of keys are cut into strips of equal height, which lie side by side, so that a step has enough work on small
  grids too: step t takes row t of every strip. One key row and one query row further is the next step's matrix and
  `query_stride` to the right.

The slots next to the rows of a strip hold what the sums reach there. For matching that is zero padding. Propagation
runs over flattened indices, so beyond the end of a row (or column) it reaches a position of the next one, and beyond
the last position nothing; `wrapped_row` and `wrapped_column` say which.
"""

import dataclasses

import numpy as np

from inpaint_tf.attention.tuning import Tuning
from inpaint_tf.layers.resize import nearest_align_corners_indices
from inpaint_tf.regions import Rect, bounding_rect, coarsened, cover
from inpaint_tf.shared_arrays import ALIGNED_BYTES

# Positions around a rectangle of queries on which its result depends: one for propagation, one for pasting.
HALO = 2
FLOAT_BYTES = 4
# Slots, at multiples of which a slice shares memory with its array.
ALIGNED_SLOTS = ALIGNED_BYTES // FLOAT_BYTES


@dataclasses.dataclass(frozen=True)
class KeyStrips:
    """Rows of keys cut into strips that lie side by side.

    Attributes:
        grid: (h, w) of the positions.
        starts: First row of every strip, ascending.
        stops: The row after the last of every strip; at most `height` further.
        height: Rows of the tallest strip. What a shorter one has below its end counts for nothing.
    """

    grid: tuple[int, int]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    height: int

    @property
    def stride(self) -> int:
        """Slots of a strip: a row with one slot before it and one after it."""
        return self.grid[1] + 2

    @property
    def pasted_slots(self) -> int:
        """Slots of a step that are pasted from: all with keys or between the strips, and one before the first."""
        return _multiple(len(self.starts) * self.stride - 1, ALIGNED_SLOTS)

    @property
    def slots(self) -> int:
        """Slots of a step's weights."""
        return self.pasted_slots + ALIGNED_SLOTS


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
    def of(cls, rect: Rect) -> "QueryTile":
        stride = _multiple(rect.width + 2 * HALO, ALIGNED_SLOTS)
        return cls(rect, stride, (rect.height + 2 * HALO) * stride + ALIGNED_SLOTS - 1)


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
        score_bytes: Bytes of the scores that are alive at the same time.
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
    score_bytes: int
    macs: int

    @property
    def positions(self) -> int:
        """Positions of the grid: as many queries, and as many keys, as a full run has."""
        return self.grid[0] * self.grid[1]

    @property
    def queries(self) -> int:
        """Queries whose weights are wanted."""
        return int(self.weighted.sum())

    @property
    def valid_keys(self) -> int:
        """Keys that may be copied from."""
        return int(self.valid.sum())

    @property
    def query_rects(self) -> list[Rect]:
        """The rectangles of queries that run one after the other."""
        return [tile.rect for tile in self.tiles] if self.whole is None else [self.whole]


def plan_attention(
    hole: np.ndarray,
    feature_size: tuple[int, int],
    channels: int,
    features_wanted: np.ndarray,
    score_bytes: int,
    tuning: Tuning = Tuning(),
) -> AttentionPlan:
    """The attention's part of the plan.

    Args:
        hole: bool [H, W] of the image.
        feature_size: (H', W') of the feature map that the attention works on; even.
        channels: Its channels.
        features_wanted: bool [H', W'], the features that the decoder after the attention reads.
        score_bytes: Bytes that the scores of one tile may take.
        tuning: What is fast on the machine.

    Returns:
        An `AttentionPlan`.
    """
    grid = (feature_size[0] // 2, feature_size[1] // 2)
    positions = grid[0] * grid[1]
    hole = _at_size(hole, feature_size)
    valid = valid_keys(hole)
    wanted = coarsened(features_wanted, 2)
    weighted = dilated(wanted)
    rows = _touched_rows(valid)
    strips = _strips(rows, grid, tuning)
    whole = bounding_rect(weighted)
    if whole is not None:
        whole = _with_halo(whole, grid)
        bytes_a_score = tuning.whole_score_matrices * FLOAT_BYTES
        if whole.area * positions > min(tuning.most_whole_scores, score_bytes // bytes_a_score):
            whole = None
    tiles, needed, macs = [], 0, 0
    if whole is not None:
        needed = tuning.whole_score_matrices * FLOAT_BYTES * whole.area * positions
        macs = 5 * channels * whole.area * positions
    elif rows and wanted.any():
        bytes_a_query = strips.slots * (strips.height + tuning.steps_alive) * FLOAT_BYTES
        tiles = _tiles(weighted, min(tuning.most_query_slots, score_bytes // bytes_a_query), tuning)
        needed = bytes_a_query * max(tile.query_slots for tile in tiles)
        macs = channels * _products_a_query(strips) * sum(tile.query_slots for tile in tiles)
    return AttentionPlan(grid, wanted, weighted, valid, hole, whole, tuple(tiles), strips, needed, macs)


def valid_keys(hole: np.ndarray) -> np.ndarray:
    """bool [H'/2, W'/2]: the keys whose zero-padded 3x3 patch of the hole, bool [H', W'], is all known.

    The hole is brought to half its size by aligned-corner nearest neighbours, as in the layer.
    """
    return ~dilated(_at_size(hole, tuple(side // 2 for side in hole.shape)))


def _at_size(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool [H, W] resized to (H', W') by aligned-corner nearest neighbours; the indices are those of the full sizes."""
    for axis in (0, 1):
        mask = np.take(mask, nearest_align_corners_indices(mask.shape[axis], size[axis]), axis=axis)
    return mask


def dilated(mask: np.ndarray) -> np.ndarray:
    """bool [h, w]: True where the position or one of its eight neighbours is."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def wrapped_row(y: np.ndarray, x: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Flat index of the position that row-major propagation reaches at column -1 or w of a row; -1 for none."""
    flat = y * grid[1] + x
    inside = (y >= 0) & (y < grid[0]) & (flat >= 0) & (flat < grid[0] * grid[1])
    return np.where(inside, flat, -1)


def wrapped_column(y: np.ndarray, x: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Flat index of the position that column-major propagation reaches at row -1 or h of a column; -1 for none."""
    height, width = grid
    row = np.where(y < 0, height - 1, np.where(y >= height, 0, y))
    column = x + (y >= height) - (y < 0)
    inside = (x >= 0) & (x < width) & (column >= 0) & (column < width)
    return np.where(inside, row * width + column, -1)


def _with_halo(rect: Rect, grid: tuple[int, int]) -> Rect:
    """A rectangle of queries with its halo.

    At an edge of the grid, propagation continues at the opposite one, so along an axis whose edge the halo would cross
    all positions are taken. It continues in the next row or column, so the other axis then needs one position more.
    """
    sides = [(rect.top, rect.bottom, grid[0]), (rect.left, rect.right, grid[1])]

    def inside(axis: int, halo: int) -> bool:
        begin, end, length = sides[axis]
        return begin >= halo and end + halo <= length

    edges = []
    for axis, (begin, end, length) in enumerate(sides):
        halo = HALO if inside(1 - axis, HALO) else HALO + 1
        edges.append((begin - halo, end + halo) if inside(axis, halo) else (0, length))
    (top, bottom), (left, right) = edges
    return Rect(top, left, bottom, right)


def _multiple(count: int, of: int) -> int:
    """`count`, rounded up to a multiple."""
    return -(-count // of) * of


def _touched_rows(valid: np.ndarray) -> list[int]:
    """Rows with a valid key, and their neighbours, onto whose cells those keys' patches overlap."""
    rows = np.pad(valid.any(axis=1), 1)
    return np.flatnonzero(rows[:-2] | rows[1:-1] | rows[2:]).tolist() if rows.any() else []


def _strips(rows: list[int], grid: tuple[int, int], tuning: Tuning) -> KeyStrips:
    """The cheapest `KeyStrips` of some rows of a grid, given in ascending order."""
    most = max(1, min(tuning.most_key_slots // (grid[1] + 2), len(rows) // tuning.least_strip_rows))
    choices = [_strips_of_height(rows, grid, max(1, -(-len(rows) // count))) for count in range(1, most + 1)]
    return min(choices, key=lambda strips: _products_a_query(strips) + tuning.step_overhead_key_slots * strips.height)


def _strips_of_height(rows: list[int], grid: tuple[int, int], height: int) -> KeyStrips:
    starts, stops = [], []
    for row in rows:
        if starts and row == stops[-1] and row < starts[-1] + height:
            stops[-1] += 1
        else:
            starts.append(row)
            stops.append(row + 1)
    return KeyStrips(grid, tuple(starts), tuple(stops), height)


def _products_a_query(strips: KeyStrips) -> int:
    """Products of two feature vectors that one query slot takes part in."""
    # The rows of a strip, two above them, two below them, and three for each of both wraps over an edge of the grid.
    matched_rows = strips.height + 2 * 2 + 2 * 3
    # Four corners of every cell; the cells meet between the rows and at both ends of a strip.
    pasted_rows = strips.height + 1
    return strips.slots * matched_rows + 4 * strips.pasted_slots * pasted_rows


def _tiles(weighted: np.ndarray, most_slots: int, tuning: Tuning) -> list[QueryTile]:
    """`QueryTile`s that cover bool [h, w], of at most so many slots if they hold more than 16 queries."""

    def small_enough(rect: Rect) -> bool:
        return rect.area <= 16 or QueryTile.of(rect).query_slots <= most_slots

    def price(rect: Rect) -> int:
        """Slots, and the overhead of every tile, when the rectangle is cut into even bands and the best columns."""
        prices = []
        for columns in range(1, 1 + -(-rect.width // (ALIGNED_SLOTS - 2 * HALO))):
            strides = _multiple(rect.width + 2 * HALO * columns, ALIGNED_SLOTS)
            stride = _multiple(-(-strides // columns), ALIGNED_SLOTS)
            rows = (most_slots - ALIGNED_SLOTS + 1) // stride - 2 * HALO
            bands = -(-rect.height // max(1, rows))
            overhead = (ALIGNED_SLOTS + tuning.tile_overhead_query_slots) * bands * columns
            prices.append((rect.height + 2 * HALO * bands) * strides + overhead)
            if bands == 1:
                break
        return min(prices)

    tiles = [QueryTile.of(rect) for rect in cover(weighted, price, small_enough, _lines)]
    # Largest first: the memory that it frees has room for the others.
    return sorted(tiles, key=lambda tile: -tile.query_slots)


def _lines(axis: int, length: int, too_large: bool) -> list[int]:
    """Where to try a cut: sixteenths, and widths that need no padding."""
    del too_large
    lines = {length * part // 16 for part in range(1, 16)}
    if axis == 1:
        lines.update(range(ALIGNED_SLOTS - 2 * HALO, length, ALIGNED_SLOTS))
    return sorted(lines - {0})
