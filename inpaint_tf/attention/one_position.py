"""The attention of one position, with its scores on the way: what a heat map shows.

The fast form computes the scores of all pairs of positions; for one position that would be a million times too much.
Its score after propagation is a sum of scores along two diagonals, so no more than fuse_kernel ** 2 positions take
part, and the scores of each are one convolution of the background with the patch around it.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.fast import patch_norms, valid_patches
from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.layers.resize import resize_nearest_align_corners


class PositionScores(NamedTuple):
    """One position against all others, on the attention's grid.

    Attributes:
        alone: float32 [h, w], cosine-like scores of its own patch, before propagation.
        propagated: float32 [h, w], after propagation between neighbours.
        weights: float32 [h, w], softmax of the propagated ones; 0 where a patch touches the hole.
        valid: bool [h, w], False where a patch touches the hole.
    """

    alone: np.ndarray
    propagated: np.ndarray
    weights: np.ndarray
    valid: np.ndarray


def position_scores(
    features: np.ndarray,
    hole_mask: np.ndarray,
    position: tuple[int, int],
    settings: AttentionSettings,
) -> PositionScores:
    """Scores and weights of one position.

    Args:
        features: float32 [H, W, C], what the attention layer gets.
        hole_mask: float32 [H, W, 1] at the same size, 1 = hole.
        position: (row, column) on the H/rate x W/rate grid.
        settings: The layer's.
    """
    height, width, _ = features.shape
    grid = height // settings.rate, width // settings.rate
    small = resize_nearest_align_corners(features[None], *grid)
    valid = valid_patches(hole_mask[None], grid, settings.kernel_size).numpy().reshape(grid) > 0
    norms = patch_norms(small, settings.kernel_size).numpy().reshape(grid)
    reach = settings.fuse_kernel // 2 if settings.fuse else 0
    needed: dict[tuple[int, int], np.ndarray] = {}

    def scores_of(place: tuple[int, int]) -> np.ndarray:
        if place not in needed:
            needed[place] = _products(small, place, settings.kernel_size) / norms
        return needed[place]

    alone = scores_of(position)
    propagated = np.zeros(grid, np.float32)
    for down in range(-reach, reach + 1):
        neighbour = _moved(position, down, grid, columns_first=True)
        if neighbour is None:
            continue
        summed = np.zeros(grid, np.float32)
        for across in range(-reach, reach + 1):
            place = _moved(neighbour, across, grid, columns_first=False)
            if place is not None:
                summed += _shifted(scores_of(place).ravel(), across).reshape(grid)
        propagated += _shifted(summed.T.ravel(), down).reshape(grid[::-1]).T
    logits = propagated * valid * settings.softmax_scale
    weights = np.exp(logits - logits.max())
    return PositionScores(alone, propagated, (weights / weights.sum() * valid).astype(np.float32), valid)


def _products(small: tf.Tensor, place: tuple[int, int], kernel_size: int) -> np.ndarray:
    """float32 [h, w]: products of the patch around a place with all patches of float32 [1, h, w, C]."""
    reach = kernel_size // 2
    padded = tf.pad(small, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
    patch = padded[0, place[0] : place[0] + kernel_size, place[1] : place[1] + kernel_size]
    return tf.nn.conv2d(small, tf.expand_dims(patch, -1), strides=1, padding="SAME")[0, :, :, 0].numpy()


def _moved(place: tuple[int, int], steps: int, grid: tuple[int, int], columns_first: bool) -> tuple[int, int] | None:
    """The place so many steps further in row-major or column-major order; None beyond the ends."""
    height, width = grid
    index = place[1] * height + place[0] if columns_first else place[0] * width + place[1]
    index += steps
    if not 0 <= index < height * width:
        return None
    return (index % height, index // height) if columns_first else (index // width, index % width)


def _shifted(values: np.ndarray, steps: int) -> np.ndarray:
    """y[k] = values[k + steps], 0 where that is outside."""
    shifted = np.zeros_like(values)
    if steps > 0:
        shifted[:-steps] = values[steps:]
    elif steps < 0:
        shifted[-steps:] = values[:steps]
    else:
        shifted[:] = values
    return shifted
