"""Contextual attention for the queries that are wanted, tile by tile, in bounded memory, with the layer's numbers.

The arithmetic is that of `layers.fast_attention` (matching, propagation, softmax and pasting as matrix products and
diagonal sums), restricted to the tiles of an `AttentionPlan`; `score_tiles` has it. A tile of queries goes over the
keys twice: once for exponentials of scores against a running maximum, which are kept, and once to normalise, sum and
multiply with the features that are pasted. In between the softmax's maximum and denominator become known; keys that
are masked enter it with logit 0, which is one number for all of them, and are computed only where they lie between
others.

Positions at the edges of the grid need what the propagation meets when it runs over the end of a row or column. On
the key side these are put into the slots around the rows; where a query tile touches an edge, the few columns
concerned are computed from whole patches and added.

Where there are few scores, all queries that are wanted run through `layers.fast_attention` at once instead.
"""

import functools

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.fast import attention_on_grids
from inpaint_tf.attention.tiled import steps
from inpaint_tf.attention.tiled.keys import Keys
from inpaint_tf.attention.tiled.layout import HALO, dilated
from inpaint_tf.attention.tiled.queries import Queries
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size
from inpaint_tf.regions import Rect, bounding_rect
from inpaint_tf.shared_arrays import aligned_zeros

GRAPHS = steps.attend, steps.attend_at_edge, steps.end_scores


class TiledAttention:
    """Runs the attention of a plan.

    Args:
        layer: The model's `ContextualAttention`; see `supports`. Small maps are left to it.

    Call:
        take: Function that gives float32 [H', W', C], the whole feature map that the attention works on. It is called
            once; a map that nobody else holds is let go before the tiles, where a caller would hold an argument.
        plan: `AttentionPlan`.

    Returns:
        pasted: float32 [h', w', C], the attention's result on a rectangle of the map; right where the plan wants it.
        rect: That rectangle.
        offsets: int32 [h, w, 2] (row, column) of the strongest key; -1 where the plan did not want it.
    """

    def __init__(self, layer):
        self.softmax_scale = np.float32(layer.softmax_scale)
        self._whole = functools.cache(functools.partial(_whole_graph, layer))

    @staticmethod
    def supports(layer):
        """Whether the tiles are laid out for a layer's settings: rate 2, 3x3 patches, propagation over 3."""
        return bool(layer.fuse) and (layer.rate, layer.fuse_kernel, layer.kernel_size) == (2, 3, 3)

    @property
    def traces(self):
        """How many graphs were built so far; all instances share those of the tiles."""
        return sum(graph.experimental_get_tracing_count() for graph in GRAPHS) + self._whole.cache_info().currsize

    def __call__(self, take, plan):
        features = tf.convert_to_tensor(take())
        if plan.whole is not None:
            return self._run_whole(features, plan)
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

    def _run_whole(self, features, plan):
        graph = self._whole(features.shape[-1])
        hole = plan.hole[np.newaxis, ..., np.newaxis].astype(np.float32)
        pasted, best = (np.asarray(part[0]) for part in graph(features[np.newaxis], hole, tf.constant(plan.whole)))
        offsets = np.full((*plan.grid, 2), -1, np.int32)
        offsets[plan.whole.slices] = best
        offsets[~plan.wanted] = -1
        return pasted, plan.whole.scaled(2), offsets


def _whole_graph(layer, channels):
    """Graph of the layer for the queries in a rectangle (top, left, bottom, right)."""

    def run(features, hole, rect):
        half = resize_nearest_align_corners(features, *(size // layer.rate for size in spatial_size(features)))
        top, left, bottom, right = tf.unstack(rect)
        return attention_on_grids(half[:, top:bottom, left:right], half, features, hole, **layer.settings)

    return tf.function(
        run,
        input_signature=[
            tf.TensorSpec((1, None, None, channels)), tf.TensorSpec((1, None, None, 1)), tf.TensorSpec(4, tf.int32)
        ],
        autograph=False,
    )  # fmt: skip


def _run_tile(tile, keys, cells, inner, offsets):
    """Adds a tile's pasted features to `cells` and puts its strongest keys into `offsets`."""
    queries = Queries(tile, keys)
    if queries.edge is None:
        result = steps.attend(*queries.arguments, *keys.arguments)
    else:
        result = steps.attend_at_edge(*queries.arguments, *keys.arguments, *queries.edge)
    sums, best, strongest, maximum = (np.asarray(part) for part in result)
    # A weight that underflows to 0 everywhere has its maximum at the first key.
    best = np.where(np.exp(strongest - maximum) == 0, 0, best)
    found = np.stack(np.divmod(best, keys.grid[1]), axis=-1)
    offsets[tile.rect.slices] = _rows_of(tile, found)[HALO:-HALO, HALO : HALO + tile.rect.width]
    _add(tile, sums, cells, inner)


def _add(tile, sums, cells, inner):
    """Adds what a tile pastes, for its queries and one position around them, where it is wanted.

    Args:
        tile: `QueryTile`.
        sums: float32 [query slots, 4 C], as `steps.attend` gives them.
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
    for corner, values in enumerate(np.split(sums, 4, axis=1)):
        i, j = divmod(corner, 2)
        begin = first - (1 - i) * tile.query_stride - (1 - j)
        rows = values[begin : begin + reach.height * tile.query_stride].reshape(reach.height, tile.query_stride, -1)
        wanted[:, :, i, j] += rows[:, : reach.width]


def _rows_of(tile, values):
    """[query slots, ...] -> [rows with halo, query_stride, ...]."""
    rows = tile.rect.height + 2 * HALO
    return values[: rows * tile.query_stride].reshape(rows, tile.query_stride, *values.shape[1:])
