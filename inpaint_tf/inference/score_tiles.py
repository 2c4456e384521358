"""The arithmetic on one tile of attention scores: graphs over flat matrices, without a copy where it counts.

A matrix has a row per key slot and a column per query slot and is handled as one flat array. "One key and one query
further" is a distance in that array (`near`), "one key row and one query row further" another (`far`); both are
multiples of 64 bytes, and so are the beginnings and lengths of all pieces, so TensorFlow's slices share memory and a
diagonal sum is a single pass over cached data. `plan_attention` explains the layout, `attention_keys` and
`attention_queries` fill it.

Flat arrays lose `near` or `far` elements on either side with every diagonal sum; key slots in front of and behind the
wanted rows make up for it (`QueryTile.front_slots`).
"""

import tensorflow as tf

from inpaint_tf.inference.plan_attention import CHUNK


def _spec(kind, *shape):
    return tf.TensorSpec(shape, kind)


_NUMBER, _INTEGERS = _spec(tf.int32), _spec(tf.int32, None)
_VECTOR, _MATRIX = _spec(tf.float32, None), _spec(tf.float32, None, None)
_PATCHES = _spec(tf.int32, None, 9)


def _graph(*signature):
    """Builds one graph for all sizes."""
    return tf.function(input_signature=signature, autograph=False)


_ROWS = (
    _MATRIX, _MATRIX, _INTEGERS, _VECTOR, _INTEGERS, _INTEGERS, _spec(tf.int32, 2), _spec(tf.float32, 2, None),
    _NUMBER, _NUMBER, _NUMBER,
)  # fmt: skip


@_graph(*_ROWS)
def propagated_rows(
    table, queries, keys, scale, copy_to, copy_from, end_slots, ends, front, query_stride, key_stride
):
    """Matching scores of some key rows, propagated along rows.

    Args:
        table: float32 [N + 1, C], half-size features and a zero.
        queries: float32 [Q, C], features of the query slots, zero outside the grid.
        keys: int32 [.], row of `table` for every key slot, one key row more on either side than is wanted.
        scale: float32 [K], softmax scale / patch norm of the wanted key slots; 0 between the rows.
        copy_to, copy_from: int32 [.], slots between the rows and the slots whose scores belong there.
        end_slots: int32 [2], the slots in front of the first row and behind the last.
        ends: float32 [2, Q], the scores that belong there, see `end_scores`.
        front: Padding slots in front of the wanted rows.
        query_stride, key_stride: Of the layout.

    Returns:
        float32, flat [K Q - 2 near], beginning at `near`.
    """
    scores = _matching(table, queries, keys, scale, front, query_stride, key_stride)
    return _along_rows(scores, ends, copy_to, copy_from, end_slots)


@_graph(
    *_ROWS, _spec(tf.int32, 3, None, 9), _spec(tf.float32, 3, None), _VECTOR, _INTEGERS, _MATRIX, _INTEGERS, _MATRIX
)
def propagated_rows_at_edge(
    table, queries, keys, scale, copy_to, copy_from, end_slots, ends, front, query_stride, key_stride,
    key_patches, key_scales, inside, row_slots, row_patches, column_slots, column_patches,
):  # fmt: skip
    """`propagated_rows` for a query tile at an edge of the grid.

    Args:
        key_patches: int32 [3, K, 9], rows of `table`: the patches of the positions before, at and after every key
            slot, row-major.
        key_scales: float32 [3, K], their scales; 0 where there is none.
        inside: float32 [Q], 1 where the query slot lies in the grid.
        row_slots: int32 [n], query slots beside a row, to which row-major propagation runs over.
        row_patches: float32 [n, 9 C], the patches of the positions that belong there.
        column_slots: int32 [m], query slots above and below the columns, to which column-major propagation runs over.
        column_patches: float32 [m, 27 C], patches of the positions before, at and after those that belong there.

    Returns:
        float32, flat [K Q - 2 near], beginning at `near`.
    """
    slots = tf.shape(queries)[0]
    scores = _matching(table, queries, keys, scale, front, query_stride, key_stride)
    around = [patch_features(table, key_patches[i]) * key_scales[i][:, tf.newaxis] for i in range(3)]
    scores = scores * inside + _into_slots(around[1], row_patches, row_slots, slots)
    flat = _along_rows(scores, ends, copy_to, copy_from, end_slots)
    near = slots + 1
    scores = tf.reshape(tf.pad(flat, [[near, near]]), [-1, slots])
    scores = scores * inside + _into_slots(tf.concat(around, axis=1), column_patches, column_slots, slots)
    return tf.reshape(scores, [-1])[near:-near]


