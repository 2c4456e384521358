"""The tensors that the graphs of the tiled attention exchange, by name, and their signatures.

In the shapes, N is the number of positions, C the channels, Q the query slots of a tile, S the strips of keys, T the
steps (rows of the tallest strip), and W the column wraps: the rows of keys that column-major propagation reaches over
the top or bottom edge of the grid. A step has K key slots that are weighted; with what the sums around them need,
K + 2 FRONT that are propagated and K + 3 FRONT + 2 that are matched.
"""

import typing
from typing import Annotated, NamedTuple

import tensorflow as tf


def _floats(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)


def _integers(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.int32)


class QueryTensors(NamedTuple):
    """The query side of one tile."""

    features: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [Q, C], features of the query slots, zero outside the grid."""
    in_tile: Annotated[tf.Tensor, _floats(None)]
    """float32 [Q], 1 for the queries of the tile, 0 around them."""
    row_stride: Annotated[tf.Tensor, _integers()]
    """int32 [], query slots from one row of queries to the next."""
    row_wrap_scores: Annotated[tf.Tensor, _floats(None, None, None)]
    """float32 [T + 2 + W, 2 S, Q], scores that belong into `ScoringTensors.row_wrap_slots`."""


class ScoringTensors(NamedTuple):
    """What the scores of the key slots are computed from."""

    features: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [N + 1, C], features of the positions, and a zero that stands for "no position"."""
    matched: Annotated[tf.Tensor, _integers(None, None)]
    """int32 [T + 4 + 3 W, K + 3 FRONT + 2], the position in every slot; from step -2 on, then three rows a wrap."""
    scales: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [T + 2 + W, K + 2 FRONT], softmax scale by patch norm, 0 for no key; from step -1 on, then the wraps."""
    row_wrap_slots: Annotated[tf.Tensor, _integers(None, None)]
    """int32 [T + 2 + W, 2 S], slots before and after the rows of the strips, where row-major propagation wraps."""
    column_wraps: Annotated[tf.Tensor, _integers(None)]
    """int32 [T + 2], from step -1 on, the column wrap that is added to the scores; -1 for none."""
    column_wrap_masks: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [W, K + 2 FRONT], 1 in the slots that it is added to."""


class SoftmaxTensors(NamedTuple):
    """What the scores enter the softmax with."""

    bias: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [T, K], 0 for valid keys, a large negative number for the others."""
    positions: Annotated[tf.Tensor, _integers(None, None)]
    """int32 [T, K], flat positions of the keys."""
    masked_maximum: Annotated[tf.Tensor, _floats()]
    """float32 [], highest logit of masked keys: 0, or a large negative number without any."""
    masked_denominator: Annotated[tf.Tensor, _floats()]
    """float32 [], what the masked keys add to the denominator: exp(0) each."""


class PastingTensors(NamedTuple):
    """What the weights are multiplied with. A square of weights lies between two steps and between two slots."""

    corners: Annotated[tf.Tensor, _floats(None, None, None)]
    """float32 [T + 1, slots that are pasted from, 4 C], a quarter of the features in the middle of every square."""
    strip_stride: Annotated[tf.Tensor, _integers()]
    """int32 [], slots from one strip to the next."""
    follows_previous: Annotated[tf.Tensor, _floats(None)]
    """float32 [K], 1 in strips that begin where the one before ends."""


class KeyTensors(NamedTuple):
    """The key side: everything that is the same for all queries."""

    scoring: ScoringTensors
    """For matching and propagation."""
    softmax: SoftmaxTensors
    """For the weights."""
    pasting: PastingTensors
    """For the result."""


class RowWrapTensors(NamedTuple):
    """The keys that row-major propagation reaches beyond the ends of the strips' rows."""

    patches: Annotated[tf.Tensor, _integers(None, None, 9)]
    """int32 [T + 2 + W, 2 S, 9], the positions in their 3x3 patches."""
    scales: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [T + 2 + W, 2 S], softmax scale by patch norm, 0 for no key."""


class EdgeTensors(NamedTuple):
    """What a tile at an edge of the grid needs in addition: the queries that its propagation reaches there."""

    key_patches: Annotated[tf.Tensor, _integers(None, 3, None, 9)]
    """int32 [T + 2 + W, 3, K + 2 FRONT, 9], patches of the positions before, at and after every slot, row-major."""
    key_scales: Annotated[tf.Tensor, _floats(None, 3, None)]
    """float32 [T + 2 + W, 3, K + 2 FRONT], their scales; 0 for no key."""
    in_grid: Annotated[tf.Tensor, _floats(None)]
    """float32 [Q], 1 where the query slot lies in the grid."""
    row_wrap_slots: Annotated[tf.Tensor, _integers(None)]
    """int32 [n], query slots before and after a row, where row-major propagation wraps."""
    row_wrap_patches: Annotated[tf.Tensor, _floats(None, None)]
    """float32 [n, 9 C], the patches of the positions that it reaches there."""
    column_wrap_slots: Annotated[tf.Tensor, _integers(None)]
    """int32 [m], query slots above and below the columns, where column-major propagation wraps."""
    column_wrap_patches: Annotated[tf.Tensor, _floats(3, None, None)]
    """float32 [3, m, 9 C], the patches of the positions before, at and after those that it reaches there."""


class AttendedTile(NamedTuple):
    """The result of one tile."""

    corners: tf.Tensor
    """float32 [Q, 4 C], the four corners of the queries' cells, row by row. Corner (i, j) in row q belongs to the cell
    of query slot q + (1 - i) row_stride + (1 - j)."""
    best: tf.Tensor
    """int32 [Q], flat position of the strongest key of the tile's queries, the first of several."""
    best_score: tf.Tensor
    """float32 [Q], its score."""
    maximum: tf.Tensor
    """float32 [Q], the highest score that the softmax knows (masked keys have 0)."""


def signature(kind: type) -> typing.Any:
    """A named tuple of `tf.TensorSpec`s, nested as the tensors are, for `tf.function`.

    Args:
        kind: One of the classes above, with a specification at every field.
    """
    fields = typing.get_type_hints(kind, include_extras=True).values()
    return kind(*(field.__metadata__[0] if hasattr(field, "__metadata__") else signature(field) for field in fields))
