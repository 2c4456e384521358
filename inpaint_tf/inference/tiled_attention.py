"""Contextual attention for the queries that are wanted, tile by tile, in bounded memory, with the layer's numbers.

The arithmetic is that of `layers.fast_attention` (matching, propagation, softmax and pasting as matrix products and
diagonal sums), restricted to the tiles of an `AttentionPlan`; `score_tiles` has it. A tile of queries goes over the
keys twice: once for exponentials of scores against a running maximum, which are kept, and once to normalise, sum and
multiply with the background. In between the softmax's maximum and denominator become known; keys that are masked
enter it with logit 0, which is one number for all of them, and are computed only where diagonal sums touch them.

The second time only those keys take part that count. A tile's queries look alike, so most keys of a large photo get
next to no weight from any of them. Keys are dropped whose weights, summed over the tile's queries, are below
`NEGLIGIBLE` / number of keys: all of them together take less than `NEGLIGIBLE` = 2^-24 from any query's weights, which
is what rounding one float32 sum of 1 takes, and so move no pasted number by more than 2^-24 of the largest feature.

Positions at the edges of the grid need what the propagation meets when it runs over the end of a row or column. On
the key side these are copied into the slots around the grid; where a query tile touches an edge, the few columns
concerned are computed from whole patches and added.
"""

import numpy as np
import tensorflow as tf

from inpaint_tf.inference import score_tiles
from inpaint_tf.inference.attention_keys import LOWEST, Keys
from inpaint_tf.inference.attention_queries import Queries
from inpaint_tf.inference.plan_attention import HALO, dilated
from inpaint_tf.inference.regions import Rect, bounding_rect

NEGLIGIBLE = 2.0**-24
GRAPHS = (
    score_tiles.propagated_rows,
    score_tiles.propagated_rows_at_edge,
    score_tiles.end_scores,
    score_tiles.exponentials,
    score_tiles.pasted,
)


class TiledAttention:
    """Runs the attention of a plan.

    Args:
        layer: The model's `ContextualAttention`, for its softmax scale; see `supports`.

    Call:
        features: float32 [H', W', C] array, the whole feature map that the attention works on. If only this call
            refers to it, it is let go early.
        plan: `AttentionPlan`.

    Returns:
        pasted: float32 [h', w', C], the attention's result on a rectangle of the map; right where the plan wants it.
        rect: That rectangle.
        offsets: int32 [h, w, 2] (row, column) of the strongest key; -1 where the plan did not want it.
    """

    def __init__(self, layer):
        self.softmax_scale = np.float32(layer.softmax_scale)

    @staticmethod
    def supports(layer):
        """Whether the tiles are laid out for a layer's settings: rate 2, 3x3 patches, propagation over 3."""
        return bool(layer.fuse) and (layer.rate, layer.fuse_kernel, layer.kernel_size) == (2, 3, 3)

    @property
    def traces(self):
        """How many graphs were built so far, by this and all other instances: they share them."""
        return sum(graph.experimental_get_tracing_count() for graph in GRAPHS)

    def __call__(self, features, plan):
        inner = bounding_rect(dilated(plan.wanted)) or Rect(0, 0, 0, 0)
        sums = np.zeros((inner.height, inner.width, 2, 2, features.shape[-1]), np.float32)
        offsets = np.full((*plan.grid, 2), -1, np.int32)
        if plan.tiles:
            keys = Keys(tf.convert_to_tensor(features), plan, self.softmax_scale)
            del features
            for tile in plan.tiles:
                _run_tile(tile, keys, sums, inner, offsets)
        else:
            # Without a valid key the layer's result is 0 and its strongest key the first.
            offsets[plan.wanted] = 0
        offsets[~plan.wanted] = -1
        pasted = sums.transpose(0, 2, 1, 3, 4).reshape(2 * inner.height, 2 * inner.width, -1)
        return pasted / np.float32(4), inner.scaled(2), offsets


