"""The arithmetic of one tile of queries: one graph that streams over the keys, without a copy where it counts.

Step t of `plan_attention.KeyStrips` is a matrix with a row per key slot and a column per query slot, handled as one
flat array. "One key and one query further" is a distance in that array (`near`), "one key row and one query row
further" is the next step's array, `query_stride` further. Every piece of an array begins and ends at a multiple of 64
bytes, so TensorFlow's slices share memory and a diagonal sum is a single pass. A step takes part in the sums of its
neighbours, so the last three of each kind are at hand and none is computed twice.

Flat arrays lose `near` elements on either side with every diagonal sum; `FRONT` slots in front of what is wanted, and
as many behind, make up for it.
"""

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.layout import ALIGNED_SLOTS

FRONT = ALIGNED_SLOTS
# Steps before the first that is kept: matching and propagation both look a row further on either side.
WARM_UP = 4


def _spec(kind, *shape):
    return tf.TensorSpec(shape, kind)


_NUMBER, _FLOAT, _VECTOR = _spec(tf.int32), _spec(tf.float32), _spec(tf.float32, None)
_MATRIX, _INTEGERS = _spec(tf.float32, None, None), _spec(tf.int32, None, None)
_QUERIES = _MATRIX, _VECTOR, _NUMBER
_KEYS = (
    _MATRIX, _INTEGERS, _spec(tf.float32, None, None, None), _NUMBER, _MATRIX, _INTEGERS, _spec(tf.int32, None),
    _MATRIX, _MATRIX, _VECTOR, _INTEGERS, _FLOAT, _FLOAT,
)  # fmt: skip
_EDGE = (
    _spec(tf.int32, None, 3, None, 9), _spec(tf.float32, None, 3, None), _VECTOR, _spec(tf.int32, None), _MATRIX,
    _spec(tf.int32, None), _spec(tf.float32, 3, None, None),
)  # fmt: skip


def _graph(*signature):
    """Builds one graph for all sizes."""
    return tf.function(input_signature=signature, autograph=False)


@_graph(*_QUERIES, _spec(tf.float32, None, None, None), *_KEYS)
def attend(queries, in_rect, query_stride, ends, *keys):
    """Attention of one tile.

    Args:
        queries: float32 [Q, C], features of the query slots, zero outside the grid.
        in_rect: float32 [Q], 1 for the queries of the tile, 0 around them.
        query_stride: Of the layout.
        ends: float32 [rows, 2 strips, Q], what `end_scores` gives for the slots beside the strips.
        keys: `attention_keys.Keys.arguments`.

    Returns:
        sums: float32 [Q, 4 C], the four corners of the queries' cells, row by row. Corner (i, j) in row q belongs to
            the cell of query slot q + (1 - i) query_stride + (1 - j).
        best: int32 [Q], flat position of the strongest key of the tile's queries, the first of several.
        strongest, maximum: float32 [Q], its score, and the highest that the softmax knows (masked keys have 0).
    """
    return _attend(queries, in_rect, query_stride, ends, *keys)


@_graph(*_QUERIES, _spec(tf.float32, None, None, None), *_KEYS, *_EDGE)
def attend_at_edge(queries, in_rect, query_stride, ends, *keys_and_edge):
    """`attend` for a tile at an edge of the grid.

    More arguments:
        patches: int32 [rows, 3, K, 9], rows of `table`: the patches of the positions before, at and after every key
            slot, row-major.
        patch_scales: float32 [rows, 3, K], their scales; 0 where there is none.
        inside: float32 [Q], 1 where the query slot lies in the grid.
        row_slots: int32 [n], query slots beside a row, to which row-major propagation runs over.
        row_patches: float32 [n, 9 C], the patches of the positions that belong there.
        column_slots: int32 [m], query slots above and below the columns, to which column-major propagation runs over.
        column_patches: float32 [3, m, 9 C], patches of the positions before, at and after those that belong there.
    """
    return _attend(queries, in_rect, query_stride, ends, *keys_and_edge[: len(_KEYS)], keys_and_edge[len(_KEYS) :])


