"""A sketch's strokes at a width that guided models were trained on, whatever pen they were drawn with.

Training shows lines of some pixels: HED's are four wide at the median and eight at the ninetieth percentile (at 128 and
at 256 pixels alike), those of collages one to five at 128. Of a stroke that is wider a model makes a smudge with two
edges. So strokes wider than `WIDEST` are brought down to their middle, and sketches without any stay as they are.
"""

import cv2
import numpy as np

# Pixels at the size that the network works at.
WIDEST = 5
# Of each side of a stroke, at most so many pixels are taken: what is wider still is an area, and stays one.
MOST_TAKEN = 16
# 1: line, -1: none, 0: either. Where one of these fits, its middle pixel can go, and no line is cut or shortened.
_EDGE = np.array([[-1, -1, -1], [0, 1, 0], [1, 1, 1]])
_CORNER = np.array([[0, -1, -1], [1, 1, -1], [0, 1, 0]])
_PATTERNS = [np.rot90(pattern, turns).astype(np.int32) for turns in range(4) for pattern in (_EDGE, _CORNER)]


def thinned(lines: np.ndarray) -> np.ndarray:
    """A sketch with its thick strokes made thin.

    Args:
        lines: bool [H, W], True = line.

    Returns:
        bool [H, W], a part of `lines`: what lies next to the middle of a stroke. What was connected still is.
    """
    strokes = lines.astype(np.uint8)
    # From the middle of a stroke of five pixels it is three to the nearest pixel beside it.
    if cv2.distanceTransform(strokes, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max() <= (WIDEST + 1) / 2:
        return lines
    # A stroke that leaves the picture goes on, so that its middle reaches the picture's edge.
    strokes = np.pad(strokes, MOST_TAKEN, mode="edge")
    for _ in range(MOST_TAKEN):
        before = strokes
        for pattern in _PATTERNS:
            strokes = cv2.subtract(strokes, cv2.morphologyEx(strokes, cv2.MORPH_HITMISS, pattern))
        if np.array_equal(strokes, before):
            break
    middle = cv2.dilate(strokes, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDEST, WIDEST)))
    return lines & (middle[MOST_TAKEN:-MOST_TAKEN, MOST_TAKEN:-MOST_TAKEN] > 0)
