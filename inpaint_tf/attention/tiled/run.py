"""Contextual attention for the queries that are wanted, tile by tile, in bounded memory, with the layer's numbers.

The arithmetic is that of `attention.fast` (matching, propagation, softmax and pasting as matrix products and diagonal
sums), restricted to the tiles of an `AttentionPlan`; `scores` and `steps` have it. A tile of queries goes over the keys
twice: once for exponentials of scores relative to a running maximum, which are kept, and once to normalise, sum and
multiply with the features that are pasted. In between the softmax's maximum and denominator become known; keys that
are masked enter it with logit 0, which is one number for all of them, and are computed only where they lie between
others.

Positions at the edges of the grid need what propagation reaches when it runs over the end of a row or column. On the
key side this is put into the slots around the rows; where a query tile touches an edge, the few columns concerned are
computed from whole patches and added.

Where there are few scores, all wanted queries run through `attention.fast` at once instead.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.fast import attention_on_grids
from inpaint_tf.attention.layer import ContextualAttention
from inpaint_tf.attention.tiled import steps
from inpaint_tf.attention.tiled.keys import Keys
from inpaint_tf.attention.tiled.layout import HALO, AttentionPlan, QueryTile, dilated
from inpaint_tf.attention.tiled.queries import Queries
from inpaint_tf.attention.tiled.scores import row_wrap_scores
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size
from inpaint_tf.regions import Rect, bounding_rect
from inpaint_tf.shared_arrays import aligned_zeros

GRAPHS: tuple[Any, ...] = steps.attend, steps.attend_at_edge, row_wrap_scores


class TiledAttention:
    """Runs the attention of a plan.

    Args:
        layer: The model's `ContextualAttention`; see `supports`. Small maps are left to it.

    Call:
        release_features: Function that returns float32 [H', W', C], the whole feature map that the attention works on,
            and keeps no reference to it. It is called once; the map is freed before the tiles run, which it could not
            be if it were an argument, because the caller would hold it.
        plan: `AttentionPlan`.

    Returns:
        pasted: float32 [h', w', C], the attention's result on a rectangle of the map; right where the plan wants it.
        rect: That rectangle.
        offsets: int32 [h, w, 2] (row, column) of the strongest key; -1 where the plan did not want it.
    """

    def __init__(self, layer: ContextualAttention):
        self.softmax_scale = np.float32(layer.softmax_scale)
        self._whole = functools.cache(functools.partial(_whole_graph, layer))

    @staticmethod
    def supports(layer: ContextualAttention) -> bool:
        """Whether the tiles are laid out for a layer's settings: rate 2, 3x3 patches, propagation over 3."""
        return layer.settings.has_tiles

    @property
    def traces(self) -> int:
        """How many graphs were built so far; all instances share those of the tiles."""
        return sum(graph.experimental_get_tracing_count() for graph in GRAPHS) + self._whole.cache_info().currsize

    def __call__(
        self, release_features: Callable[[], tf.Tensor | np.ndarray], plan: AttentionPlan
    ) -> tuple[np.ndarray, Rect, np.ndarray]:
        features = tf.convert_to_tensor(release_features())
        if plan.whole is not None:
            return self._run_whole(features, plan, plan.whole)
        inner = bounding_rect(dilated(plan.wanted)) or Rect(0, 0, 0, 0)
        pasted = aligned_zeros((2 * inner.height, 2 * inner.width, features.shape[-1]))
        cells = pasted.reshape(inner.height, 2, inner.width, 2, -1).swapaxes(1, 2)
        offsets = np.full((*plan.grid, 2), -1, np.int32)
        if plan.tiles:
            keys = Keys(features, plan, self.softmax_scale)
            del features
            for tile in plan.tiles:
                _run_tile(tile, keys, cells, inner, offsets)
        else:
            # Without a valid key the layer's result is 0 and its strongest key the first.
            offsets[plan.wanted] = 0
        offsets[~plan.wanted] = -1
        return pasted, inner.scaled(2), offsets

    def _run_whole(self, features: tf.Tensor, plan: AttentionPlan, rect: Rect) -> tuple[np.ndarray, Rect, np.ndarray]:
        graph = self._whole(features.shape[-1])
        hole = plan.hole[np.newaxis, ..., np.newaxis].astype(np.float32)
        pasted, best = (np.asarray(part[0]) for part in graph(features[np.newaxis], hole, tf.constant(rect)))
        offsets = np.full((*plan.grid, 2), -1, np.int32)
        offsets[rect.slices] = best
        offsets[~plan.wanted] = -1
        return pasted, rect.scaled(2), offsets


