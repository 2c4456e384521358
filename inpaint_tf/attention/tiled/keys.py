"""The key side of the tiled attention: features, norms, and what lies in which slot of a step."""

import functools

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.literal import SMALLEST_NORM
from inpaint_tf.attention.tiled.steps import FRONT, end_scores
from inpaint_tf.layers.resize import nearest_align_corners_indices
from inpaint_tf.shared_arrays import aligned_zeros, as_tensor

LOWEST = np.float32(-1e30)


class Keys:
    """Everything that is the same for all queries.

    Args:
        features: float32 [H', W', C] tensor.
        plan: `AttentionPlan`.
        softmax_scale: Factor in front of the softmax.

    Attributes:
        grid: (h, w) of the positions.
        none: The flat position that stands for "no position": a zero feature, a zero scale.
        table: float32 [h w + 1, C], half-size features and a zero.
        arguments: The `keys` of `score_tiles.attend`, where K0, K1 and K are the slots of a step that are matched,
            propagated and weighted, k those that are pasted from, and W the rows that wrap around an edge of the grid:
            `table`; int32 [height + 4 + 3 W, K0] rows of it; float32 [height + 1, k, 4 C] what is pasted; int32 slots
            from one strip to the next; float32 [height + 2 + W, K1] softmax scale by patch norm, 0 for no key; int32
            [height + 2 + W, 2 strips] slots beside the strips' rows; int32 [height + 2] which wrap a step is given, -1
            for none; float32 [W, K1] the slots that get it; float32 [height, K] 0, or `LOWEST` where there is no valid
            key; float32 [K] 1 in strips that begin where the one before ends; int32 [height, K] flat positions;
            and float32, what the softmax's maximum and denominator begin with for the masked keys.
    """

    def __init__(self, features, plan, softmax_scale):
        self.grid = plan.grid
        self.none = plan.positions
        rows, columns = (nearest_align_corners_indices(features.shape[axis], plan.grid[axis]) for axis in (0, 1))
        half = np.asarray(tf.gather(tf.gather(features, rows), columns, axis=1))
        energy = np.pad(np.einsum("hwc,hwc->hw", half, half), 1)
        energy = energy[:-2] + energy[1:-1] + energy[2:]
        energy = energy[:, :-2] + energy[:, 1:-1] + energy[:, 2:]
        norms = np.sqrt(np.maximum(energy, np.float32(SMALLEST_NORM**2)))
        self._scale = np.append(softmax_scale / norms.reshape(-1), 0).astype(np.float32)
        flat = half.reshape(plan.positions, -1)
        table = aligned_zeros((plan.positions + 1, flat.shape[1]))
        table[:-1] = flat
        self.table = as_tensor(table)

        layout = _Layout(plan.strips, self.none)
        self._propagated = layout.propagated
        places, ends = layout.ends(self)
        self._ends = constants(self.neighbours(ends), self._scale[ends])
        valid = np.append(plan.valid.reshape(-1), False)
        masked = plan.positions - plan.valid_keys
        self.arguments = (
            self.table,
            *constants(layout.matched),
            _corner_features(features, *constants(*_corners(layout, features.shape[1]))),
            *constants(
                np.int32(plan.strips.stride),
                self._scale[layout.propagated],
                places,
                layout.wraps,
                layout.wrap_masks.astype(np.float32),
                np.where(valid[layout.weighted], np.float32(0), LOWEST),
                layout.continued.astype(np.float32),
                layout.weighted,
                np.float32(0) if masked else LOWEST,
                np.float32(masked),
            ),
        )

    @functools.cached_property
    def patches(self):
        """The patches and patch scales of `score_tiles.attend_at_edge`."""
        around = np.stack([self.moved(self._propagated, step) for step in (-1, 0, 1)], axis=1)
        return constants(self.neighbours(around), self._scale[around])

    def ends(self, patches):
        """The `ends` of `score_tiles.attend` for the patches of query slots."""
        return end_scores(self.table, patches, *self._ends)

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