@_graph(_MATRIX, _PATCHES, _PATCHES, _VECTOR)
def end_scores(table, patches, end_keys, end_scale):
    """Scores of the ends of all groups of key rows at once.

    Args:
        table: float32 [N + 1, C], half-size features and a zero.
        patches: int32 [Q, 9], rows of `table`: the 3x3 patches of the query slots.
        end_keys: int32 [2 G, 9], the patches that belong before the first and behind the last key row of each group.
        end_scale: float32 [2 G], their scales.

    Returns:
        float32 [2 G, Q].
    """
    keys = patch_features(table, end_keys) * end_scale[:, tf.newaxis]
    return tf.matmul(keys, patch_features(table, patches), transpose_b=True)


@_graph(_VECTOR, _VECTOR, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _VECTOR, _VECTOR, _VECTOR, _INTEGERS)
def exponentials(flat, bias, front, query_stride, key_stride, first, last, maximum, total, strongest, best):
    """Propagates along columns and takes exponentials against the maximum so far.

    Args:
        flat: float32 [.], scores of the wanted key rows and one on either side, beginning at `near`.
        bias: float32 [K], 0 for valid keys, a large negative number for the others.
        front: Padding slots in front of the key rows.
        query_stride, key_stride: Of the layout.
        first, last: The wanted key rows are first <= y < last.
        maximum, total: float32 [Q], the softmax's running maximum and denominator.
        strongest, best: float32 and int32 [Q], the highest score so far and its key slot.

    Returns:
        float32 [(last - first) key_stride, Q] exponentials, and the four running values.
    """
    slots = tf.shape(maximum)[0]
    near, far = slots + 1, key_stride * slots + query_stride
    begin = (front + key_stride) * slots - near - far
    scores = _diagonal_sum(flat[begin : begin + tf.size(bias) * slots + 2 * far], far)
    scores = tf.reshape(scores, [-1, slots]) + bias[:, tf.newaxis]
    # Chunk j holds key slots j, j + count, j + 2 count, ...
    count = tf.size(bias) // CHUNK
    partial = tf.reshape(tf.reduce_max(tf.reshape(scores, [CHUNK, -1]), axis=0), [count, slots])
    highest = tf.reduce_max(partial, axis=0)
    column = tf.range(slots)
    candidates = tf.range(CHUNK)[:, tf.newaxis] * count + tf.argmax(partial, axis=0, output_type=tf.int32)
    found = tf.argmax(tf.gather(tf.reshape(scores, [-1]), candidates * slots + column), axis=0, output_type=tf.int32)
    found = first * key_stride + tf.gather(tf.reshape(candidates, [-1]), found * slots + column)
    best = tf.where(highest > strongest, found, best)

    raised = tf.maximum(maximum, highest)
    result = tf.exp(scores - raised)
    total = total * tf.exp(maximum - raised) + tf.matmul(tf.ones([1, tf.shape(result)[0]]), result)[0]
    # Cut as a flat array, because TensorFlow copies cut matrices whose rows are not multiples of 64 bytes.
    result = tf.reshape(tf.reshape(result, [-1])[: (last - first) * key_stride * slots], [-1, slots])
    return result, raised, total, tf.maximum(strongest, highest), best


