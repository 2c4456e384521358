"""Contextual attention for the queries that are wanted, tile by tile, in bounded memory, with the layer's numbers.

The arithmetic is that of `layers.fast_attention` (matching, propagation, softmax and pasting as matrix products and
diagonal sums), restricted to the tiles of an `AttentionPlan`; `score_tiles` has it. A tile of queries goes over the
keys twice: once for exponentials of scores against a running maximum, which are kept, and once to normalise, sum and
multiply with the background. In between the softmax's maximum and denominator become known; keys that are masked
enter it with logit 0, which is one number for all of them, and are computed only where diagonal sums touch them.

Positions at the edges of the grid need what the propagation meets when it runs over the end of a row or column. On
the key side these are copied into the slots around the grid; where a query tile touches an edge, the few columns
concerned are computed from whole patches and added.
"""

import numpy as np
import tensorflow as tf

from inpaint_tf.inference import score_tiles
from inpaint_tf.inference.plan_attention import ALIGNMENT, HALO, dilated, wrapped_column, wrapped_row
from inpaint_tf.inference.regions import Rect, bounding_rect
from inpaint_tf.inference.score_tiles import CHUNK
from inpaint_tf.layers.literal_attention import SMALLEST_NORM
from inpaint_tf.layers.resize import nearest_align_corners_indices

LOWEST = np.float32(-1e30)


