"""Which key lies in which slot of which step."""

from collections.abc import Sequence

import numpy as np

from inpaint_tf.attention.tiled.layout import KeyStrips
from inpaint_tf.attention.tiled.scores import FRONT


class KeySlots:
    """The positions in the slots of every step.

    Step t takes row t of every strip. Matching and propagation each need a row more on either side than is pasted from.
    Rows that column-major propagation reaches over the top or bottom edge of the grid (column wraps) come after these.

    Args:
        strips: `KeyStrips`, T rows high.
        none: The flat position that stands for "no position".

    Attributes:
        matched: int32 [T + 4 + 3 W, K + 3 FRONT + 2] positions, from step -2 on, then three rows for each wrap.
        propagated: int32 [T + 2 + W, K + 2 FRONT], from step -1 on, then one row for each wrap.
        weighted: int32 [T, K], from step 0 on, without what lies below a strip's end.
        follows_previous: bool [K], the strips that begin where the one before ends.
        column_wraps: int32 [T + 2], which wrap is added to a step of `propagated`; -1 for none.
        column_wrap_masks: bool [W, K + 2 FRONT], the slots that it is added to.
    """

    def __init__(self, strips: KeyStrips, none: int):
        self.strips, self.none = strips, none
        height, (last, _) = strips.height, strips.grid
        starts, stops = np.array(strips.starts, np.int32), np.array(strips.stops, np.int32)
        rows = starts + np.arange(-2, height + 2, dtype=np.int32)[:, np.newaxis]
        self.column_wraps = np.full(height + 2, -1, np.int32)
        wrapped_rows, shifts, masks = [], [], []
        # Above the first row lies the last one, moved right by one; below the last row the first, moved left by one.
        for step in range(height + 2):
            for outside, wrapped, shift in ((-1, last - 1, 1), (last, 0, -1)):
                reaches = rows[step + 1] == outside
                if reaches.any():
                    self.column_wraps[step] = len(masks)
                    wrapped_rows.append(np.where(reaches, [[wrapped - 1], [wrapped], [wrapped + 1]], -1))
                    shifts.append(shift)
                    masks.append(self._slots_of(reaches, shift))
        self._rows = np.concatenate([rows[1:-1], *(three[1:2] for three in wrapped_rows)])
        self._shifts = np.array([0] * (height + 2) + shifts)
        slots, unmoved = strips.slots, [0] * (height + 4)
        self.matched = self._laid_out(
            np.concatenate([rows, *wrapped_rows]),
            unmoved + list(np.repeat(shifts, 3)),
            2 * FRONT,
            slots + 3 * FRONT + 2,
        )
        self.propagated = self._laid_out(self._rows, self._shifts, FRONT, slots + 2 * FRONT)
        self.column_wrap_masks = np.array(masks, bool).reshape(len(masks), slots + 2 * FRONT)
        self.weighted = self._laid_out(np.where(rows[2:-2] < stops, rows[2:-2], -1), unmoved[:height], 0, slots)
        self.follows_previous = np.zeros(slots, bool)
        follows = np.append(False, stops[:-1] == starts[1:])
        self.follows_previous[: len(starts) * strips.stride] = follows.repeat(strips.stride)

    def row_wraps(self) -> tuple[np.ndarray, np.ndarray]:
        """Where row-major propagation runs over the ends of the strips' rows.

        Returns:
            slots: int32 [T + 2 + W, 2 S], before and after every strip's row of `propagated`.
            positions: int32 [T + 2 + W, 2 S], the positions that it reaches there; `none` for none.
        """
        strips, (height, width) = self.strips, self.strips.grid
        in_grid = (self._rows >= 0) & (self._rows < height)
        first = np.where(in_grid, self._rows * width, self.none)
        last = np.where(in_grid, first + width - 1, self.none)
        shift = self._shifts[:, np.newaxis]
        before = FRONT + np.arange(len(strips.starts)) * strips.stride + shift
        after = before + width + 1
        unused = strips.slots + 2 * FRONT - 1
        # What a shift moves out of a strip does not count.
        before, after = (
            np.where(in_grid & (shift >= 0), before, unused),
            np.where(in_grid & (shift <= 0), after, unused),
        )
        slots = np.concatenate([before, after], axis=1)
        positions = np.concatenate([moved(first, -1, self.none), moved(last, 1, self.none)], axis=1)
        return slots, np.where(slots == unused, self.none, positions)

    def corner_places(self) -> tuple[np.ndarray, np.ndarray]:
        """The features in the middle of every square of weights: one corner of each of the four cells around it.

        Returns:
            places: int [T + 1, k, 4], flat in the features: the upper left corner of the cell to the lower right of the
                square, the upper right of the one to the lower left, the lower left of the one to the upper right, and
                the lower right of the one to the upper left.
            known: float32 [T + 1, k, 4], 0 where there is no cell, or where another strip has it.
        """
        count = self.strips.pasted_slots
        nothing = np.full_like(self.weighted[:1], -1)
        lower = np.concatenate([np.where(self.weighted < self.none, self.weighted, -1), nothing])
        # A strip that begins where the one before ends has the squares between both.
        upper = np.roll(lower, 1, axis=0)
        stride = self.strips.stride
        upper[0] = np.where(self.follows_previous, np.roll(lower[-2], stride), -1)
        upper[-1] = np.where(np.roll(self.follows_previous, -stride), -1, lower[-2])
        cells = np.stack(
            [lower[:, 1 : count + 1], lower[:, :count], upper[:, 1 : count + 1], upper[:, :count]], axis=-1
        )
        width = self.strips.grid[1]
        y, x = np.divmod(np.maximum(cells, 0), width)
        row, column = np.divmod(np.arange(4), 2)
        return (2 * y + row) * 2 * width + 2 * x + column, (cells >= 0).astype(np.float32)

    def _slots_of(self, chosen: np.ndarray, shift: int) -> np.ndarray:
        """bool [K + 2 FRONT]: the slots, in the strips bool [S], that a row moved by `shift` has in the grid."""
        slot = np.arange(self.strips.slots + 2 * FRONT) - FRONT
        in_strip = (slot >= 0) & (slot < len(chosen) * self.strips.stride)
        x = slot % self.strips.stride - 1
        in_chosen = chosen[np.where(in_strip, slot // self.strips.stride, 0)] & in_strip
        return in_chosen & (x >= max(0, shift)) & (x < self.strips.grid[1] + min(0, shift))

    def _laid_out(self, rows: np.ndarray, shifts: Sequence[int] | np.ndarray, front: int, total: int) -> np.ndarray:
        """int32 [rows, total]: positions of [rows, S] rows of the grid, moved by [rows] shifts, from `front` on."""
        height, width = self.strips.grid
        x = np.arange(self.strips.stride) - 1 - np.asarray(shifts)[:, np.newaxis, np.newaxis]
        y = rows[:, :, np.newaxis]
        found = np.where((y >= 0) & (y < height) & (x >= 0) & (x < width), y * width + x, self.none)
        found = found.reshape(len(rows), -1)
        result = np.full((len(rows), total), self.none, np.int32)
        result[:, front : front + found.shape[1]] = found[:, : total - front]
        return result


def moved(positions: np.ndarray, step: int, none: int) -> np.ndarray:
    """Flat positions `step` further, row-major, as int32; `none` beyond either end, and for `none` itself."""
    result = positions + step
    inside = (positions < none) & (positions >= 0) & (result >= 0) & (result < none)
    return np.where(inside, result, none).astype(np.int32)


def neighbours(positions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """int32 [..., 9]: the 3x3 patches around flat positions; h w, which stands for "no position", outside the grid.

    Args:
        positions: int [...]; negative ones and h w are none and have no neighbours either.
        grid: (h, w).
    """
    height, width = grid
    none = height * width
    positions = np.asarray(positions, np.int32)[..., np.newaxis]
    step = np.arange(9, dtype=np.int32)
    y, x = positions // width + step // 3 - 1, positions % width + step % 3 - 1
    inside = (positions < none) & (positions >= 0) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return np.where(inside, y * width + x, none).astype(np.int32)