class _Layout:
    """Which position lies in which slot of which step.

    Step t takes row t of every strip. Matching and propagation each take a row more on either side than is pasted from.

    Attributes:
        matched: int32 [height + 4 + 3 W, K + 3 FRONT + 2] positions, from step -2 on, then three rows for each wrap.
        propagated: int32 [height + 2 + W, K + 2 FRONT], from step -1 on, then one row for each wrap.
        weighted: int32 [height, K], from step 0 on, without what lies below a strip's end.
        continued: bool [K], the strips that begin where the one before ends.
        wraps: int32 [height + 2], which wrap is added to a step of `propagated`; -1 for none.
        wrap_masks: bool [W, K + 2 FRONT], the slots that get something.
    """

    def __init__(self, strips, none):
        self.strips, self.none = strips, none
        height, (last, _) = strips.height, strips.grid
        starts, stops = np.array(strips.starts, np.int32), np.array(strips.stops, np.int32)
        rows = starts + np.arange(-2, height + 2, dtype=np.int32)[:, np.newaxis]
        self.wraps = np.full(height + 2, -1, np.int32)
        wrapped, shifts, masks = [], [], []
        for step in range(height + 2):
            # What is above the first row is the last one, moved right; what is below the last is the first, moved left.
            for reached, met, shift in ((-1, last - 1, 1), (last, 0, -1)):
                strip = rows[step + 1] == reached
                if strip.any():
                    self.wraps[step] = len(masks)
                    wrapped.append(np.where(strip, [[met - 1], [met], [met + 1]], -1))
                    shifts.append(shift)
                    masks.append(self._reached(strip, shift))
        self._rows = np.concatenate([rows[1:-1], *(three[1:2] for three in wrapped)])
        self._shifts = np.array([0] * (height + 2) + shifts)
        slots, unmoved = strips.slots, [0] * (height + 4)
        self.matched = self._laid_out(
            np.concatenate([rows, *wrapped]), unmoved + list(np.repeat(shifts, 3)), 2 * FRONT, slots + 3 * FRONT + 2
        )
        self.propagated = self._laid_out(self._rows, self._shifts, FRONT, slots + 2 * FRONT)
        self.wrap_masks = np.array(masks, bool).reshape(len(masks), slots + 2 * FRONT)
        self.weighted = self._laid_out(np.where(rows[2:-2] < stops, rows[2:-2], -1), unmoved[:height], 0, slots)
        self.continued = np.zeros(slots, bool)
        self.continued[: len(starts) * strips.stride] = np.append(False, stops[:-1] == starts[1:]).repeat(strips.stride)

    def ends(self, keys):
        """Places [rows, 2 strips] beside the strips' rows, and the positions whose scores belong there."""
        strips, (_, width) = self.strips, self.strips.grid
        inside = (self._rows >= 0) & (self._rows < strips.grid[0])
        begin = np.where(inside, self._rows * width, self.none)
        behind = np.where(inside, begin + width - 1, self.none)
        shift = self._shifts[:, np.newaxis]
        left = FRONT + np.arange(len(strips.starts)) * strips.stride + shift
        right = left + width + 1
        unused = strips.slots + 2 * FRONT - 1
        # What a shift moves out of a strip is not looked at.
        left, right = np.where(inside & (shift >= 0), left, unused), np.where(inside & (shift <= 0), right, unused)
        places = np.concatenate([left, right], axis=1)
        met = np.concatenate([keys.moved(begin, -1), keys.moved(behind, 1)], axis=1)
        return places, np.where(places == unused, self.none, met)

    def _reached(self, strip, shift):
        """bool slots: of the strips bool [strips], those that a row moved by `shift` reaches within the grid."""
        slot = np.arange(self.strips.slots + 2 * FRONT) - FRONT
        inside = (slot >= 0) & (slot < len(strip) * self.strips.stride)
        x = slot % self.strips.stride - 1
        chosen = strip[np.where(inside, slot // self.strips.stride, 0)] & inside
        return chosen & (x >= max(0, shift)) & (x < self.strips.grid[1] + min(0, shift))

    def _laid_out(self, rows, shifts, front, total):
        """int32 [rows, total]: positions of [rows, strips] rows of the grid, `front` slots in front of them."""
        height, width = self.strips.grid
        x = np.arange(self.strips.stride) - 1 - np.asarray(shifts)[:, np.newaxis, np.newaxis]
        y = rows[:, :, np.newaxis]
        found = np.where((y >= 0) & (y < height) & (x >= 0) & (x < width), y * width + x, self.none)
        found = found.reshape(len(rows), -1)
        result = np.full((len(rows), total), self.none, np.int32)
        result[:, front : front + found.shape[1]] = found[:, : total - front]
        return result


def _corners(layout, feature_width):
    """What the squares of weights between two steps are multiplied with.

    Returns:
        places: int32 [height + 1, k, 4] in the features: of the lower right cell's first corner, the lower left's
            second, the upper right's third and the upper left's fourth.
        known: float32 [height + 1, k, 4], 0 where there is no cell, or where another strip has it.
    """
    count = layout.strips.pasted_slots
    nothing = np.full_like(layout.weighted[:1], -1)
    lower = np.concatenate([np.where(layout.weighted < layout.none, layout.weighted, -1), nothing])
    # A strip that begins where the one before ends has the squares between both.
    upper = np.roll(lower, 1, axis=0)
    width = layout.strips.stride
    upper[0] = np.where(layout.continued, np.roll(lower[-2], width), -1)
    upper[-1] = np.where(np.roll(layout.continued, -width), -1, lower[-2])
    cells = np.stack([lower[:, 1 : count + 1], lower[:, :count], upper[:, 1 : count + 1], upper[:, :count]], axis=-1)
    y, x = np.divmod(np.maximum(cells, 0), layout.strips.grid[1])
    row, column = np.divmod(np.arange(4), 2)
    return (2 * y + row) * feature_width + 2 * x + column, (cells >= 0).astype(np.float32)


@tf.function(
    input_signature=[
        tf.TensorSpec((None, None, None)), tf.TensorSpec((None, None, 4), tf.int32), tf.TensorSpec((None, None, 4)),
    ],
    autograph=False,
)  # fmt: skip
def _corner_features(features, places, known):
    """float32 [height + 1, k, 4 C]: a quarter of the features at `places`, side by side; 0 where not `known`."""
    pixels = tf.reshape(features, [-1, tf.shape(features)[2]])
    found = tf.gather(pixels, places) * (known / 4)[..., tf.newaxis]
    return tf.reshape(found, tf.stack([*tf.unstack(tf.shape(places)[:2]), 4 * tf.shape(features)[2]]))


def constants(*arrays):
    """Tensors of NumPy arrays, integers as int32."""
    return tuple(tf.constant(a.astype(np.int32) if a.dtype.kind == "i" else a) for a in arrays)
