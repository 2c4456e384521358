"""The arithmetic of one tile of queries: one graph that streams over the keys.

It goes over them twice: once for exponentials of scores relative to the maximum so far, which are kept, and once to
normalise them, sum them up and multiply them with the features that are pasted. A step takes part in the sums of its
neighbours (see `scores`), so the last three of each kind are kept and none is computed twice.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.scores import Scores, piece
from inpaint_tf.attention.tiled.tensors import (
    AttendedTile,
    EdgeTensors,
    KeyTensors,
    PastingTensors,
    QueryTensors,
    SoftmaxTensors,
    signature,
)

# Steps before the first that is kept: matching and propagation both need a row more on either side.
WARM_UP = 4


@tf.function(input_signature=[signature(QueryTensors), signature(KeyTensors)], autograph=False)
def attend(queries: QueryTensors, keys: KeyTensors) -> AttendedTile:
    """Attention of one tile that touches no edge of the grid."""
    return _attend(queries, keys, None)


@tf.function(input_signature=[signature(QueryTensors), signature(KeyTensors), signature(EdgeTensors)], autograph=False)
def attend_at_edge(queries: QueryTensors, keys: KeyTensors, edge: EdgeTensors) -> AttendedTile:
    """Attention of one tile at an edge of the grid."""
    return _attend(queries, keys, edge)


def _attend(queries: QueryTensors, keys: KeyTensors, edge: EdgeTensors | None) -> AttendedTile:
    scores = Scores(queries, keys.scoring, edge)
    found = _exponentials(scores, keys.softmax)
    best_score = tf.reduce_max(found.step_maxima, axis=0)
    weight_scales = queries.in_tile * tf.exp(found.references - found.maximum) / found.denominator
    wanted_score = tf.where(queries.in_tile > 0, best_score, np.inf)
    best_keys = _BestKeys(found.step_maxima, wanted_score, keys.softmax.positions)
    corners, best = _pasted(found.exponentials, weight_scales, scores, keys.pasting, best_keys)
    return AttendedTile(corners, best, best_score, found.maximum)


class _Softmax(NamedTuple):
    """What a pass over all steps finds out about the softmax; within the pass, about the steps so far."""

    maximum: tf.Tensor
    """float32 [Q], the highest score."""
    denominator: tf.Tensor
    """float32 [Q], relative to exp(maximum)."""
    exponentials: tf.TensorArray
    """float32 [K, Q] for each step, relative to exp(references)."""
    references: tf.Tensor | tf.TensorArray
    """float32 [T, Q], the maximum up to each step."""
    step_maxima: tf.Tensor | tf.TensorArray
    """float32 [T, Q], the highest score within each step."""


def _exponentials(rows: Scores, given: SoftmaxTensors) -> _Softmax:
    """Goes over all steps and keeps exponentials of the scores, relative to the maximum so far."""
    steps, key_slots = tf.unstack(tf.shape(given.bias))

    def with_step(step, propagated, so_far):
        scores = rows.sum_over_rows(propagated, key_slots) + tf.gather(given.bias, step)[:, tf.newaxis]
        step_maximum = tf.reduce_max(scores, axis=0)
        maximum = tf.maximum(so_far.maximum, step_maximum)
        exponentials = tf.exp(scores - maximum)
        step_total = tf.matmul(tf.ones([1, key_slots]), exponentials)[0]
        return _Softmax(
            maximum,
            so_far.denominator * tf.exp(so_far.maximum - maximum) + step_total,
            so_far.exponentials.write(step, exponentials),
            so_far.references.write(step, maximum),
            so_far.step_maxima.write(step, step_maximum),
        )

    def advance(step, matched, propagated, so_far):
        # Of the steps from this one to the second next, and from the one before to the next.
        matched = *matched, rows.matched(step + WARM_UP)
        propagated = *propagated, rows.propagated(step + 2, matched)
        so_far = tf.cond(step < 0, lambda: so_far, lambda: with_step(step, propagated, so_far))
        return step + 1, matched[1:], propagated[1:], so_far

    # The first steps only fill `matched` and `propagated`; what these hold before does not matter.
    matched, propagated = tf.zeros([rows.matched_size]), tf.zeros([rows.propagated_size])
    nothing = _Softmax(
        tf.fill([rows.slots], given.masked_maximum),
        tf.fill([rows.slots], given.masked_denominator),
        *(_array(steps, rank) for rank in (2, 1, 1)),
    )
    *_, found = tf.while_loop(
        lambda step, *_: step < steps,
        advance,
        (-WARM_UP, (matched, matched), (propagated, propagated), nothing),
        parallel_iterations=1,
    )
    return found._replace(references=found.references.stack(), step_maxima=found.step_maxima.stack())


def _pasted(
    exponentials: tf.TensorArray,
    weight_scales: tf.Tensor,
    rows: Scores,
    pasting: PastingTensors,
    best_keys: "_BestKeys",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Normalises the exponentials, sums the weights up for the corners of the cells, pastes.

    The weights of a corner are those of its own query and key, and of their neighbours on the corner's side: of four
    in a square. A square lies between two steps and belongs to a corner of each of the four cells around it (see
    `attention.fast`), so one product a step pastes all corners, and there is one step more than rows of keys.

    Args:
        exponentials: As in `_Softmax`.
        weight_scales: float32 [T, Q], what turns them into weights.
        rows: The scores.
        pasting: What the weights are multiplied with.
        best_keys: The search for the strongest keys.

    Returns:
        `corners` and `best` of `AttendedTile`.
    """
    steps, row_stride, pair_stride = tf.shape(weight_scales)[0], rows.row_stride, rows.pair_stride
    count = tf.shape(pasting.corners)[1] * rows.slots

    def weights(step):
        return exponentials.read(step) * tf.gather(weight_scales, step)

    def in_pairs(matrix):
        flat, size = tf.reshape(matrix, [-1]), tf.size(matrix) - pair_stride
        return piece(flat, 0, size) + piece(flat, pair_stride, size)

    def advance(step, above, best, sums):
        own, best = tf.cond(
            step < steps,
            lambda: (in_pairs(weights(step)), best_keys.updated(best, step, exponentials.read(step))),
            lambda: (tf.zeros_like(above), best),
        )
        size = tf.size(own) - row_stride
        squares = piece(above, 0, size) + piece(own, row_stride, size)
        squares = tf.reshape(piece(squares, 0, count), [-1, rows.slots])
        return step + 1, own, best, sums + tf.matmul(squares, pasting.corners[step], transpose_a=True)

    # Above the first row of a strip lies the last row of the strip before, if it begins where that ends.
    gap = tf.zeros([pasting.strip_stride, rows.slots])
    above = tf.concat([gap, weights(steps - 1)[: -pasting.strip_stride]], axis=0)
    above *= pasting.follows_previous[:, tf.newaxis]
    nothing = tf.zeros([rows.slots, tf.shape(pasting.corners)[2]])
    _, _, best, sums = tf.while_loop(
        lambda step, *_: step <= steps,
        advance,
        (0, in_pairs(above), best_keys.unknown(), nothing),
        parallel_iterations=1,
    )
    return sums, best