def _run_tile(tile, keys, sums, inner, offsets):
    """Adds a tile's pasted features to `sums` and puts its strongest keys into `offsets`."""
    queries = Queries(tile, keys)
    groups, (maximum, total, strongest, best) = _exponentials(tile, keys, queries)
    _record_offsets(tile, offsets, maximum, strongest, best)
    scales = [queries.in_rect * tf.exp(group_maximum - maximum) / total for _, group_maximum in groups]
    weights = [exponentials for exponentials, _ in groups]
    _add(tile, _paste(tile, keys, weights, scales), sums, inner)


def _exponentials(tile, keys, queries):
    """[(exponentials, maximum they were taken against)] of every key group, and the four running values."""
    height, slots = keys.grid[0], tile.query_slots
    ranges = [(max(first - 1, 0), min(last + 1, height)) for first, last in tile.key_groups]
    ranges += [(0, 1), (height - 1, height)]
    ends = np.asarray(score_tiles.end_scores(keys.table, queries.patches, *keys.ends(ranges)))
    ends = {rows: ends[2 * index : 2 * index + 2] for index, rows in enumerate(ranges)}
    layout = tf.constant(tile.front_slots), tf.constant(tile.query_stride), tf.constant(tile.key_stride)

    def along_rows(first, last):
        arguments = keys.table, queries.features, *keys.group(tile, first, last), ends[first, last], *layout
        if not queries.at_edge:
            return score_tiles.propagated_rows(*arguments)
        around = keys.group_at_edge(tile, first, last)
        return score_tiles.propagated_rows_at_edge(*arguments, *around, *queries.edge)

    running = (
        tf.fill([slots], np.float32(0) if keys.masked_count else LOWEST),
        tf.fill([slots], np.float32(keys.masked_count)),
        tf.fill([slots], LOWEST),
        tf.zeros([slots], tf.int32),
    )
    groups = []
    for first, last in tile.key_groups:
        top, bottom = max(first - 1, 0), min(last + 1, height)
        flat = along_rows(top, bottom)
        if first == 0 or last == height:
            # Scores and the row in them; a group of all rows has both in itself.
            above = below = None
            if first == 0:
                above = (flat, height - 1) if bottom == height else (along_rows(height - 1, height), 0)
            if last == height:
                below = (flat, 0) if top == 0 else (along_rows(0, 1), 0)
            flat = _with_wrapped_rows(flat, above, below, tile, bottom - top, keys)
        bias = keys.bias(tile, first, last)
        found, *running = score_tiles.exponentials(
            flat, bias, *layout, tf.constant(first), tf.constant(last), *running
        )
        groups.append((found, running[0]))
    return groups, running


def _paste(tile, keys, weights, scales):
    """float32 [Q, 4 C]: sums over all keys that count, not yet divided by 4.

    Args:
        tile: The query tile.
        keys: `Keys`.
        weights: Exponentials of every key group, float32 [K, Q].
        scales: float32 [Q] for every group, what makes weights of them; 0 outside the tile.
    """
    cells = _cells_that_count(tile, keys, weights, scales)
    nothing = tf.zeros([tile.key_stride, tile.query_slots]), tf.zeros([tile.query_slots])
    groups = tile.key_groups
    result = np.zeros((tile.query_slots, 4 * keys.table.shape[1]), np.float32)
    for index, (first, last) in enumerate(groups):
        if not cells[first:last].any():
            continue
        before = after = nothing
        if index and groups[index - 1][1] == first:
            before = weights[index - 1][-tile.key_stride :], scales[index - 1]
        if index + 1 < len(groups) and groups[index + 1][0] == last:
            after = weights[index + 1][: tile.key_stride], scales[index + 1]
        result[1:] += np.asarray(score_tiles.pasted(
            *before, weights[index], scales[index], *after, *keys.pasting(tile, cells[first:last], first),
            keys.background, tf.constant(tile.query_stride), tf.constant(tile.key_stride),
        ))[:-1]  # fmt: skip
    return result