class TiledAttention:
    """Runs the attention of a plan.

    Args:
        layer: The model's `ContextualAttention`, for its softmax scale; see `supports`.

    Call:
        features: float32 [H', W', C], array or tensor, the whole feature map that the attention works on. An array
            that only this call refers to is let go early.
        plan: `AttentionPlan`.

    Returns:
        pasted: float32 [h', w', C], the attention's result on a rectangle of the map; right where the plan wants it.
        rect: That rectangle.
        offsets: int32 [h, w, 2] (row, column) of the strongest key; -1 where the plan did not want it.
    """

    def __init__(self, layer):
        self.softmax_scale = np.float32(layer.softmax_scale)

        def floats(*shape):
            return tf.TensorSpec(shape, tf.float32)

        def integers(*shape):
            return tf.TensorSpec(shape, tf.int32)

        any_, strides = None, [integers(), integers(), integers()]
        group = [
            integers(any_), floats(any_), integers(any_), integers(any_), integers(2), floats(2, any_), *strides
        ]  # fmt: skip
        edge = [
            integers(3, any_, 9), floats(3, any_), floats(any_), integers(any_), floats(any_, any_), integers(any_),
            floats(any_, any_),
        ]  # fmt: skip
        self._channels = None
        self._signatures = {
            "propagated_rows": group,
            "propagated_rows_at_edge": [*group, *edge],
            "end_scores": [integers(any_, 9), integers(any_, 9), floats(any_)],
            "exponentials": [floats(any_), floats(any_), *strides, integers(), *[floats(any_)] * 3, integers(any_)],
            "pasted": [
                *[floats(any_, any_)] * 3, *[floats(any_)] * 3, integers(any_), floats(any_, any_), integers(4, any_),
                floats(any_), integers(), integers(),
            ],
        }  # fmt: skip
        self._graphs = {}

    @staticmethod
    def supports(layer):
        """Whether the tiles are laid out for a layer's settings: rate 2, 3x3 patches, propagation over 3."""
        return bool(layer.fuse) and (layer.rate, layer.fuse_kernel, layer.kernel_size) == (2, 3, 3)

    @property
    def traces(self):
        """How many graphs were built so far."""
        return sum(graph.experimental_get_tracing_count() for graph in self._graphs.values())

    def __call__(self, features, plan):
        self._build_graphs(features.shape[-1])
        inner = bounding_rect(dilated(plan.wanted)) or Rect(0, 0, 0, 0)
        sums = np.zeros((inner.height, inner.width, 2, 2, features.shape[-1]), np.float32)
        offsets = np.full((*plan.grid, 2), -1, np.int32)
        if plan.tiles:
            keys = _Keys(tf.convert_to_tensor(features), plan, self.softmax_scale)
            del features
            for tile in plan.tiles:
                self._run_tile(tile, keys, sums, inner, offsets)
        else:
            # Without a valid key the layer's result is 0 and its strongest key the first.
            offsets[plan.wanted] = 0
        offsets[~plan.wanted] = -1
        pasted = sums.transpose(0, 2, 1, 3, 4).reshape(2 * inner.height, 2 * inner.width, -1)
        return pasted / np.float32(4), inner.scaled(2), offsets

    def _build_graphs(self, channels):
        if channels == self._channels:
            return
        table = tf.TensorSpec([None, channels])
        tables = {"propagated_rows": [table, table], "propagated_rows_at_edge": [table, table], "end_scores": [table]}
        for name, signature in self._signatures.items():
            signature = [*tables.get(name, []), *signature]
            self._graphs[name] = tf.function(getattr(score_tiles, name), input_signature=signature, autograph=False)
        self._channels = channels

    def _run_tile(self, tile, keys, sums, inner, offsets):
        queries = _Queries(tile, keys)
        groups, (maximum, total, strongest, best) = self._exponentials(tile, keys, queries)
        self._record_offsets(tile, keys, offsets, maximum, strongest, best)

        inside = queries.in_rect
        scales = [inside * tf.exp(group_maximum - maximum) / total for _, group_maximum in groups]
        nothing = tf.zeros([tile.key_stride, tile.query_slots]), tf.zeros([tile.query_slots])
        result = 0
        for index, (first, last) in enumerate(tile.key_groups):
            before = after = nothing
            if index and tile.key_groups[index - 1][1] == first:
                rows = (first - tile.key_groups[index - 1][0]) * tile.key_stride
                before = groups[index - 1][0][rows - tile.key_stride : rows], scales[index - 1]
            if index + 1 < len(groups) and tile.key_groups[index + 1][0] == last:
                after = groups[index + 1][0][: tile.key_stride], scales[index + 1]
            spare, cells, known = keys.pasting(tile, first, last)
            result += self._graphs["pasted"](
                before[0], groups[index][0], after[0], before[1], scales[index], after[1],
                spare, keys.background, cells, known, tile.query_stride, tile.key_stride,
            )  # fmt: skip
        self._add(tile, result, sums, inner)

    def _exponentials(self, tile, keys, queries):
        """[(exponentials, maximum they were taken against)] of every key group, and the four running values."""
        height, slots = keys.grid[0], tile.query_slots
        front = front_slots(tile)
        ranges = [(max(first - 1, 0), min(last + 1, height)) for first, last in tile.key_groups]
        ranges += [(0, 1), (height - 1, height)]
        ends = self._graphs["end_scores"](keys.table, queries.patches, *keys.ends(ranges))
        ends = {rows: ends[2 * index : 2 * index + 2] for index, rows in enumerate(ranges)}

        def along_rows(first, last):
            arguments = [keys.table, queries.features, *keys.group(tile, first, last), ends[first, last]]
            arguments += [front, tile.query_stride, tile.key_stride]
            if not queries.at_edge:
                return self._graphs["propagated_rows"](*arguments)
            around = keys.group_at_edge(tile, first, last)
            return self._graphs["propagated_rows_at_edge"](*arguments, *around, *queries.edge)

        masked = height * keys.grid[1] - keys.valid_count
        running = (
            tf.fill([slots], np.float32(0) if masked else LOWEST),
            tf.fill([slots], np.float32(masked)),
            tf.fill([slots], LOWEST),
            tf.zeros([slots], tf.int32),
        )
        groups = []
        for first, last in tile.key_groups:
            top, bottom = max(first - 1, 0), min(last + 1, height)
            flat = along_rows(top, bottom)
            if first == 0 or last == height:
                # Scores and the row in them; a group of all rows has both in itself.
                above = below = None
                if first == 0:
                    above = (flat, height - 1) if bottom == height else (along_rows(height - 1, height), 0)
                if last == height:
                    below = (flat, 0) if top == 0 else (along_rows(0, 1), 0)
                flat = _with_wrapped_rows(flat, above, below, tile, bottom - top, keys)
            bias = keys.bias(tile, first, last)
            exponentials, *running = self._graphs["exponentials"](
                flat, bias, front, tile.query_stride, tile.key_stride, first * tile.key_stride, *running
            )
            groups.append((exponentials, running[0]))
        return groups, running

    def _record_offsets(self, tile, keys, offsets, maximum, strongest, best):
        slot = best.numpy()
        # A weight that underflows to 0 everywhere has its maximum at the first key.
        vanished = np.exp(strongest.numpy() - maximum.numpy()) == 0
        row, column = slot // tile.key_stride, slot % tile.key_stride - 1
        found = np.where(vanished[:, np.newaxis], 0, np.stack([row, column], axis=-1))
        offsets[tile.rect.slices] = _rows_of(tile, found)[HALO:-HALO, HALO : HALO + tile.rect.width]

    def _add(self, tile, result, sums, inner):
        """Adds a tile's sums, its queries and one position around them, where they are wanted."""
        channels = sums.shape[-1]
        values = _rows_of(tile, result.numpy())
        reach = Rect(
            max(tile.rect.top - 1, inner.top), max(tile.rect.left - 1, inner.left),
            min(tile.rect.bottom + 1, inner.bottom), min(tile.rect.right + 1, inner.right),
        )  # fmt: skip
        if reach.height <= 0 or reach.width <= 0:
            return
        part = values[reach.moved(HALO - tile.rect.top, HALO - tile.rect.left).slices]
        part = part.reshape(*part.shape[:2], 2, 2, channels)
        sums[reach.moved(-inner.top, -inner.left).slices] += part


