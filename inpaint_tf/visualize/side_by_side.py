"""Input, result and attention flow next to each other."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from inpaint_tf.visualize.flow import draw_flow, wheel_picture

_GAP = 8
_HOLE_COLOUR = (255, 255, 255)
# Pictures whose sides are shorter have no room for a legend.
_LEAST_SIDE_WITH_LEGEND = 160


def paint_hole(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with the hole (bool [H, W]) painted white."""
    return np.where(hole[..., np.newaxis], np.array(_HOLE_COLOUR, np.uint8), image)


def outline_hole(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with the hole (bool [H, W]) outlined, black and white; what lies inside stays to be seen."""
    drawn = np.ascontiguousarray(image).copy()
    width = max(1, round(max(hole.shape) / 500))
    outlines, _ = cv2.findContours(hole.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for colour, thickness in (((0, 0, 0), width + 2), ((255, 255, 255), width)):
        cv2.drawContours(drawn, outlines, -1, colour, thickness)
    return drawn


def with_wheel(flow: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A flow picture with its colour wheel in the corner that the hole leaves free.

    Args:
        flow: uint8 [H, W, 3] RGB, white outside the hole.
        hole: bool [H, W].

    Returns:
        uint8 [H, W, 3]; the picture as it is where it is small or the hole lies in all corners.
    """
    side = min(flow.shape[:2]) // 5
    if min(flow.shape[:2]) < _LEAST_SIDE_WITH_LEGEND:
        return flow
    rows, columns = (slice(0, side), slice(-side, None)), (slice(-side, None), slice(0, side))
    for corner in ((row, column) for row in rows[::-1] for column in columns):
        if not hole[corner].any():
            marked = flow.copy()
            disc = wheel_picture(2 * side)
            disc = np.where(disc[..., 3:] > 0, disc[..., :3], np.uint8(255))
            marked[corner] = cv2.resize(disc, (side, side), interpolation=cv2.INTER_AREA)
            return marked
    return flow


def side_by_side(image: np.ndarray, hole: np.ndarray, result: Any) -> np.ndarray:
    """A strip: the photo with its hole outlined, the completed photo, and where the fill is from if that is known.

    The colour of the last picture is the direction, see the wheel in its corner; its strength the distance.

    Args:
        image: uint8 [H, W, 3] RGB.
        hole: bool [H, W].
        result: A `Result` of the inpainter.

    Returns:
        uint8 [H, 2 or 3 pictures and gaps, 3] RGB.
    """
    pictures = [outline_hole(image, hole), result.completed]
    flow = draw_flow(result, hole)
    if flow is not None:
        pictures.append(with_wheel(flow, hole))
    return strip(pictures)


def strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 pictures [H, W_i, 3] of one height in a row, with white gaps."""
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=1)
