"""Masks that are copies of the photo, painted over: the hole is where the copy differs from the photo.

A copy that was saved as JPEG, or decoded by another program than the photo, differs everywhere by a little. That is
told from paint by how it changes, so that a soft brush on an exact copy is still taken to its last level.
"""

import math

import cv2
import numpy as np

from inpaint_tf.data.mask_files import MaskReading
from inpaint_tf.errors import UserError

# Levels by which a copy of a photo may differ where nothing was painted: JPEG's noise.
_COPY_NOISE = 24
# Side of the squares in which changes may cancel out, and about how many of them are looked at.
_BLOCK, _MOST_BLOCKS = 16, 20_000
# About how many pixels are looked at for whether a copy shows the photo.
_MOST_PIXELS = 250_000
# What differs in a larger share of the photo is no copy of it.
_LARGEST = 0.9


def hole_from_difference(photo: np.ndarray, painted: np.ndarray) -> MaskReading:
    """The hole where a copy of a photo differs from it: strokes of any colour painted on the copy.

    Args:
        photo, painted: uint8 [H, W, 3]; if the copy was saved as JPEG, or decoded by something else than the photo,
            its noise is left out.

    Raises:
        UserError: if they do not differ, or everywhere.
    """
    difference = cv2.absdiff(photo, painted).max(axis=-1)
    noise = _noise_of_copy(photo, painted)
    hole = difference > noise
    if noise:  # Single pixels are noise; a stroke's edges are a little softer than itself.
        hole = cv2.morphologyEx(hole.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        hole = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    # Pixels inside a stroke that had its colour before.
    hole |= cv2.morphologyEx(hole.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    if not hole.any():
        raise UserError("the mask does not differ from the photo; paint on a copy of it what shall go.")
    if hole.mean() > _LARGEST:
        raise UserError("the mask differs from the photo everywhere; it must be a copy with strokes painted on it.")
    return MaskReading(hole, (f"the hole is where the copy differs from the photo, {hole.mean():.1%} of it.",))


def refuse_copy(photo: np.ndarray, mask: MaskReading) -> None:
    """Raises UserError if a mask is the photo itself, or the photo with strokes; the message begins with "shows"."""
    if mask.levels is None or mask.levels.shape[:2] != photo.shape[:2]:
        return
    levels = mask.levels if mask.levels.ndim == 3 else np.repeat(mask.levels[..., np.newaxis], 3, axis=-1)
    difference = cv2.absdiff(photo, levels).max(axis=-1)
    same = float(np.mean(difference <= _COPY_NOISE))
    if same < 0.6 or len(np.unique(photo[:: max(1, len(photo) // 64)])) <= 4:
        return
    if same > 0.9999:
        raise UserError("shows the photo itself; give a picture whose bright pixels are the hole.")
    if not _shows_detail(photo, difference):
        return  # As dark as a photo of the night is, but a mask.
    raise UserError(
        f"shows the photo with {1 - same:.1%} of it painted over; --mask_from_difference takes what is painted as hole."
    )


def _shows_detail(photo: np.ndarray, difference: np.ndarray) -> bool:
    """Whether what differs from a photo's usual colour is the same in its copy, by their difference uint8 [H, W]."""
    step = max(1, math.isqrt(difference.size // _MOST_PIXELS))
    pixels, difference = photo[::step, ::step].astype(np.int16), difference[::step, ::step]
    usual = np.median(pixels.reshape(-1, 3), axis=0)
    detail = np.abs(pixels - usual).max(axis=-1) > 2 * _COPY_NOISE
    return bool(detail.any() and np.mean(difference[detail] <= _COPY_NOISE) > 0.5)


def _noise_of_copy(photo: np.ndarray, painted: np.ndarray) -> int:
    """Levels up to which a copy's pixel is no paint; 0 if the copy is exact where nothing was painted.

    Paint changes a neighbourhood one way, noise up and down: it is looked for where changes cancel out.
    """
    rows, columns = (length // _BLOCK for length in photo.shape[:2])
    step = max(1, math.isqrt(rows * columns // _MOST_BLOCKS))
    before, after = (
        pixels[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK, 3)[::step, :, ::step]
        for pixels in (photo, painted)
    )
    change = after.astype(np.int16) - before
    size = np.abs(change)
    changed = np.count_nonzero(size.max(axis=-1), axis=(1, 3)) >= _BLOCK**2 // 16
    cancels = np.abs(change.mean(axis=(1, 3))).sum(axis=-1) < 0.5 * size.mean(axis=(1, 3)).sum(axis=-1)
    noisy = changed & cancels
    # Smaller photos than a square have none.
    if not noisy.any() or (noisy.mean() <= 0.1 and noisy.sum() <= 0.4 * changed.sum()):
        return 0
    return min(int(1.5 * np.percentile(size.max(axis=(1, 3, 4))[noisy], 75)), 2 * _COPY_NOISE)
