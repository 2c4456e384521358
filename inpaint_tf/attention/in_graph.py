"""Contextual attention inside one exported graph, in bounded memory: tiles of queries, only those the hole can see.

The fast form holds whole score matrices, N x N floats each (N = H/8 * W/8): 64 MiB at 512x512, 3.9 GiB at 1920x1080.
Above a limit the graph takes square tiles of queries instead, one after the other, and leaves out those that no pixel
of the hole depends on. The numbers are those of `attention.fast` up to rounding.

Nothing couples two queries but the diagonal sums, so a tile with a halo of two rows and two columns has all that its
result depends on: one for the propagation, one for pasting. Matching needs no halo, because 3x3 patches are multiplied
as patches: 9 C multiply-adds a pair, but fewer passes over the scores than the Gram matrix of the fast form, which is
what costs here. Propagation runs over the ends of rows and columns; there the halo holds the positions that it reaches.

The Inpainter's planned run does more (`attention.tiled`: keys in strips, crops of the convolutions) but is driven by
Python, which an exported graph does not have.
"""

from collections.abc import Callable

import tensorflow as tf

from inpaint_tf.attention.fast import KEY_FRAME, pixels_of_squares, square_corners, square_sums, valid_patches
from inpaint_tf.attention.layer import ContextualAttention
from inpaint_tf.attention.literal import SMALLEST_NORM
from inpaint_tf.attention.tuning import GraphTuning
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size

# Rows and columns around a tile.
HALO = 2


