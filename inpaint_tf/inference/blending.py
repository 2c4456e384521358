"""Poisson blending: keeps the gradients of what was filled in, and takes the colours of what surrounds it.

A network's fill may differ from its surroundings by a little brightness or colour, which shows as a seam. Poisson's
equation in the hole, with the fill's gradients on its right and the known pixels as boundary, is solved by the fill
plus a harmonic correction: smooth inside, and on the hole's border as large as the difference between the known
pixels and the network's own output there. GLCIC finishes its pictures this way (Iizuka et al. 2017).

OpenCV's seamlessClone solves the same equation in the whole rectangle around the hole and needs known pixels on all
sides of it; this one takes any hole, and lets the correction run flat into the edges of the photo.

Reference: Perez, Gangnet, Blake, Poisson Image Editing, SIGGRAPH 2003, equations 4 and 5.
"""

import cv2
import numpy as np

# Relaxations at every resolution. The coarser ones leave only detail to the finer.
ITERATIONS = 40
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def poisson_blend(image, hole, filled):
    """Blends a network's output into the hole of a photo.

    Args:
        image: float32 [H, W, 3], the photo.
        hole: bool [H, W].
        filled: float32 [H, W, 3], the network's whole output; used in the hole and on the known pixels next to it.

    Returns:
        float32 [H, W, 3]: in the hole, `filled` with its colours moved to those around; `filled` elsewhere.
    """
    border = (cv2.dilate(hole.astype(np.uint8), _NEIGHBOURS.astype(np.uint8)) > 0) & ~hole
    if not border.any():
        return filled
    difference = np.where(border[..., np.newaxis], image - filled, 0).astype(np.float32)
    left, top, width, height = cv2.boundingRect((hole | border).astype(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    correction = np.zeros_like(filled)
    correction[box] = harmonic(difference[box], border[box], hole[box])
    return filled + correction * hole[..., np.newaxis]


def harmonic(values, fixed, free):
    """Continues values smoothly: every free pixel becomes the mean of its neighbours, as nearly as relaxation gets.

    Args:
        values: float32 [H, W, C], given on the fixed pixels.
        fixed, free: bool [H, W]; pixels that are neither play no part, nor does what lies beyond the array.

    Returns:
        float32 [H, W, C], `values` on fixed pixels.
    """
    height, width = fixed.shape
    start = np.zeros_like(values)
    if min(height, width) > 2:
        coarse_shape = -(-height // 2), -(-width // 2)
        share = _halved(fixed[..., np.newaxis].astype(np.float32), coarse_shape)
        coarse_fixed = share[..., 0] > 0
        coarse_values = _halved(values * fixed[..., np.newaxis], coarse_shape) / np.where(share > 0, share, 1)
        coarse_free = (_halved(free[..., np.newaxis].astype(np.float32), coarse_shape)[..., 0] > 0) & ~coarse_fixed
        start = harmonic(coarse_values, coarse_fixed, coarse_free).repeat(2, 0).repeat(2, 1)[:height, :width]
    elif fixed.any():
        start += values[fixed].mean(axis=0)
    taking_part = (fixed | free).astype(np.float32)
    count = np.maximum(cv2.filter2D(taking_part, -1, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT), 1)[..., np.newaxis]
    current = np.where(fixed[..., np.newaxis], values, start * free[..., np.newaxis])
    for _ in range(ITERATIONS):
        mean = cv2.filter2D(current, -1, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT) / count
        current = np.where(free[..., np.newaxis], mean, current)
    return current


def _halved(x, shape):
    """Sums of 2 x 2 pixels of [H, W, C], the last ones of odd sides over what there is."""
    x = np.pad(x, ((0, 2 * shape[0] - x.shape[0]), (0, 2 * shape[1] - x.shape[1]), (0, 0)))
    return x.reshape(shape[0], 2, shape[1], 2, -1).sum(axis=(1, 3))
