"""The key side of the tiled attention: features, norms and layout of everything that is the same for all queries."""

import functools

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.literal import SMALLEST_NORM
from inpaint_tf.attention.tiled.key_slots import KeySlots, moved, neighbours
from inpaint_tf.attention.tiled.layout import AttentionPlan
from inpaint_tf.attention.tiled.scores import row_wrap_scores
from inpaint_tf.attention.tiled.tensors import (
    KeyTensors,
    PastingTensors,
    RowWrapTensors,
    ScoringTensors,
    SoftmaxTensors,
)
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
        features: float32 [h w + 1, C], half-size features and a zero.
        tensors: What the graphs are given.
    """

    def __init__(self, features: tf.Tensor, plan: AttentionPlan, softmax_scale: np.float32):
        self.grid = plan.grid
        self.none = plan.positions
        rows, columns = (nearest_align_corners_indices(2 * side, side) for side in plan.grid)
        half = np.asarray(tf.gather(tf.gather(features, rows), columns, axis=1))
        self._scales = np.append(softmax_scale / _patch_norms(half).reshape(-1), 0).astype(np.float32)
        flat = half.reshape(plan.positions, -1)
        padded = aligned_zeros((plan.positions + 1, flat.shape[1]))
        padded[:-1] = flat
        self.features = as_tensor(padded)

        slots = KeySlots(plan.strips, self.none)
        self._propagated = slots.propagated
        row_wrap_slots, row_wraps = slots.row_wraps()
        self._row_wraps = RowWrapTensors(*constants(self.neighbours(row_wraps), self._scales[row_wraps]))
        valid = np.append(plan.valid.reshape(-1), False)
        masked = plan.positions - plan.valid_keys
        self.tensors = KeyTensors(
            ScoringTensors(
                self.features,
                *constants(
                    slots.matched,
                    self._scales[slots.propagated],
                    row_wrap_slots,
                    slots.column_wraps,
                    slots.column_wrap_masks.astype(np.float32),
                ),
            ),
            SoftmaxTensors(
                *constants(
                    np.where(valid[slots.weighted], np.float32(0), LOWEST),
                    slots.weighted,
                    np.float32(0) if masked else LOWEST,
                    np.float32(masked),
                )
            ),
            PastingTensors(
                _corner_features(features, *constants(*slots.corner_places())),
                *constants(np.int32(plan.strips.stride), slots.follows_previous.astype(np.float32)),
            ),
        )

    @functools.cached_property
    def edge_patches(self) -> tuple[tf.Tensor, tf.Tensor]:
        """`key_patches` and `key_scales` of `EdgeTensors`."""
        around = np.stack([self.moved(self._propagated, step) for step in (-1, 0, 1)], axis=1)
        patches, scales = constants(self.neighbours(around), self._scales[around])
        return patches, scales

    def row_wrap_scores(self, query_patches: np.ndarray) -> tf.Tensor:
        """`row_wrap_scores` of `QueryTensors` for int32 [Q, 9], the patches of query slots."""
        return row_wrap_scores(self.features, query_patches, self._row_wraps)

    def neighbours(self, positions: np.ndarray) -> np.ndarray:
        """int32 [..., 9]: the 3x3 patches around flat positions; `none` outside the grid."""
        return neighbours(positions, self.grid)

    def moved(self, positions: np.ndarray, step: int) -> np.ndarray:
        """Flat positions `step` further, row-major; `none` beyond either end."""
        return moved(positions, step, self.none)


def _patch_norms(half: np.ndarray) -> np.ndarray:
    """float32 [h, w]: the norms of all zero-padded 3x3 patches of float32 [h, w, C], at least `SMALLEST_NORM`."""
    energy = np.pad(np.einsum("hwc,hwc->hw", half, half), 1)
    energy = energy[:-2] + energy[1:-1] + energy[2:]
    energy = energy[:, :-2] + energy[:, 1:-1] + energy[:, 2:]
    return np.sqrt(np.maximum(energy, np.float32(SMALLEST_NORM**2)))


@tf.function(
    input_signature=[
        tf.TensorSpec((None, None, None)), tf.TensorSpec((None, None, 4), tf.int32), tf.TensorSpec((None, None, 4)),
    ],
    autograph=False,
)  # fmt: skip
def _corner_features(features: tf.Tensor, places: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """float32 [T + 1, k, 4 C]: a quarter of the features at `places`, side by side; 0 where not `known`."""
    pixels = tf.reshape(features, [-1, tf.shape(features)[2]])
    found = tf.gather(pixels, places) * tf.expand_dims(known / 4, -1)
    return tf.reshape(found, tf.stack([*tf.unstack(tf.shape(places)[:2]), 4 * tf.shape(features)[2]]))


def constants(*arrays: np.ndarray | np.float32 | np.int32) -> tuple[tf.Tensor, ...]:
    """Tensors of NumPy arrays, integers as int32."""
    return tuple(tf.constant(a.astype(np.int32) if a.dtype.kind == "i" else a) for a in arrays)