def _cells_that_count(tile, keys, weights, scales):
    """bool [h, w]: the background's cells onto which a key that counts pastes."""
    counts = np.zeros(keys.grid, bool)
    least = NEGLIGIBLE / counts.size
    for (first, last), exponentials, scale in zip(tile.key_groups, weights, scales):
        mass = np.asarray(tf.linalg.matvec(exponentials, scale)).reshape(-1, tile.key_stride)
        counts[first:last] = mass[:, 1 : keys.grid[1] + 1] > least
    return dilated(counts)


def _record_offsets(tile, offsets, maximum, strongest, best):
    slot = np.asarray(best)
    # A weight that underflows to 0 everywhere has its maximum at the first key.
    vanished = np.exp(np.asarray(strongest) - np.asarray(maximum)) == 0
    row, column = slot // tile.key_stride, slot % tile.key_stride - 1
    found = np.where(vanished[:, np.newaxis], 0, np.stack([row, column], axis=-1))
    offsets[tile.rect.slices] = _rows_of(tile, found)[HALO:-HALO, HALO : HALO + tile.rect.width]


def _add(tile, result, sums, inner):
    """Adds a tile's sums, its queries and one position around them, where they are wanted."""
    reach = Rect(
        max(tile.rect.top - 1, inner.top), max(tile.rect.left - 1, inner.left),
        min(tile.rect.bottom + 1, inner.bottom), min(tile.rect.right + 1, inner.right),
    )  # fmt: skip
    if reach.height <= 0 or reach.width <= 0:
        return
    part = _rows_of(tile, result)[reach.moved(HALO - tile.rect.top, HALO - tile.rect.left).slices]
    sums[reach.moved(-inner.top, -inner.left).slices] += part.reshape(*part.shape[:2], 2, 2, sums.shape[-1])


def _rows_of(tile, values):
    """[query slots, ...] -> [rows with halo, query_stride, ...]."""
    rows = tile.rect.height + 2 * HALO
    return values[: rows * tile.query_stride].reshape(rows, tile.query_stride, *values.shape[1:])


def _with_wrapped_rows(flat, above, below, tile, rows, keys):
    """Puts what column-major propagation meets above the first and below the last key row into their slots.

    Args:
        flat: Scores of `rows` key rows, the grid's first or last among them; flat, beginning at `near`.
        above: Such scores and the number of the row in them that is the grid's last, if `flat` begins with the first
            row; None otherwise.
        below: The same for the grid's first row, if `flat` ends with the last.
        tile: The query tile.
        rows: Key rows in `flat`.
        keys: `Keys`.

    Returns:
        Flat scores, beginning at `near`, with one or two more rows.
    """
    slots, stride, width = tile.query_slots, tile.key_stride, keys.grid[1]
    front, near = tile.front_slots, tile.query_slots + 1
    added = (above is not None) + (below is not None)

    def slot_range(scores, row, first, last):
        begin = front + row * stride
        return scores[(begin + first) * slots - near : (begin + last) * slots - near]

    parts = [tf.zeros([front * slots - near])]
    if above is not None:
        # Position x of the row above is position x - 1 of the last row, and nothing at x = 0.
        parts += [tf.zeros([2 * slots]), slot_range(*above, 1, width), tf.zeros([(stride - width - 1) * slots])]
    parts.append(slot_range(flat, 0, 0, rows * stride))
    if below is not None:
        # Position x of the row below is position x + 1 of the first row, and nothing at the last.
        parts += [tf.zeros([slots]), slot_range(*below, 2, width + 1), tf.zeros([(stride - width) * slots])]
    total = tile.score_slots(rows + added) * slots - 2 * near
    used = (front + (rows + added) * stride) * slots - near
    parts.append(tf.zeros([total - used]))
    return tf.concat(parts, axis=0)