class _Keys:
    """The key side: features, norms, and what lies where for a group of key rows. Indices are made once a layout."""

    def __init__(self, features, plan, softmax_scale):
        self.grid = plan.grid
        self.valid = plan.valid.reshape(-1)
        self.valid_count = int(self.valid.sum())
        self.feature_width = features.shape[1]
        height, width = plan.grid
        self.none = height * width
        rows = nearest_align_corners_indices(features.shape[0], height)
        columns = nearest_align_corners_indices(features.shape[1], width)
        half = tf.gather(tf.gather(features, rows), columns, axis=1).numpy()
        energy = np.pad(np.einsum("hwc,hwc->hw", half, half), 1)
        energy = energy[:-2] + energy[1:-1] + energy[2:]
        energy = energy[:, :-2] + energy[:, 1:-1] + energy[:, 2:]
        norms = np.sqrt(np.maximum(energy, np.float32(SMALLEST_NORM**2)))
        # One more entry for "no position": a zero feature, a zero scale.
        self.scale = np.append(softmax_scale / norms.reshape(-1), 0).astype(np.float32)
        flat = half.reshape(height * width, -1)
        self.table = tf.constant(np.concatenate([flat, np.zeros_like(flat[:1])]))
        self.background = tf.reshape(features, [-1, features.shape[-1]])
        self._cache = {}

    def neighbours(self, positions):
        """int32 [..., 9]: the 3x3 patch around flat positions, `none` outside the grid or for `none` itself."""
        positions = np.asarray(positions, np.int32)[..., np.newaxis]
        height, width = self.grid
        step = np.arange(9, dtype=np.int32)
        y, x = positions // width + step // 3 - 1, positions % width + step % 3 - 1
        inside = (positions < self.none) & (positions >= 0) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        return np.where(inside, y * width + x, self.none).astype(np.int32)

    def slots(self, tile, first, last):
        """int32 [(last - first) key_stride]: flat position of every slot of some key rows, `none` where there is none."""
        y = np.arange(first, last, dtype=np.int32)[:, np.newaxis]
        x = np.arange(tile.key_stride, dtype=np.int32) - 1
        inside = (y >= 0) & (y < self.grid[0]) & (x >= 0) & (x < self.grid[1])
        return np.where(inside, y * self.grid[1] + x, self.none).astype(np.int32).reshape(-1)

    def group(self, tile, first, last):
        """What `score_tiles.propagated_rows` takes for key rows first <= y < last, up to the layout's numbers."""
        return self._made_once(self._group, tile, first, last)

    def _group(self, tile, first, last):
        front, stride = front_slots(tile), tile.key_stride
        wanted = self._padded(self.slots(tile, first, last), front, _wanted_slots(tile, last - first))
        around = self.slots(tile, first - 1, last + 1)
        keys = self._padded(around, 2 * front, _aligned(front + 2 * stride + 2 + wanted.size))
        rows = np.arange(first, last)
        before = front + (rows - first) * stride
        # The slot before a row belongs to the last position of the row above, the one behind it to the next's first.
        copy_to = np.concatenate([before[1:], before[:-1] + self.grid[1] + 1])
        copy_from = np.concatenate([before[:-1] + self.grid[1], before[1:] + 1])
        end_slots = np.array([before[0], before[-1] + self.grid[1] + 1])
        return _constants(keys, self.scale[wanted], copy_to, copy_from, end_slots)

    def ends(self, ranges):
        """Patches and scales of what row-major propagation meets before and behind ranges of key rows, in pairs."""
        y = np.array([[first, last - 1] for first, last in ranges]).reshape(-1)
        met = wrapped_row(y, np.tile([-1, self.grid[1]], len(ranges)), self.grid)
        met = np.where(met < 0, self.none, met)
        return _constants(self.neighbours(met), self.scale[met])

    def group_at_edge(self, tile, first, last):
        """Patches and scales of the positions before, at and after every wanted slot, row-major."""
        return self._made_once(self._group_at_edge, tile, first, last)

    def _group_at_edge(self, tile, first, last):
        wanted = self._padded(
            self.slots(tile, first, last), front_slots(tile), _wanted_slots(tile, last - first)
        )
        around = np.stack([_moved(wanted, step, self.none) for step in (-1, 0, 1)])
        return _constants(self.neighbours(around), self.scale[around])

    def bias(self, tile, first, last):
        return self._made_once(self._bias, tile, first, last)

    def _bias(self, tile, first, last):
        slots = self._padded(self.slots(tile, first, last), 0, _chunked((last - first) * tile.key_stride))
        return tf.constant(np.where(np.append(self.valid, False)[slots], np.float32(0), LOWEST))

    def pasting(self, tile, first, last):
        """The spare slots behind a group's last row, the background's cells, and which slots are positions."""
        return self._made_once(self._pasting, tile, first, last)

    def _pasting(self, tile, first, last):
        used = (last - first) * tile.key_stride
        slots = self._padded(self.slots(tile, first, last), 0, _chunked(used))
        known = slots < self.none
        y, x = 2 * (slots // self.grid[1]), 2 * (slots % self.grid[1])
        cells = np.stack([(y + row) * self.feature_width + x + column for row in (0, 1) for column in (0, 1)])
        spare = np.arange(used, min(slots.size, used + tile.key_stride))
        return _constants(spare, np.where(known, cells, 0), known.astype(np.float32))

    def _padded(self, slots, before, total):
        padded = np.full(total, self.none, np.int32)
        padded[before : before + slots.size] = slots
        return padded

    def _made_once(self, make, tile, first, last):
        key = (make.__name__, tile.key_stride, front_slots(tile), first, last)
        if key not in self._cache:
            self._cache[key] = make(tile, first, last)
        return self._cache[key]


class _Queries:
    """The query side of a tile: features and patches of its slots, and what they meet beyond the edges of the grid."""

    def __init__(self, tile, keys):
        rect, (height, width) = tile.rect, keys.grid
        y = np.arange(rect.top - HALO, rect.bottom + HALO)[:, np.newaxis]
        x = np.arange(tile.query_stride)[np.newaxis] + rect.left - HALO
        y, x = (_flat_slots(np.broadcast_to(a, (y.size, x.size)), tile, -9) for a in (y, x))
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        positions = np.where(inside, y * width + x, keys.none).astype(np.int32)
        wanted = (y >= rect.top) & (y < rect.bottom) & (x >= rect.left) & (x < rect.right)
        self.in_rect = tf.constant(wanted.astype(np.float32))
        self.features = tf.gather(keys.table, positions)

        beside = (y >= 0) & (y < height) & ((x == -1) | (x == width))
        by_row = np.where(beside, wrapped_row(y, x, keys.grid), -1)
        met = np.where(inside, positions, np.where(by_row >= 0, by_row, keys.none))
        above_or_below = ((y == -1) | (y == height)) & (x >= 0) & (x < width)
        by_column = np.where(above_or_below, wrapped_column(y, x, keys.grid), -1)
        met = np.where(by_column >= 0, by_column, met)
        self.patches = keys.neighbours(met)

        self.at_edge = rect.top == 0 or rect.left == 0 or rect.bottom == height or rect.right == width
        if self.at_edge:
            row_slots, column_slots = np.flatnonzero(by_row >= 0), np.flatnonzero(by_column >= 0)
            around = np.stack([_moved(by_column[column_slots], step, keys.none) for step in (-1, 0, 1)], axis=1)
            column_patches = keys.neighbours(around).reshape(-1, 27)
            self.edge = (
                tf.constant(inside.astype(np.float32)),
                tf.constant(row_slots.astype(np.int32)),
                score_tiles.patch_features(keys.table, tf.constant(keys.neighbours(by_row[row_slots]))),
                tf.constant(column_slots.astype(np.int32)),
                score_tiles.patch_features(keys.table, tf.constant(column_patches)),
            )


def _with_wrapped_rows(flat, above, below, tile, rows, keys):
    """Puts what column-major propagation meets above the first and below the last key row into their slots.

    Args:
        flat: Scores of `rows` key rows, the grid's first or last among them; flat, beginning at `near`.
        above: Such scores and the number of the row in them that is the grid's last, if `flat` begins with the first
            row; None otherwise.
        below: The same for the grid's first row, if `flat` ends with the last.
        tile: The query tile.
        rows: Key rows in `flat`.
        keys: `_Keys`.

    Returns:
        Flat scores, beginning at `near`, with one or two more rows.
    """
    slots, stride, width = tile.query_slots, tile.key_stride, keys.grid[1]
    front, near = front_slots(tile), tile.query_slots + 1
    added = (above is not None) + (below is not None)

    def slot_range(scores, row, first, last):
        begin = front + row * stride
        return scores[(begin + first) * slots - near : (begin + last) * slots - near]

    parts = [tf.zeros([front * slots - near])]
    if above is not None:
        # Position x of the row above is position x - 1 of the last row, and nothing at x = 0.
        parts += [tf.zeros([2 * slots]), slot_range(*above, 1, width), tf.zeros([(stride - width - 1) * slots])]
    parts.append(slot_range(flat, 0, 0, rows * stride))
    if below is not None:
        # Position x of the row below is position x + 1 of the first row, and nothing at the last.
        parts += [tf.zeros([slots]), slot_range(*below, 2, width + 1), tf.zeros([(stride - width) * slots])]
    total = _wanted_slots(tile, rows + added) * slots - 2 * near
    used = (front + (rows + added) * stride) * slots - near
    parts.append(tf.zeros([total - used]))
    return tf.concat(parts, axis=0)


def front_slots(tile):
    """Padding in front of the wanted key rows: two slots or more, and what makes all beginnings multiples of 16."""
    return 2 + (-tile.query_stride - 2) % ALIGNMENT


def _wanted_slots(tile, rows):
    """Slots of the matching scores of some key rows, padding included."""
    return _aligned(front_slots(tile) + rows * tile.key_stride + CHUNK + 2)


def _aligned(count):
    return -(-count // ALIGNMENT) * ALIGNMENT


def _chunked(count):
    return -(-count // CHUNK) * CHUNK


def _moved(positions, step, none):
    """Flat positions `step` further, row-major; `none` beyond either end, and for none itself."""
    moved = positions + step
    return np.where((positions < none) & (positions >= 0) & (moved >= 0) & (moved < none), moved, none).astype(np.int32)


def _flat_slots(values, tile, fill):
    flat = np.full(tile.query_slots, fill, np.int32)
    flat[: values.size] = values.reshape(-1)
    return flat


def _rows_of(tile, values):
    """[query slots, ...] -> [rows with halo, query_stride, ...]."""
    rows = tile.rect.height + 2 * HALO
    return values[: rows * tile.query_stride].reshape(rows, tile.query_stride, *values.shape[1:])


def _constants(*arrays):
    return tuple(tf.constant(a.astype(np.int32) if a.dtype.kind == "i" else a) for a in arrays)