class _BestKeys:
    """Finds the strongest key of every query, the first of several.

    Args:
        step_maxima: float32 [T, Q], the highest score in each step.
        best_score: float32 [Q], the highest of all; infinite for a query whose strongest key is not wanted.
        positions: int32 [T, K], flat positions of the key slots.
    """

    def __init__(self, step_maxima: tf.Tensor, best_score: tf.Tensor, positions: tf.Tensor):
        self.step_maxima, self.best_score, self.positions = step_maxima, best_score, positions

    def unknown(self) -> tf.Tensor:
        """int32 [Q]: what the search begins with."""
        return tf.fill(tf.shape(self.best_score), tf.int32.max)

    def updated(self, best: tf.Tensor, step: tf.Tensor, exponentials: tf.Tensor) -> tf.Tensor:
        """The flat positions so far, int32 [Q], with those of the queries whose strongest key is in this step."""
        queries = tf.where(tf.equal(tf.gather(self.step_maxima, step), self.best_score))
        key_slots, slots = tf.unstack(tf.shape(exponentials, tf.int64))
        found = tf.gather(tf.reshape(exponentials, [-1]), tf.range(key_slots) * slots + queries)
        query, key_slot = tf.unstack(tf.where(tf.equal(found, tf.reduce_max(found, axis=1, keepdims=True))), axis=1)
        position = tf.gather(tf.gather(self.positions, step), key_slot)
        return tf.tensor_scatter_nd_min(best, tf.gather(queries, query), position)


def _array(size: tf.Tensor, rank: int) -> tf.TensorArray:
    shape = [None] * rank
    return tf.TensorArray(tf.float32, size, element_shape=shape, infer_shape=False, clear_after_read=False)