@_graph(_MATRIX, _spec(tf.int32, None, 9), _spec(tf.int32, None, None, 9), _MATRIX)
def end_scores(table, patches, end_keys, end_scales):
    """Scores of keys that are met beside the rows, by whole patches.

    Args:
        table: float32 [N + 1, C], half-size features and a zero.
        patches: int32 [Q, 9], rows of `table`: the 3x3 patches of the query slots.
        end_keys: int32 [rows, 2 strips, 9], the patches of these keys.
        end_scales: float32 [rows, 2 strips], their scales.

    Returns:
        float32 [rows, 2 strips, Q].
    """
    keys = patch_features(table, tf.reshape(end_keys, [-1, 9])) * tf.reshape(end_scales, [-1, 1])
    scores = tf.matmul(keys, patch_features(table, patches), transpose_b=True)
    return tf.reshape(scores, [tf.shape(end_keys)[0], -1, tf.shape(patches)[0]])


def patch_features(table, positions):
    """float32 [n, k C]: features of int32 [n, k] positions side by side."""
    return tf.reshape(tf.gather(table, positions), [-1, positions.shape[1] * tf.shape(table)[1]])


def _attend(
    queries, in_rect, query_stride, ends, table, key_rows, cells, strip_stride, scales, end_places, wraps, wrap_masks,
    bias, continued, positions, masked_maximum, masked_total, edge=None,
):  # fmt: skip
    rows = _PropagatedRows(queries, query_stride, ends, table, key_rows, scales, end_places, wraps, wrap_masks, edge)
    kept, maxima, tops, maximum, total = _exponentials(rows, bias, masked_maximum, masked_total)
    strongest = tf.reduce_max(tops, axis=0)
    weight_scales = in_rect * tf.exp(maxima - maximum) / total
    best = _StrongestKeys(tops, tf.where(in_rect > 0, strongest, np.inf), positions)
    return *_pasted(kept, weight_scales, rows, strip_stride, continued, cells, best), strongest, maximum


def _exponentials(rows, bias, maximum, total):
    """Goes over all steps and keeps exponentials of the scores against the maximum so far.

    Args:
        rows: `_PropagatedRows`.
        bias: float32 [steps, K], 0 for valid keys, a large negative number for the others.
        maximum, total: What the softmax's maximum and denominator begin with.

    Returns:
        kept: `tf.TensorArray` of float32 [K, Q].
        maxima: float32 [steps, Q], what each was taken against.
        tops: float32 [steps, Q], the highest score in each.
        maximum, total: float32 [Q], of the softmax.
    """
    steps, key_slots = tf.unstack(tf.shape(bias))

    def scored(step, rows_around, maximum, total, kept, maxima, tops):
        scores = rows.far_sum(*rows_around, key_slots) + tf.gather(bias, step)[:, tf.newaxis]
        top = tf.reduce_max(scores, axis=0)
        raised = tf.maximum(maximum, top)
        found = tf.exp(scores - raised)
        total = total * tf.exp(maximum - raised) + tf.matmul(tf.ones([1, key_slots]), found)[0]
        return raised, total, kept.write(step, found), maxima.write(step, raised), tops.write(step, top)

    def step_on(step, below, own, above_own, above, *running):
        following = rows.matched(step + WARM_UP)
        after = rows.propagated(step + 2, below, own, following)
        running = tf.cond(step < 0, lambda: running, lambda: scored(step, (above_own, above, after), *running))
        return step + 1, own, following, above, after, *running

    # The first steps only fill the rows at hand; what they have before is nothing.
    matched, propagated = tf.zeros([rows.matched_size]), tf.zeros([rows.propagated_size])
    state = -WARM_UP, matched, matched, propagated, propagated
    running = tf.fill([rows.slots], maximum), tf.fill([rows.slots], total)
    arrays = _array(steps, 2), _array(steps, 1), _array(steps, 1)
    *_, maximum, total, kept, maxima, tops = tf.while_loop(
        lambda step, *_: step < steps, step_on, (*state, *running, *arrays), parallel_iterations=1
    )
    return kept, maxima.stack(), tops.stack(), maximum, total


