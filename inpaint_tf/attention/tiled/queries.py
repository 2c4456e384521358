"""The query side of the tiled attention: what lies in the slots of one tile of queries."""

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.keys import Keys, constants
from inpaint_tf.attention.tiled.layout import HALO, QueryTile, wrapped_column, wrapped_row
from inpaint_tf.attention.tiled.scores import patch_features
from inpaint_tf.attention.tiled.tensors import EdgeTensors, QueryTensors


class Queries:
    """Features and patches of a tile's slots, and what propagation reaches beyond the edges of the grid.

    Args:
        tile: `QueryTile`.
        keys: `Keys`.

    Attributes:
        tensors: The query side of `steps.attend`.
        edge: What `steps.attend_at_edge` needs in addition; None if the tile touches no edge of the grid.
    """

    def __init__(self, tile: QueryTile, keys: Keys):
        rect, (height, width) = tile.rect, keys.grid
        slot = np.arange(tile.query_slots)
        y, x = slot // tile.query_stride + rect.top - HALO, slot % tile.query_stride + rect.left - HALO
        # Slots after the last row are padding.
        y[(rect.height + 2 * HALO) * tile.query_stride :] = -9
        in_grid = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        positions = np.where(in_grid, y * width + x, keys.none).astype(np.int32)
        in_tile = (y >= rect.top) & (y < rect.bottom) & (x >= rect.left) & (x < rect.right)

        beyond_row = (y >= 0) & (y < height) & ((x == -1) | (x == width))
        row_wraps = np.where(beyond_row, wrapped_row(y, x, keys.grid), -1)
        beyond_column = ((y == -1) | (y == height)) & (x >= 0) & (x < width)
        column_wraps = np.where(beyond_column, wrapped_column(y, x, keys.grid), -1)
        in_tile, row_stride = constants(in_tile.astype(np.float32), np.int32(tile.query_stride))
        row_wrap_scores = keys.row_wrap_scores(keys.neighbours(np.where(row_wraps >= 0, row_wraps, positions)))
        self.tensors = QueryTensors(tf.gather(keys.features, positions), in_tile, row_stride, row_wrap_scores)
        self.edge = None
        if rect.top == 0 or rect.left == 0 or rect.bottom == height or rect.right == width:
            row_wrap_slots, column_wrap_slots = np.flatnonzero(row_wraps >= 0), np.flatnonzero(column_wraps >= 0)
            around = np.stack([keys.moved(column_wraps[column_wrap_slots], step) for step in (-1, 0, 1)])
            row_patches, column_patches = keys.neighbours(row_wraps[row_wrap_slots]), keys.neighbours(around)
            in_grid, row_wrap_slots, column_wrap_slots = constants(
                in_grid.astype(np.float32), row_wrap_slots, column_wrap_slots
            )
            self.edge = EdgeTensors(
                *keys.edge_patches,
                in_grid,
                row_wrap_slots,
                patch_features(keys.features, row_patches),
                column_wrap_slots,
                tf.stack([patch_features(keys.features, patches) for patches in column_patches]),
            )
