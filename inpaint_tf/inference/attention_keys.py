"""The key side of the tiled attention: features, norms, and what lies in which slot of a group of key rows."""

import numpy as np
import tensorflow as tf

from inpaint_tf.inference.plan_attention import wrapped_row
from inpaint_tf.layers.literal_attention import SMALLEST_NORM
from inpaint_tf.layers.resize import nearest_align_corners_indices

LOWEST = np.float32(-1e30)


class Keys:
    """Everything that is the same for all queries. Indices of a group of key rows are made once for a layout.

    Args:
        features: float32 [H', W', C] tensor.
        plan: `AttentionPlan`.
        softmax_scale: Factor in front of the softmax.

    Attributes:
        grid: (h, w) of the positions.
        none: The flat position that stands for "no position": a zero feature, a zero scale.
        table: float32 [h w + 1, C], half-size features and a zero.
        background: float32 [H' W', C], the features.
        masked_count: How many positions are no valid keys.
    """

    def __init__(self, features, plan, softmax_scale):
        self.grid = plan.grid
        self.valid = np.append(plan.valid.reshape(-1), False)
        self.masked_count = plan.positions - plan.valid_keys
        self.feature_width = features.shape[1]
        self.none = plan.positions
        rows, columns = (nearest_align_corners_indices(features.shape[axis], plan.grid[axis]) for axis in (0, 1))
        half = np.asarray(tf.gather(tf.gather(features, rows), columns, axis=1))
        energy = np.pad(np.einsum("hwc,hwc->hw", half, half), 1)
        energy = energy[:-2] + energy[1:-1] + energy[2:]
        energy = energy[:, :-2] + energy[:, 1:-1] + energy[:, 2:]
        norms = np.sqrt(np.maximum(energy, np.float32(SMALLEST_NORM**2)))
        self.scale = np.append(softmax_scale / norms.reshape(-1), 0).astype(np.float32)
        flat = half.reshape(plan.positions, -1)
        self.table = tf.constant(np.concatenate([flat, np.zeros_like(flat[:1])]))
        self.background = tf.reshape(features, [-1, features.shape[-1]])
        self._cache = {}

    def group(self, tile, first, last):
        """What `score_tiles.propagated_rows` takes for key rows first <= y < last, up to the layout's numbers."""
        return self._made_once(self._group, tile, first, last)

    def group_at_edge(self, tile, first, last):
        """Patches and scales of the positions before, at and after every wanted slot, row-major."""
        return self._made_once(self._group_at_edge, tile, first, last)

    def bias(self, tile, first, last):
        """float32 [K], 0 for valid keys of these rows, a large negative number for all other slots."""
        return self._made_once(self._bias, tile, first, last)

    def ends(self, ranges):
        """Patches and scales of what row-major propagation meets before and behind ranges of key rows, in pairs."""
        y = np.array([[first, last - 1] for first, last in ranges]).reshape(-1)
        met = wrapped_row(y, np.tile([-1, self.grid[1]], len(ranges)), self.grid)
        met = np.where(met < 0, self.none, met)
        return constants(self.neighbours(met), self.scale[met])

    def pasting(self, tile, cells, first):
        """Which slots of a group of key rows take part in pasting.

        Args:
            tile: The query tile.
            cells: bool [rows, w], the wanted cells of the background.
            first: Number of the first of these rows.

        Returns:
            chosen: int32 [n + 3] slots, see `score_tiles.pasted`.
            corners: int32 [4, n], places in `background` of the four corners of every inner slot's cell.
            known: float32 [n], 1 where the cell is wanted.
        """
        slots = np.pad(cells, [(0, 0), (1, tile.key_stride - cells.shape[1] - 1)]).reshape(-1)
        beside = np.pad(slots, 1)
        chosen = np.flatnonzero(beside[:-2] | slots | beside[2:])
        chosen = np.append(chosen, chosen[-1])
        inner = chosen[1:-2]
        y, x = first + inner // tile.key_stride, inner % tile.key_stride - 1
        known = slots[inner]
        corner = np.where(known, 2 * (y * self.feature_width + x), 0)
        return constants(
            chosen,
            np.stack([corner + row * self.feature_width + column for row in (0, 1) for column in (0, 1)]),
            known.astype(np.float32),
        )

    def neighbours(self, positions):
        """int32 [..., 9]: the 3x3 patch around flat positions, `none` outside the grid or for `none` itself."""
        positions = np.asarray(positions, np.int32)[..., np.newaxis]
        height, width = self.grid
        step = np.arange(9, dtype=np.int32)
        y, x = positions // width + step // 3 - 1, positions % width + step % 3 - 1
        inside = (positions < self.none) & (positions >= 0) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        return np.where(inside, y * width + x, self.none).astype(np.int32)

    def moved(self, positions, step):
        """Flat positions `step` further, row-major; `none` beyond either end, and for `none` itself."""
        moved = positions + step
        inside = (positions < self.none) & (positions >= 0) & (moved >= 0) & (moved < self.none)
        return np.where(inside, moved, self.none).astype(np.int32)

    def _group(self, tile, first, last):
        front, stride = tile.front_slots, tile.key_stride
        wanted = self._slots(tile, first, last, front, tile.score_slots(last - first))
        keys = self._slots(tile, first - 1, last + 1, 2 * front, tile.feature_slots(last - first))
        before = front + np.arange(last - first) * stride
        behind = before + self.grid[1] + 1
        # The slot before a row belongs to the last position of the row above, the one behind it to the next's first.
        copy_to = np.concatenate([before[1:], behind[:-1]])
        copy_from = np.concatenate([behind[:-1] - 1, before[1:] + 1])
        return constants(keys, self.scale[wanted], copy_to, copy_from, np.array([before[0], behind[-1]]))

    def _group_at_edge(self, tile, first, last):
        wanted = self._slots(tile, first, last, tile.front_slots, tile.score_slots(last - first))
        around = np.stack([self.moved(wanted, step) for step in (-1, 0, 1)])
        return constants(self.neighbours(around), self.scale[around])

    def _bias(self, tile, first, last):
        slots = self._slots(tile, first, last, 0, tile.weight_slots(last - first))
        return tf.constant(np.where(self.valid[slots], np.float32(0), LOWEST))

    def _slots(self, tile, first, last, before, total):
        """int32 [total]: flat position of every slot of some key rows behind `before` others, `none` elsewhere."""
        y = np.arange(first, last, dtype=np.int32)[:, np.newaxis]
        x = np.arange(tile.key_stride, dtype=np.int32) - 1
        inside = (y >= 0) & (y < self.grid[0]) & (x >= 0) & (x < self.grid[1])
        padded = np.full(total, self.none, np.int32)
        padded[before : before + inside.size] = np.where(inside, y * self.grid[1] + x, self.none).reshape(-1)
        return padded

    def _made_once(self, make, tile, first, last):
        key = make.__name__, tile.key_stride, tile.front_slots, first, last
        if key not in self._cache:
            self._cache[key] = make(tile, first, last)
        return self._cache[key]


def constants(*arrays):
    """Tensors of NumPy arrays, integers as int32."""
    return tuple(tf.constant(a.astype(np.int32) if a.dtype.kind == "i" else a) for a in arrays)