def _pasted(kept, weight_scales, rows, strip_stride, continued, cells, strongest_keys):
    """Normalises what `_exponentials` kept, sums it up for the corners of the cells, pastes.

    The weights of a corner are those of its own query and key, and of their neighbours on the corner's side: of four
    in a square. A square lies between two steps and belongs to a corner of each of the four cells that meet in it (see
    `layers.fast_attention`), so one product a step pastes all corners, and there is one step more than rows of keys.

    Returns:
        sums: float32 [Q, 4 C].
        best: int32 [Q], from `strongest_keys`.
    """
    steps, query_stride, near = tf.shape(weight_scales)[0], rows.query_stride, rows.near
    count = tf.shape(cells)[1] * rows.slots

    def weights(step):
        return kept.read(step) * tf.gather(weight_scales, step)

    def in_pairs(matrix):
        flat, size = tf.reshape(matrix, [-1]), tf.size(matrix) - near
        return _piece(flat, 0, size) + _piece(flat, near, size)

    def step_on(step, above, best, sums):
        own, best = tf.cond(
            step < steps,
            lambda: (in_pairs(weights(step)), strongest_keys.looked_up(step, kept.read(step), best)),
            lambda: (tf.zeros_like(above), best),
        )
        size = tf.size(own) - query_stride
        squares = _piece(above, 0, size) + _piece(own, query_stride, size)
        squares = tf.reshape(_piece(squares, 0, count), [-1, rows.slots])
        return step + 1, own, best, sums + tf.matmul(squares, cells[step], transpose_a=True)

    # Above a strip's first row lies the last of the strip before, if it begins where that ends.
    gap = tf.zeros([strip_stride, rows.slots])
    before = tf.concat([gap, weights(steps - 1)[:-strip_stride]], axis=0) * continued[:, tf.newaxis]
    nothing = tf.zeros([rows.slots, tf.shape(cells)[2]])
    _, _, best, sums = tf.while_loop(
        lambda step, *_: step <= steps,
        step_on,
        (0, in_pairs(before), strongest_keys.unknown(), nothing),
        parallel_iterations=1,
    )
    return sums, best


class _StrongestKeys:
    """Finds the strongest key of every query, the first of several.

    Args:
        tops: float32 [steps, Q], the highest score in each step.
        strongest: float32 [Q], the highest of all; infinite for a query that is not looked for.
        positions: int32 [steps, K], flat positions of the key slots.
    """

    def __init__(self, tops, strongest, positions):
        self.tops, self.strongest, self.positions = tops, strongest, positions

    def unknown(self):
        """int32 [Q]: what the search begins with."""
        return tf.fill(tf.shape(self.strongest), tf.int32.max)

    def looked_up(self, step, exponentials, best):
        """The flat positions so far, int32 [Q], with those of the queries whose strongest key is in this step."""
        queries = tf.where(tf.equal(tf.gather(self.tops, step), self.strongest))
        key_slots, slots = tf.unstack(tf.shape(exponentials, tf.int64))
        found = tf.gather(tf.reshape(exponentials, [-1]), tf.range(key_slots) * slots + queries)
        query, key_slot = tf.unstack(tf.where(tf.equal(found, tf.reduce_max(found, axis=1, keepdims=True))), axis=1)
        position = tf.gather(tf.gather(self.positions, step), key_slot)
        return tf.tensor_scatter_nd_min(best, tf.gather(queries, query), position)


