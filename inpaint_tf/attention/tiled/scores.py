"""Scores of one tile of queries against the keys, step by step, without a copy where it counts.

Step t of `layout.KeyStrips` is a matrix with a row per key slot and a column per query slot, handled as one flat array.
"One key and one query further" is a distance in that array (`pair_stride`), "one key row and one query row further" is
the next step's array, `row_stride` further. Every piece of an array begins and ends at a multiple of 64 bytes, so
TensorFlow's slices share memory and a diagonal sum is a single pass.

Flat arrays lose `pair_stride` elements on either side with every diagonal sum; `FRONT` slots before the wanted ones,
and as many after them, make up for it.
"""

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.layout import ALIGNED_SLOTS
from inpaint_tf.attention.tiled.tensors import EdgeTensors, QueryTensors, RowWrapTensors, ScoringTensors, signature

FRONT = ALIGNED_SLOTS


class Scores:
    """Scores of the key slots, step by step: matched, then propagated.

    Attributes:
        slots: int32 [], query slots Q.
        row_stride: int32 [], query slots from one row of queries to the next.
        pair_stride: int32 [], elements of a flat array from a pair of a key and a query to the next key and next query.
        matched_size, propagated_size: int32 [], elements of the flat arrays that `matched` and `propagated` return.
    """

    def __init__(self, queries: QueryTensors, keys: ScoringTensors, edge: EdgeTensors | None):
        self._transposed, self._row_wrap_scores = tf.transpose(queries.features), queries.row_wrap_scores
        self._keys, self._edge = keys, edge
        self.slots = tf.shape(queries.features)[0]
        self.row_stride = queries.row_stride
        self.pair_stride = self.slots + 1
        self.matched_size = self._shortened(tf.shape(keys.matched)[1] * self.slots)
        self.propagated_size = self._shortened(tf.shape(keys.scales)[1] * self.slots)

    def matched(self, row: tf.Tensor) -> tf.Tensor:
        """Products of features, summed along a row of keys and queries.

        Args:
            row: Of `ScoringTensors.matched`; row 0 is step -2.

        Returns:
            Flat float32 [matched_size]; begins at element `pair_stride` of a matrix [key slots, Q].
        """
        features = tf.gather(self._keys.features, tf.gather(self._keys.matched, row))
        return self._sum_along_row(tf.reshape(tf.matmul(features, self._transposed), [-1]))

    def propagated(self, row: tf.Tensor, matched: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Scores propagated along rows.

        Args:
            row: Of `ScoringTensors.scales`; row 0 is step -1. A negative one gives the same as row 0.
            matched: The matched rows above, at and below it.

        Returns:
            Flat float32 [propagated_size]; begins at element `pair_stride` of a matrix [key slots, Q].
        """
        flat = self._propagated_along_row(tf.maximum(row, 0), matched)
        wrap = tf.where(row < 0, -1, tf.gather(self._keys.column_wraps, tf.maximum(row, 0)))
        return tf.cond(wrap < 0, lambda: flat, lambda: flat + self._column_wrap(wrap))

    def sum_over_rows(self, flat_rows: tuple[tf.Tensor, ...], key_slots: tf.Tensor) -> tf.Tensor:
        """Sum over a row of keys and its neighbours: float32 [key_slots, Q], from slot `FRONT` of the rows on."""
        size = key_slots * self.slots
        begins = [FRONT * self.slots - self.pair_stride + step * self.row_stride for step in (-1, 0, 1)]
        pieces = [piece(row, begin, size) for row, begin in zip(flat_rows, begins)]
        return tf.reshape(tf.add_n(pieces), [key_slots, self.slots])

    def _sum_along_row(self, flat: tf.Tensor) -> tf.Tensor:
        """flat[i - pair_stride] + flat[i] + flat[i + pair_stride], for every i that has both."""
        length = self._shortened(tf.size(flat))
        return tf.add_n([piece(flat, step * self.pair_stride, length) for step in range(3)])

    def _shortened(self, size: tf.Tensor) -> tf.Tensor:
        return (size - 2 * self.pair_stride) // ALIGNED_SLOTS * ALIGNED_SLOTS

    def _column_wrap(self, wrap: tf.Tensor) -> tf.Tensor:
        """What column-major propagation reaches above the first row and below the last one; 0 elsewhere."""
        rows = tf.size(self._keys.column_wraps)
        matched = tuple(self.matched(rows + 2 + 3 * wrap + index) for index in range(3))
        flat = self._propagated_along_row(rows + wrap, matched)
        mask = tf.repeat(tf.gather(self._keys.column_wrap_masks, wrap), self.slots)
        return flat * piece(mask, self.pair_stride, tf.size(flat))

    def _propagated_along_row(self, row: tf.Tensor, matched: tuple[tf.Tensor, ...]) -> tf.Tensor:
        scales = tf.gather(self._keys.scales, row)
        scores = self.sum_over_rows(matched, tf.size(scales)) * scales[:, tf.newaxis]
        if self._edge is not None:
            scores = self._with_query_row_wraps(scores, row, self._edge)
        # In place, where tf.tensor_scatter_nd_update copies on one core: nothing else holds these scores.
        slots, wrapped = tf.gather(self._keys.row_wrap_slots, row), tf.gather(self._row_wrap_scores, row)
        scores = tf.raw_ops.InplaceUpdate(x=scores, i=slots, v=wrapped)
        flat = self._sum_along_row(tf.reshape(scores, [-1]))
        return flat if self._edge is None else self._with_query_column_wraps(flat, row, self._edge)

    def _with_query_row_wraps(self, scores: tf.Tensor, row: tf.Tensor, edge: EdgeTensors) -> tf.Tensor:
        """float32 [key slots, Q] with what row-major propagation reaches beyond the queries' rows; 0 outside else."""
        wrapped = self._patch_scores(edge.key_patches[row, 1], edge.key_scales[row, 1], edge.row_wrap_patches)
        return tf.where(edge.in_grid > 0, scores, self._into_slots(wrapped, edge.row_wrap_slots))

    def _with_query_column_wraps(self, flat: tf.Tensor, row: tf.Tensor, edge: EdgeTensors) -> tf.Tensor:
        """Adds what column-major propagation reaches above and below the queries' columns, where `flat` is 0."""

        def added():
            parts = [
                self._patch_scores(edge.key_patches[row, i], edge.key_scales[row, i], edge.column_wrap_patches[i])
                for i in range(3)
            ]
            wrapped = self._into_slots(tf.add_n(parts), edge.column_wrap_slots)
            return flat + piece(tf.reshape(wrapped, [-1]), self.pair_stride, tf.size(flat))

        return tf.cond(tf.size(edge.column_wrap_slots) > 0, added, lambda: flat)

    def _patch_scores(self, patches: tf.Tensor, scales: tf.Tensor, query_patches: tf.Tensor) -> tf.Tensor:
        """float32 [k, n] scores of key patches, int32 [k, 9], against query patches, float32 [n, 9 C]."""
        keys = patch_features(self._keys.features, patches) * scales[:, tf.newaxis]
        return tf.matmul(keys, query_patches, transpose_b=True)

    def _into_slots(self, scores: tf.Tensor, slots: tf.Tensor) -> tf.Tensor:
        """float32 [k, Q]: scores [k, n] in the query slots [n], 0 in the others."""
        return tf.matmul(scores, tf.one_hot(slots, self.slots))


def piece(flat: tf.Tensor, begin: tf.Tensor | int, size: tf.Tensor) -> tf.Tensor:
    """Part of a flat array; shares its memory if both numbers are multiples of `ALIGNED_SLOTS`."""
    return tf.slice(flat, [begin], [size])


@tf.function(
    input_signature=[
        tf.TensorSpec((None, None)), tf.TensorSpec((None, 9), tf.int32), signature(RowWrapTensors),
    ],
    autograph=False,
)  # fmt: skip
def row_wrap_scores(features: tf.Tensor, query_patches: tf.Tensor | np.ndarray, keys: RowWrapTensors) -> tf.Tensor:
    """Scores, by whole patches, of the keys that row-major propagation reaches beyond the ends of rows.

    Args:
        features: float32 [N + 1, C], see `ScoringTensors`.
        query_patches: int32 [Q, 9], the positions in the 3x3 patches of the query slots.
        keys: Those keys.

    Returns:
        float32 [T + 2 + W, 2 S, Q].
    """
    patches = patch_features(features, tf.reshape(keys.patches, [-1, 9])) * tf.reshape(keys.scales, [-1, 1])
    scores = tf.matmul(patches, patch_features(features, query_patches), transpose_b=True)
    return tf.reshape(scores, [tf.shape(keys.patches)[0], -1, tf.shape(query_patches)[0]])


def patch_features(features: tf.Tensor, positions: tf.Tensor | np.ndarray) -> tf.Tensor:
    """float32 [n, k C]: the features, of float32 [N + 1, C], at int32 [n, k] positions, side by side."""
    return tf.reshape(tf.gather(features, positions), [-1, tf.shape(positions)[1] * tf.shape(features)[1]])
