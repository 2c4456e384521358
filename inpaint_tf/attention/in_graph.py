"""Contextual attention inside one exported graph, in bounded memory: tiles of queries, only those the hole can see.

The fast form holds whole score matrices, N x N floats each (N = H/8 * W/8): 64 MiB at 512x512, 3.9 GiB at 1920x1080.
Above a limit the graph takes square tiles of queries instead, one after the other, and leaves out those that no pixel
of the hole depends on. The numbers are those of `layers.fast_attention` up to rounding.

Nothing couples two queries but the diagonal sums, so a tile with a halo of two rows and two columns has all that its
result depends on: one for the propagation, one for pasting. Matching needs no halo, because 3x3 patches are multiplied
as patches (9 C multiply-adds a pair; the Gram matrix of the fast form would need another ring). Propagation runs over
the ends of rows and columns; the halo then holds the position that the flattened index meets there.

The Inpainter's planned run does more (keys in groups, crops of the convolutions) but is driven by Python, which an
exported graph does not have.
"""

import tensorflow as tf

from inpaint_tf.attention.fast import valid_patches
from inpaint_tf.attention.literal import SMALLEST_NORM
from inpaint_tf.layers.resize import resize_nearest_align_corners

# Scores of a batch up to which the fast form runs on whole matrices: one photo of 512x512.
MOST_WHOLE_SCORES = 1 << 24
# Scores of one tile, halo included. About six such arrays live at a time.
TILE_SCORES = 1 << 23
SMALLEST_TILE, LARGEST_TILE = 4, 48
# Rows and columns around a tile.
HALO = 2


