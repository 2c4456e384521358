"""The query side of the tiled attention: what lies in the slots of one tile of queries."""

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled import steps
from inpaint_tf.attention.tiled.keys import constants
from inpaint_tf.attention.tiled.layout import HALO, wrapped_column, wrapped_row


class Queries:
    """Features and patches of a tile's slots, and what they meet beyond the edges of the grid.

    Args:
        tile: `QueryTile`.
        keys: `Keys`.

    Attributes:
        arguments: The first four arguments of `steps.attend`.
        edge: The last arguments of `steps.attend_at_edge`; None if the tile touches no edge of the grid.
    """

    def __init__(self, tile, keys):
        rect, (height, width) = tile.rect, keys.grid
        slot = np.arange(tile.query_slots)
        y, x = slot // tile.query_stride + rect.top - HALO, slot % tile.query_stride + rect.left - HALO
        # Slots behind the last row are padding.
        y[(rect.height + 2 * HALO) * tile.query_stride :] = -9
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        positions = np.where(inside, y * width + x, keys.none).astype(np.int32)
        wanted = (y >= rect.top) & (y < rect.bottom) & (x >= rect.left) & (x < rect.right)

        beside = (y >= 0) & (y < height) & ((x == -1) | (x == width))
        by_row = np.where(beside, wrapped_row(y, x, keys.grid), -1)
        met = np.where(by_row >= 0, by_row, positions)
        above_or_below = ((y == -1) | (y == height)) & (x >= 0) & (x < width)
        by_column = np.where(above_or_below, wrapped_column(y, x, keys.grid), -1)
        self.arguments = (
            tf.gather(keys.table, positions),
            *constants(wanted.astype(np.float32), np.int32(tile.query_stride)),
            keys.ends(keys.neighbours(met)),
        )
        self.edge = None
        if rect.top == 0 or rect.left == 0 or rect.bottom == height or rect.right == width:
            row_slots, column_slots = np.flatnonzero(by_row >= 0), np.flatnonzero(by_column >= 0)
            around = np.stack([keys.moved(by_column[column_slots], step) for step in (-1, 0, 1)])
            row_patches = keys.neighbours(by_row[row_slots])
            column_patches = keys.neighbours(around)
            inside, row_slots, column_slots = constants(inside.astype(np.float32), row_slots, column_slots)
            self.edge = (
                *keys.patches,
                inside,
                row_slots,
                steps.patch_features(keys.table, row_patches),
                column_slots,
                tf.stack([steps.patch_features(keys.table, patches) for patches in column_patches]),
            )