def _whole_graph(layer: ContextualAttention, channels: int):
    """Graph of the layer for the queries in a rectangle (top, left, bottom, right)."""

    def run(features, hole, rect):
        half = resize_nearest_align_corners(features, *(size // layer.rate for size in spatial_size(features)))
        top, left, bottom, right = tf.unstack(rect)
        return attention_on_grids(half[:, top:bottom, left:right], half, features, hole, layer.settings)

    return tf.function(
        run,
        input_signature=[
            tf.TensorSpec((1, None, None, channels)), tf.TensorSpec((1, None, None, 1)), tf.TensorSpec(4, tf.int32)
        ],
        autograph=False,
    )  # fmt: skip


def _run_tile(tile: QueryTile, keys: Keys, cells: np.ndarray, inner: Rect, offsets: np.ndarray) -> None:
    """Adds a tile's pasted features to `cells` and puts its strongest keys into `offsets`."""
    queries = Queries(tile, keys)
    if queries.edge is None:
        result = steps.attend(queries.tensors, keys.tensors)
    else:
        result = steps.attend_at_edge(queries.tensors, keys.tensors, queries.edge)
    corners, best, best_score, maximum = (np.asarray(part) for part in result)
    # If all weights underflow to 0, the first key is as strong as any.
    best = np.where(np.exp(best_score - maximum) == 0, 0, best)
    found = np.stack(np.divmod(best, keys.grid[1]), axis=-1)
    offsets[tile.rect.slices] = _rows_of(tile, found)[HALO:-HALO, HALO : HALO + tile.rect.width]
    _add(tile, corners, cells, inner)


def _add(tile: QueryTile, corners: np.ndarray, cells: np.ndarray, inner: Rect) -> None:
    """Adds what a tile pastes, for its queries and one position around them, where it is wanted.

    Args:
        tile: `QueryTile`.
        corners: float32 [query slots, 4 C], see `AttendedTile`.
        cells: float32 [h, w, 2, 2, C], the cells of `inner`.
        inner: `Rect` of the grid.
    """
    reach = Rect(
        max(tile.rect.top - 1, inner.top), max(tile.rect.left - 1, inner.left),
        min(tile.rect.bottom + 1, inner.bottom), min(tile.rect.right + 1, inner.right),
    )  # fmt: skip
    if reach.height <= 0 or reach.width <= 0:
        return
    wanted = cells[reach.moved(-inner.top, -inner.left).slices]
    local = reach.moved(HALO - tile.rect.top, HALO - tile.rect.left)
    first = local.top * tile.query_stride + local.left
    for corner, values in enumerate(np.split(corners, 4, axis=1)):
        i, j = divmod(corner, 2)
        begin = first - (1 - i) * tile.query_stride - (1 - j)
        rows = values[begin : begin + reach.height * tile.query_stride].reshape(reach.height, tile.query_stride, -1)
        wanted[:, :, i, j] += rows[:, : reach.width]


def _rows_of(tile: QueryTile, values: np.ndarray) -> np.ndarray:
    """[query slots, ...] -> [rows with halo, query_stride, ...]."""
    rows = tile.rect.height + 2 * HALO
    return values[: rows * tile.query_stride].reshape(rows, tile.query_stride, *values.shape[1:])