class HoleAttention:
    """The model's attention for photos of any size.

    Args:
        layer: The model's `ContextualAttention`.
        reach: How far, in pixels, the farthest feature lies from a pixel of the image that depends on it; None if every
            pixel depends on all features.
        cell: Pixels of the image, along an axis, to one position.
        most_whole_scores: Scores of a batch up to which the layer itself runs; tiles above.
        tile_scores: Scores of one tile.
    """

    def __init__(self, layer, reach, cell=8, most_whole_scores=MOST_WHOLE_SCORES, tile_scores=TILE_SCORES):
        self.layer = layer
        self.reach = reach
        self.cell = cell
        self.most_whole_scores = most_whole_scores
        self.tile_scores = tile_scores

    def for_hole(self, hole_mask):
        """The attention of one batch: takes what the layer takes, and knows float32 [B or 1, H, W, 1] of the hole."""
        if not tileable(self.layer):
            return self.layer

        def attention(features, hole_mask):
            size = tf.shape(features)
            positions = tf.cast((size[1] // 2) * (size[2] // 2), tf.float32)
            whole = positions * positions * tf.cast(size[0], tf.float32) <= float(self.most_whole_scores)
            return tf.cond(
                whole,
                lambda: self.layer(features, hole_mask=hole_mask),
                lambda: self._in_tiles(features, hole_mask, wanted),
            )

        wanted = wanted_positions(hole_mask, self.reach, self.cell)
        return attention

    def _in_tiles(self, features, feature_mask, wanted):
        batch = tf.shape(features)[:1]
        feature_mask = tf.broadcast_to(feature_mask, tf.concat([batch, tf.shape(feature_mask)[1:]], 0))
        wanted = tf.broadcast_to(wanted, tf.concat([batch, tf.shape(wanted)[1:]], 0))
        scale = self.layer.softmax_scale
        return tf.map_fn(
            lambda sample: tiled_attention(*sample, scale, self.tile_scores),
            (features, feature_mask, wanted),
            fn_output_signature=(
                tf.TensorSpec([None, None, features.shape[-1]], tf.float32),
                tf.TensorSpec([None, None, 2], tf.int32),
            ),
            parallel_iterations=1,
        )


def tileable(layer):
    """Whether a `ContextualAttention` has the settings that the tiles are written for: those of the paper."""
    settings = layer.form, layer.rate, layer.kernel_size, layer.fuse_kernel, bool(layer.fuse)
    return settings == ("fast", 2, 3, 3, True)


def wanted_positions(hole_mask, reach, cell=8):
    """bool [B or 1, H/cell, W/cell]: the positions whose features a pixel of the hole depends on.

    Args:
        hole_mask: float32 [B or 1, H, W, 1], 1 = hole; H and W multiples of 8.
        reach, cell: See `HoleAttention`.
    """
    cells = tf.nn.max_pool2d(hole_mask, cell, strides=cell, padding="VALID")
    if reach is None:
        return tf.ones_like(cells[..., 0], tf.bool)
    around = 2 * -(-reach // cell) + 1
    return tf.nn.max_pool2d(cells, around, strides=1, padding="SAME")[..., 0] > 0


def tiled_attention(features, feature_mask, wanted, softmax_scale, tile_scores):
    """Contextual attention of one feature map with itself: rate 2, 3x3 patches, propagation over 3.

    Args:
        features: float32 [H', W', C]; H' and W' even.
        feature_mask: float32 [H', W', 1], 1 where the background is missing.
        wanted: bool [H'/2, W'/2], the queries whose result is needed.
        softmax_scale: Factor in front of the softmax.
        tile_scores: Scores of a tile; what is left of it by the number of keys decides on the tiles' size.

    Returns:
        float32 [H', W', C], the layer's result where it is wanted, zeros (or right as well) elsewhere; and int32
        [H'/2, W'/2, 2] offsets, -1 where they were not computed.
    """
    keys = _Keys(features, feature_mask, softmax_scale)
    side = tf.cast(tf.sqrt(tf.cast(tile_scores, tf.float32) / tf.cast(keys.count, tf.float32)), tf.int32) - 2 * HALO
    side = tf.clip_by_value(side, SMALLEST_TILE, LARGEST_TILE)
    rows, columns = tf.minimum(side, keys.height), tf.minimum(side, keys.width)
    down, across = -(-keys.height // rows), -(-keys.width // columns)

    overhang = [[0, down * rows - keys.height], [0, across * columns - keys.width]]
    blocks = tf.reshape(tf.pad(wanted, overhang), tf.stack([down, rows, across, columns]))
    needed = tf.reshape(tf.reduce_any(blocks, axis=(1, 3)), [-1])
    # A loop without a turn could not tell the shape of its result.
    needed = tf.where(needed | ((tf.range(down * across) == 0) & ~tf.reduce_any(needed)))[:, 0]
    needed = tf.cast(needed, tf.int32)

    channels = features.shape[-1]
    pasted, offsets = tf.map_fn(
        lambda tile: keys.attend(tile // across * rows, tile % across * columns, rows, columns),
        needed,
        fn_output_signature=(
            tf.TensorSpec([None, None, channels], tf.float32),
            tf.TensorSpec([None, None, 2], tf.int32),
        ),
        parallel_iterations=1,
    )

    def assembled(tiles, scale):
        depth = tiles.shape[-1]
        whole = tf.stack([down * across, scale * rows, scale * columns, depth])
        whole = tf.scatter_nd(needed[:, tf.newaxis], tiles, whole)
        whole = tf.reshape(whole, tf.stack([down, across, scale * rows, scale * columns, depth]))
        whole = tf.transpose(whole, [0, 2, 1, 3, 4])
        whole = tf.reshape(whole, tf.stack([down * scale * rows, across * scale * columns, depth]))
        return whole[: scale * keys.height, : scale * keys.width]

    # Scattering leaves 0 where there is no tile; offsets travel one higher, so that this becomes -1.
    return assembled(pasted, 2), assembled(offsets + 1, 1) - 1


class _Keys:
    """The key side of one feature map, made once, and the arithmetic of one tile of queries."""

    def __init__(self, features, feature_mask, softmax_scale):
        size = tf.shape(features)
        self.height, self.width = size[0] // 2, size[1] // 2
        self.count = self.height * self.width
        self.channels = features.shape[-1]
        half = resize_nearest_align_corners(features[tf.newaxis], self.height, self.width)
        # [(h + 2) (w + 2), C] with a frame of zeros, so that every position has nine neighbours.
        self.framed = tf.reshape(tf.pad(half, [[0, 0], [1, 1], [1, 1], [0, 0]]), [-1, self.channels])
        patches = self._patches(tf.range(self.count))
        norms = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(patches), axis=1, keepdims=True), SMALLEST_NORM**2))
        self.patches = patches / norms
        self.valid = valid_patches(feature_mask[tf.newaxis], (self.height, self.width), 3)[0]
        self.logit_scale = self.valid * softmax_scale
        cells = tf.reshape(features, tf.stack([self.height, 2, self.width, 2, self.channels]))
        self.corners = tf.reshape(tf.transpose(cells, [1, 3, 0, 2, 4]), tf.stack([4, -1, self.channels]))

    def attend(self, top, left, rows, columns):
        """One tile.

        Args:
            top, left: Its first position.
            rows, columns: Its size; what lies beyond the grid is computed as zeros.

        Returns:
            float32 [2 rows, 2 columns, C] pasted, int32 [rows, columns, 2] offsets.
        """
        y = tf.range(top - HALO, top + rows + HALO)[:, tf.newaxis]
        x = tf.range(left - HALO, left + columns + HALO)[tf.newaxis]
        shape = tf.stack([rows + 2 * HALO, columns + 2 * HALO, self.count])
        scores = self._propagated_rows(tf.reshape(self._matching(y, x), shape), y, x[:, 1:-1])
        scores = self._propagated_columns(scores)
        inside = self._inside(y[1:-1], x[:, 1:-1])
        # In the tile with one position around: softmax over the keys, nothing outside the grid.
        weights = tf.nn.softmax(scores * self.logit_scale) * self.valid
        weights *= tf.cast(inside, tf.float32)[..., tf.newaxis]
        best = tf.argmax(weights[1:-1, 1:-1], axis=-1, output_type=tf.int32)
        offsets = tf.stack([best // self.width, best % self.width], axis=-1)
        return self._paste(weights, rows, columns), offsets

    def _matching(self, y, x):
        """float32 [queries, N] of positions in extended coordinates; 0 where there is no such position."""
        # Row -1 of a column is what column-major order has before its first: the last of the column before.
        position = y * self.width + x
        position = tf.where(y == -1, (self.height - 1) * self.width + x - 1, position)
        position = tf.where(y == self.height, x + 1, position)
        exists = (y >= -1) & (y <= self.height) & (position >= 0) & (position < self.count)
        position, exists = tf.reshape(position, [-1]), tf.reshape(exists, [-1, 1])
        queries = self._patches(tf.clip_by_value(position, 0, self.count - 1)) * tf.cast(exists, tf.float32)
        return tf.matmul(queries, self.patches, transpose_b=True)

    def _propagated_rows(self, scores, y, x):
        """[r, c + 2, N] -> [r, c, N]: plus the next and previous position and key, row-major."""
        ahead = tf.pad(scores[:, :-2, :-1], [[0, 0], [0, 0], [1, 0]])
        behind = tf.pad(scores[:, 2:, 1:], [[0, 0], [0, 0], [0, 1]])
        # The first column has nothing before it in column-major order, the last nothing behind it.
        none = ((y == -1) & (x == 0)) | ((y == self.height) & (x == self.width - 1))
        exists = tf.cast(~none, tf.float32)[..., tf.newaxis]
        return tf.add_n([scores[:, 1:-1], ahead, behind]) * exists

    def _propagated_columns(self, scores):
        """[r + 2, c, N] -> [r, c, N]: plus the next and previous position and key, column-major."""
        width, count = self.width, self.count
        above, below = scores[:-2], scores[2:]
        nothing = tf.zeros_like(above[..., :1])
        above = tf.concat([nothing, above[..., count - width : count - 1], above[..., : count - width]], axis=-1)
        below = tf.concat([below[..., width:], below[..., 1:width], nothing], axis=-1)
        return tf.add_n([scores[1:-1], above, below])

    def _paste(self, weights, rows, columns):
        """[r + 2, c + 2, N] weights -> [2 r, 2 c, C]: a 2x2 diagonal sum and a product for each corner of a cell."""
        width, count = self.width, self.count
        pasted = []
        for row in (0, 1):
            if row == 0:
                summed = weights[1:-1] + tf.pad(weights[:-2, :, : count - width], [[0, 0], [0, 0], [width, 0]])
            else:
                summed = weights[1:-1] + tf.pad(weights[2:, :, width:], [[0, 0], [0, 0], [0, width]])
            summed = tf.reshape(summed, tf.stack([rows, columns + 2, self.height, width]))
            for column in (0, 1):
                if column == 0:
                    other = tf.pad(summed[:, :-2, :, :-1], [[0, 0], [0, 0], [0, 0], [1, 0]])
                else:
                    other = tf.pad(summed[:, 2:, :, 1:], [[0, 0], [0, 0], [0, 0], [0, 1]])
                both = tf.reshape(summed[:, 1:-1] + other, tf.stack([rows * columns, count]))
                pasted.append(tf.matmul(both, self.corners[2 * row + column]))
        pasted = tf.reshape(tf.stack(pasted, axis=1), tf.stack([1, rows, columns, 4 * self.channels]))
        return tf.nn.depth_to_space(pasted, 2)[0] / 4.0

    def _patches(self, positions):
        """float32 [n, 9 C]: zero-padded 3x3 patches of int32 [n] positions."""
        corner = positions // self.width * (self.width + 2) + positions % self.width
        steps = tf.stack([row * (self.width + 2) + column for row in range(3) for column in range(3)])
        patches = tf.gather(self.framed, corner[:, tf.newaxis] + steps)
        return tf.reshape(patches, [-1, 9 * self.channels])

    def _inside(self, y, x):
        return (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