@_graph(
    _MATRIX, _VECTOR, _MATRIX, _VECTOR, _MATRIX, _VECTOR, _INTEGERS,
    _spec(tf.int32, 4, None), _VECTOR, _MATRIX, _NUMBER, _NUMBER,
)  # fmt: skip
def pasted(
    before, scale_before, weights, scale, after, scale_after, chosen, cells, known, background, query_stride, key_stride
):
    """Diagonal sums of the weights at chosen keys and their products with the background, corner by corner.

    Args:
        before, weights, after: float32 [key_stride, Q], [K, Q], [key_stride, Q], exponentials of the key row before a
            group, of the group's rows and of the row after.
        scale_before, scale, scale_after: float32 [Q], what makes weights of them; 0 outside the tile.
        chosen: int32 [n + 3], key slots of the group in ascending order. Of every run of neighbours the first and the
            last are not wanted themselves; the very last slot only fills up.
        cells: int32 [4, n], the places in the background of the four corners of every chosen slot's cell, without the
            first and the last two.
        known: float32 [n], 1 where that cell is wanted.
        background: float32 [H' W', C], the feature map.
        query_stride, key_stride: Of the layout.

    Returns:
        float32 [Q, 4 C], sums over the group's keys, not yet divided by 4. Row q belongs to query slot q + 1.
    """
    slots, count = tf.shape(weights)[1], tf.shape(weights)[0]
    near, far = slots + 1, key_stride * slots + query_stride
    margin = near + query_stride
    flat = tf.concat(
        [
            tf.zeros([margin]),
            tf.reshape(before * scale_before, [-1]),
            tf.reshape(weights * scale, [-1]),
            tf.reshape(after * scale_after, [-1]),
            tf.zeros([margin]),
        ],
        axis=0,
    )

    def at_chosen(step):
        start = margin + key_stride * slots + step
        return tf.reshape(tf.gather(tf.reshape(flat[start : start + count * slots], [count, slots]), chosen), [-1])

    own, length = at_chosen(0), (tf.size(chosen) - 3) * slots
    corners = []
    for row, row_step in enumerate((-far, far)):
        both = own + at_chosen(row_step)
        for column, neighbour in enumerate((0, 2 * near)):
            summed = both[near : near + length] + both[neighbour : neighbour + length]
            values = tf.gather(background, cells[2 * row + column]) * known[:, tf.newaxis]
            corners.append(tf.matmul(tf.reshape(summed, [-1, slots]), values, transpose_a=True))
    return tf.concat(corners, axis=1)


def patch_features(table, positions):
    """float32 [n, k C]: features of int32 [n, k] positions side by side."""
    return tf.reshape(tf.gather(table, positions), [-1, positions.shape[1] * tf.shape(table)[1]])


def _matching(table, queries, keys, scale, front, query_stride, key_stride):
    """float32 [K, Q]: correlation of 3x3 patches, times `scale`."""
    slots = tf.shape(queries)[0]
    near, far = slots + 1, key_stride * slots + query_stride
    products = tf.reshape(tf.matmul(tf.gather(table, keys), queries, transpose_b=True), [-1])
    begin = (front + key_stride) * slots - near - far
    wanted = tf.size(scale) * slots
    sums = _diagonal_sum(_diagonal_sum(products[begin : begin + wanted + 2 * near + 2 * far], near), far)
    return tf.reshape(sums, [-1, slots]) * scale[:, tf.newaxis]


def _along_rows(scores, ends, copy_to, copy_from, end_slots):
    """Fills the slots between the key rows, then the row-major diagonal sum: flat, beginning at `near`."""
    places = tf.concat([copy_to, end_slots], axis=0)
    scores = tf.tensor_scatter_nd_update(
        scores, places[:, tf.newaxis], tf.concat([tf.gather(scores, copy_from), ends], axis=0)
    )
    return _diagonal_sum(tf.reshape(scores, [-1]), tf.shape(scores)[1] + 1)


def _into_slots(keys, queries, places, slots):
    """float32 [K, slots]: products of keys [K, D] and queries [n, D] in the columns `places` [n], 0 in the others."""
    return tf.matmul(tf.matmul(keys, queries, transpose_b=True), tf.one_hot(places, slots))


def _diagonal_sum(flat, distance):
    """flat[i - distance] + flat[i] + flat[i + distance], for every i that has both; begins at `distance`."""
    length = tf.size(flat) - 2 * distance
    return tf.add_n(
        [flat[:length], flat[distance : distance + length], flat[2 * distance : 2 * distance + length]]
    )