class HoleAttention:
    """The model's attention for photos of any size.

    Args:
        layer: The model's `ContextualAttention`.
        reach: How far, in pixels, the farthest feature lies from a pixel of the image that depends on it; None if every
            pixel depends on all features.
        cell: Pixels of the image, along an axis, to one position.
        tuning: Up to which size the layer itself runs, and how large the tiles are above.
    """

    def __init__(
        self, layer: ContextualAttention, reach: int | None, cell: int = 8, tuning: GraphTuning = GraphTuning()
    ):
        self.layer = layer
        self.reach = reach
        self.cell = cell
        self.tuning = tuning

    def for_hole(self, hole_mask: tf.Tensor) -> Callable:
        """The attention of one batch, a function with the layer's arguments.

        Args:
            hole_mask: float32 [B or 1, H, W, 1] of the image, 1 = hole.
        """
        if self.layer.form != "fast" or not self.layer.settings.has_tiles:
            return self.layer

        def attention(features, hole_mask):
            size = tf.shape(features)
            positions = tf.cast((size[1] // 2) * (size[2] // 2), tf.float32)
            whole = positions * positions * tf.cast(size[0], tf.float32) <= float(self.tuning.most_whole_scores)
            return tf.cond(
                whole,
                lambda: self.layer(features, hole_mask=hole_mask),
                lambda: self._in_tiles(features, hole_mask, wanted),
            )

        wanted = wanted_positions(hole_mask, self.reach, self.cell)
        return attention

    def _in_tiles(self, features: tf.Tensor, feature_mask: tf.Tensor, wanted: tf.Tensor):
        batch = tf.shape(features)[:1]
        feature_mask = tf.broadcast_to(feature_mask, tf.concat([batch, tf.shape(feature_mask)[1:]], 0))
        wanted = tf.broadcast_to(wanted, tf.concat([batch, tf.shape(wanted)[1:]], 0))
        scale = self.layer.softmax_scale
        return tf.map_fn(
            lambda sample: tiled_attention(sample[0], sample[1], sample[2], scale, self.tuning),
            (features, feature_mask, wanted),
            fn_output_signature=(
                tf.TensorSpec([None, None, features.shape[-1]], tf.float32),
                tf.TensorSpec([None, None, 2], tf.int32),
            ),
            parallel_iterations=1,
        )


def wanted_positions(hole_mask: tf.Tensor, reach: int | None, cell: int = 8) -> tf.Tensor:
    """bool [B or 1, H/cell, W/cell]: the positions whose features a pixel of the hole depends on.

    Args:
        hole_mask: float32 [B or 1, H, W, 1], 1 = hole; H and W multiples of `cell`.
        reach, cell: See `HoleAttention`.
    """
    cells = tf.nn.max_pool2d(hole_mask, cell, strides=cell, padding="VALID")
    if reach is None:
        return tf.ones_like(cells[..., 0], tf.bool)
    around = 2 * -(-reach // cell) + 1
    return tf.nn.max_pool2d(cells, around, strides=1, padding="SAME")[..., 0] > 0


def tiled_attention(
    features: tf.Tensor,
    feature_mask: tf.Tensor,
    wanted: tf.Tensor,
    softmax_scale: float,
    tuning: GraphTuning = GraphTuning(),
) -> tuple[tf.Tensor, tf.Tensor]:
    """Contextual attention of one feature map with itself: rate 2, 3x3 patches, propagation over 3.

    Args:
        features: float32 [H', W', C]; H' and W' even.
        feature_mask: float32 [H', W', 1], 1 where the background is missing.
        wanted: bool [H'/2, W'/2], the queries whose result is needed.
        softmax_scale: Factor in front of the softmax.
        tuning: How large the tiles are.

    Returns:
        float32 [H', W', C], the layer's result where it is wanted, zeros (or right as well) elsewhere; and int32
        [H'/2, W'/2, 2] offsets, -1 where they were not computed.
    """
    keys = _Keys(features, feature_mask, softmax_scale)
    side = tf.sqrt(tf.cast(tuning.tile_scores, tf.float32) / tf.cast(keys.count, tf.float32))
    side = tf.clip_by_value(tf.cast(side, tf.int32) - 2 * HALO, tuning.least_tile_side, tuning.most_tile_side)
    rows, columns = tf.minimum(side, keys.height), tf.minimum(side, keys.width)
    down, across = -(-keys.height // rows), -(-keys.width // columns)

    overhang = tf.stack([[0, down * rows - keys.height], [0, across * columns - keys.width]])
    blocks = tf.reshape(tf.pad(wanted, overhang), tf.stack([down, rows, across, columns]))
    needed = tf.reshape(tf.reduce_any(blocks, axis=(1, 3)), [-1])
    # If nothing is wanted the first tile runs all the same: the size of a tile's result is known only from a result.
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

    # Scattering leaves 0 where there is no tile; offsets are one higher on the way, so that this becomes -1.
    return assembled(pasted, 2), assembled(offsets + 1, 1) - 1


class _Keys:
    """The key side of one feature map, made once, and the arithmetic of one tile of queries."""

    def __init__(self, features: tf.Tensor, feature_mask: tf.Tensor, softmax_scale: float):
        self.height, self.width = (size // 2 for size in spatial_size(features[tf.newaxis]))
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
        self.corners = square_corners(features[tf.newaxis], (self.height, self.width), 2)[0]

    def attend(
        self, top: tf.Tensor, left: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
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
        # Within the tile and one position around it: softmax over the keys, nothing outside the grid.
        weights = tf.nn.softmax(scores * self.logit_scale) * self.valid
        weights *= tf.cast(inside, tf.float32)[..., tf.newaxis]
        best = tf.argmax(weights[1:-1, 1:-1], axis=-1, output_type=tf.int32)
        offsets = tf.stack([best // self.width, best % self.width], axis=-1)
        return self._paste(weights, rows, columns), offsets

    def _matching(self, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """float32 [queries, N]: scores of positions in extended coordinates; 0 where there is no such position.

        What propagation reaches over an edge of the grid stands beyond that edge: at column -1 the position before the
        row, at row -1 the one before the column, which is the last of the column to its left.
        """
        position = y * self.width + x
        position = tf.where(y == -1, (self.height - 1) * self.width + x - 1, position)
        position = tf.where(y == self.height, x + 1, position)
        exists = (y >= -1) & (y <= self.height) & (position >= 0) & (position < self.count)
        position, exists = tf.reshape(position, [-1]), tf.reshape(exists, [-1, 1])
        queries = self._patches(tf.clip_by_value(position, 0, self.count - 1)) * tf.cast(exists, tf.float32)
        return tf.matmul(queries, self.patches, transpose_b=True)

    def _propagated_rows(self, scores: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """[r, c + 2, N] -> [r, c, N]: the sum over the previous, own and next position and key, row-major."""
        previous = tf.pad(scores[:, :-2, :-1], [[0, 0], [0, 0], [1, 0]])
        following = tf.pad(scores[:, 2:, 1:], [[0, 0], [0, 0], [0, 1]])
        # In column-major order nothing comes before the first position, nor after the last.
        none = ((y == -1) & (x == 0)) | ((y == self.height) & (x == self.width - 1))
        exists = tf.cast(~none, tf.float32)[..., tf.newaxis]
        return tf.add_n([scores[:, 1:-1], previous, following]) * exists

    def _propagated_columns(self, scores: tf.Tensor) -> tf.Tensor:
        """[r + 2, c, N] -> [r, c, N]: the sum over the previous, own and next position and key, column-major."""
        width, count = self.width, self.count
        above, below = scores[:-2], scores[2:]
        nothing = tf.zeros_like(above[..., :1])
        above = tf.concat([nothing, above[..., count - width : count - 1], above[..., : count - width]], axis=-1)
        below = tf.concat([below[..., width:], below[..., 1:width], nothing], axis=-1)
        return tf.add_n([scores[1:-1], above, below])

    def _paste(self, weights: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        """[r + 2, c + 2, N] weights -> [2 r, 2 c, C], as `attention.fast.paste`; the halo is there instead of zeros."""
        weights = tf.reshape(weights, tf.stack([1, -1, self.height, self.width]))
        weights = tf.pad(weights, [[0, 0], [0, 0], *KEY_FRAME])
        weights = tf.reshape(weights, tf.stack([1, (rows + 2) * (columns + 2), -1]))
        squares = square_sums(weights, columns + 2, self.width + 1)[0, :, : tf.shape(self.corners)[0]]
        # One square is missing at the end, next to the halo's last column, which nobody needs.
        pasted = tf.pad(tf.matmul(squares, self.corners), [[0, 1], [0, 0]])
        pasted = tf.reshape(pasted, tf.stack([1, rows + 1, columns + 2, 4, self.channels]))
        return pixels_of_squares(pasted, (rows, columns), 2)[0]

    def _patches(self, positions: tf.Tensor) -> tf.Tensor:
        """float32 [n, 9 C]: zero-padded 3x3 patches of int32 [n] positions."""
        corner = positions // self.width * (self.width + 2) + positions % self.width
        steps = tf.stack([row * (self.width + 2) + column for row in range(3) for column in range(3)])
        patches = tf.gather(self.framed, corner[:, tf.newaxis] + steps)
        return tf.reshape(patches, [-1, 9 * self.channels])

    def _inside(self, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """bool [r, c]: which of the rows [r, 1] and columns [1, c] meet within the grid."""
        return (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
