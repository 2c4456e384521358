"""Input, result and attention flow next to each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inpaint_tf.visualize.flow import draw_flow

_GAP = 8
_HOLE_COLOUR = (255, 255, 255)


def paint_hole(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with the hole (bool [H, W]) painted white."""
    return np.where(hole[..., np.newaxis], np.array(_HOLE_COLOUR, np.uint8), image)


def side_by_side(image: np.ndarray, hole: np.ndarray, result: Any) -> np.ndarray:
    """A strip: the photo with its hole painted, the completed photo, and where the fill is from if that is known.

    Args:
        image: uint8 [H, W, 3] RGB.
        hole: bool [H, W].
        result: A `Result` of the inpainter.

    Returns:
        uint8 [H, 2 or 3 pictures and gaps, 3] RGB.
    """
    pictures = [paint_hole(image, hole), result.completed]
    flow = draw_flow(result, hole)
    if flow is not None:
        pictures.append(flow)
    return strip(pictures)


def strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 pictures [H, W_i, 3] of one height in a row, with white gaps."""
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=1)