class _PropagatedRows:
    """Scores of a step, matched and propagated; the arguments are those of `attend`."""

    def __init__(self, queries, query_stride, ends, table, key_rows, scales, end_places, wraps, wrap_masks, edge):
        self.transposed, self.query_stride, self.ends, self.table = tf.transpose(queries), query_stride, ends, table
        self.key_rows, self.scales, self.end_places = key_rows, scales, end_places
        self.wraps, self.wrap_masks, self.edge = wraps, wrap_masks, edge
        self.slots = tf.shape(queries)[0]
        self.near = self.slots + 1
        self.matched_size = self._shortened(tf.shape(key_rows)[1] * self.slots)
        self.propagated_size = self._shortened(tf.shape(scales)[1] * self.slots)

    def matched(self, row):
        """Products of pixels, summed along x: flat, beginning at `near` of row `row` of `key_rows`."""
        features = tf.gather(self.table, tf.gather(self.key_rows, row))
        return self._near_sum(tf.reshape(tf.matmul(features, self.transposed), [-1]))

    def propagated(self, row, *matched):
        """Scores propagated along rows: flat, beginning at `near` of row `row` of `scales`. Negative: as for row 0."""
        flat = self._along_rows(tf.maximum(row, 0), *matched)
        wrap = tf.where(row < 0, -1, tf.gather(self.wraps, tf.maximum(row, 0)))
        return tf.cond(wrap < 0, lambda: flat, lambda: flat + self._wrapped(wrap))

    def _wrapped(self, wrap):
        """What column-major propagation meets above the first and below the last row, elsewhere 0."""
        row = tf.size(self.wraps) + wrap
        matched = [self.matched(tf.size(self.wraps) + 2 + 3 * wrap + index) for index in range(3)]
        flat = self._along_rows(row, *matched)
        reached = tf.repeat(tf.gather(self.wrap_masks, wrap), self.slots)
        return flat * _piece(reached, self.near, tf.size(flat))

    def _along_rows(self, row, above, own, below):
        key_slots = tf.shape(self.scales)[1]
        scores = self.far_sum(above, own, below, key_slots) * tf.gather(self.scales, row)[:, tf.newaxis]
        if self.edge is not None:
            scores = self._with_rows_beside(scores, row)
        # In place, where tf.tensor_scatter_nd_update copies on one core: nothing else holds these scores.
        places, ends = tf.gather(self.end_places, row), tf.gather(self.ends, row)
        scores = tf.raw_ops.InplaceUpdate(x=scores, i=places, v=ends)
        flat = self._near_sum(tf.reshape(scores, [-1]))
        return flat if self.edge is None else self._with_columns_beyond(flat, row)

    def far_sum(self, above, own, below, key_slots):
        """Sum over a key row and its neighbours, float32 [key_slots, Q], `FRONT` slots behind where the rows begin."""
        size = key_slots * self.slots
        begins = [FRONT * self.slots - self.near + step * self.query_stride for step in (-1, 0, 1)]
        pieces = [_piece(row, begin, size) for row, begin in zip((above, own, below), begins)]
        return tf.reshape(tf.add_n(pieces), [key_slots, self.slots])

    def _near_sum(self, flat):
        """flat[i - near] + flat[i] + flat[i + near], for every i that has both; begins at `near`."""
        length = self._shortened(tf.size(flat))
        return tf.add_n([_piece(flat, step * self.near, length) for step in range(3)])

    def _shortened(self, size):
        return (size - 2 * self.near) // ALIGNED_SLOTS * ALIGNED_SLOTS

    def _with_rows_beside(self, scores, row):
        """float32 [K, Q] with what the row-major propagation meets beside the rows of queries, 0 elsewhere outside."""
        patches, patch_scales, inside, slots, met, _, _ = self.edge
        beside = self._of_patches(patches[row, 1], patch_scales[row, 1], met)
        return tf.where(inside > 0, scores, self._into_slots(beside, slots))

    def _with_columns_beyond(self, flat, row):
        """Adds what the column-major propagation meets above and below the columns of queries, where `flat` is 0."""
        patches, patch_scales, _, _, _, slots, met = self.edge

        def added():
            parts = [self._of_patches(patches[row, i], patch_scales[row, i], met[i]) for i in range(3)]
            beyond = self._into_slots(tf.add_n(parts), slots)
            return flat + _piece(tf.reshape(beyond, [-1]), self.near, tf.size(flat))

        return tf.cond(tf.size(slots) > 0, added, lambda: flat)

    def _of_patches(self, patches, scales, met):
        """Scores float32 [K, n] of key patches int32 [K, 9] against query patches float32 [n, 9 C]."""
        keys = patch_features(self.table, patches) * scales[:, tf.newaxis]
        return tf.matmul(keys, met, transpose_b=True)

    def _into_slots(self, scores, places):
        """float32 [K, Q]: scores [K, n] in the columns `places` [n], 0 in the others."""
        return tf.matmul(scores, tf.one_hot(places, self.slots))


def _piece(flat, begin, size):
    """Part of a flat array; shares its memory if both numbers are multiples of `ALIGNED_SLOTS`."""
    return tf.slice(flat, [begin], [size])


def _array(size, rank):
    shape = [None] * rank
    return tf.TensorArray(tf.float32, size, element_shape=shape, infer_shape=False, clear_after_read=False)
