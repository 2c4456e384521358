"""Holes as people need them: wider than what they drew, with a soft edge, or beyond the photo's own edges.

hole = grown(hole, 4)                                    # a tight mask leaves a halo of what it removes
inpainter(image, hole)

wide = grown(hole, 8)                                    # a soft edge of 8 pixels
completed = feathered(image, inpainter(image, wide), hole, 8)

larger, hole = extended(image, Margins(200, 0, 200, 0))  # outpainting
inpainter(larger, hole)
"""

from typing import NamedTuple

import cv2
import numpy as np

from inpaint_tf.errors import UserError


class Margins(NamedTuple):
    """By how many pixels a photo grows on each side."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def parse(cls, text: str) -> "Margins":
        """From "LEFT,TOP,RIGHT,BOTTOM"; raises UserError for anything but four numbers of 0 or more, one above 0."""
        parts = text.split(",")
        if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
            raise UserError(f"--extend={text} must be LEFT,TOP,RIGHT,BOTTOM in pixels, for example 200,0,200,0.")
        if not any(map(int, parts)):
            raise UserError(f"--extend={text} adds nothing; give a side more than 0 pixels, or leave it out.")
        return cls(*map(int, parts))


def grown(hole: np.ndarray, pixels: int) -> np.ndarray:
    """A hole with every pixel that is at most `pixels` away from it, or less of it if `pixels` is negative.

    Args:
        hole: bool [H, W].
        pixels: Euclidean distance.

    Returns:
        bool [H, W].
    """
    if pixels == 0 or not hole.any() or hole.all():
        return hole.copy()
    if pixels < 0:
        return ~grown(~hole, -pixels)
    away = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return away <= pixels


def feathered(image: np.ndarray, completed: np.ndarray, hole: np.ndarray, pixels: int) -> np.ndarray:
    """Lets a fill fade into the photo over a ring around the hole.

    Args:
        image: uint8 [H, W, 3], the photo.
        completed: uint8 [H, W, 3], completed under `grown(hole, pixels)`.
        hole: bool [H, W], what was drawn.
        pixels: Width of the ring.

    Returns:
        uint8 [H, W, 3]: the fill in the hole, the photo from `pixels` away from it on, bit-identical there.
    """
    if pixels <= 0 or not hole.any():
        return completed
    away = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ring = (away > 0) & (away <= pixels)
    share = (1 - away[ring] / (pixels + 1))[:, np.newaxis]
    soft = completed.copy()
    soft[ring] = np.rint(share * completed[ring] + (1 - share) * image[ring]).astype(np.uint8)
    return soft


def extended(image: np.ndarray, margins: Margins, hole: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A photo with new borders that are hole.

    Args:
        image: uint8 [H, W, ...].
        margins: `Margins`.
        hole: bool [H, W], the hole that there is already; None: none.

    Returns:
        uint8 [H + top + bottom, W + left + right, ...], black in the new borders, and its hole.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = margins
    size = (height + top + bottom, width + left + right)
    larger, larger_hole = np.zeros((*size, *image.shape[2:]), image.dtype), np.ones(size, bool)
    inside = np.s_[top : top + height, left : left + width]
    larger[inside] = image
    larger_hole[inside] = False if hole is None else hole
    return larger, larger_hole
