"""Keeps a fill within the range of what surrounds it.

A network leaves a trace of itself in holes that have nothing to be drawn: across an overexposed sky, or a plain wall, a
removed cable stays as a line that is two or three levels too dark. No value of the photo near the hole is as dark, so
every channel of a filled pixel is held between the least and the greatest known value around it. The deeper a pixel
lies in the hole, the wider "around": there, something other than what is next to the hole may well belong. In texture
the limits lie so far apart that they change nothing. A hole that somebody sketched in has no limits: a line drawn
across the same sky shall be seen.

Fills that are made at a reduced size get their limits there, and keep them when cubic interpolation brings them up
again: of six Kodak photos with holes of 256 pixels, worked on at half the size, five had no pixel beyond them, and one
15 in 100,000, by 7 levels at most. Limits of the full size look less far around: 10 to 420 in 100,000 pixels are beyond
those, by 17 levels at most. They would take 2 to 10 % of a fill's time and give nothing that is seen.
"""

import cv2
import numpy as np

from inpaint_tf.pixels import to_float

# Pixels within this distance of known ones look this much farther than twice their distance; every further level has
# twice the distance of the one before, on a grid of half the points.
FIRST_DISTANCE, FURTHER = 4, 6
# Cached evaluations depend on it.
DESCRIPTION = f"limits {FIRST_DISTANCE} {FURTHER}"


def within_surroundings(
    image: np.ndarray, hole: np.ndarray, filled: np.ndarray, lines: np.ndarray | None = None
) -> np.ndarray:
    """Brings what is filled in between the extremes of the known pixels around it.

    Args:
        image: uint8 [H, W, 3], the photo.
        hole: bool [H, W].
        filled: float32 [H, W, 3] in [-1, 1], used in the hole.
        lines: bool [H, W], a sketch of what the hole should hold; None: nothing is sketched.

    Returns:
        float32 [H, W, 3]: `filled`, in the hole with each channel within the range of the known pixels of a square
        around it, whose half side is at least twice the pixel's distance to known ones, plus 6 pixels. Connected parts
        of the hole that hold a line stay as they are. Without a known pixel, `filled`.
    """
    whole, result = filled, filled.copy()
    if hole.all() or not hole.any():
        return result
    distance = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    # Nothing farther from the hole is looked at.
    left, top, width, height = cv2.boundingRect(hole.astype(np.uint8))
    margin = int(4 * distance.max()) + FIRST_DISTANCE + 2 * FURTHER
    place = np.s_[max(top - margin, 0) : top + height + margin, max(left - margin, 0) : left + width + margin]
    distance, filled, inside = distance[place], filled[place], hole[place][..., np.newaxis]
    least = np.where(inside, np.uint8(255), image[place])
    greatest = np.where(inside, np.uint8(0), image[place])
    reach, block, done = FIRST_DISTANCE, 1, 0
    while done < distance.max():
        rows, columns = np.nonzero((distance > done) & (distance <= reach))
        around = -(-(2 * reach + FURTHER) // block)
        square = np.ones((2 * around + 1, 2 * around + 1), np.uint8)
        blocks = rows // block, columns // block
        low, high = to_float(cv2.erode(least, square)[blocks]), to_float(cv2.dilate(greatest, square)[blocks])
        result[place][rows, columns] = np.clip(filled[rows, columns], low, high)
        least, greatest = _halved(least, 255, np.minimum), _halved(greatest, 0, np.maximum)
        reach, block, done = 2 * reach, 2 * block, reach
    if lines is not None and (lines & hole).any():
        _, labels = cv2.connectedComponents(hole.astype(np.uint8))
        sketched = np.isin(labels, np.unique(labels[lines & hole]))
        result[sketched] = whole[sketched]
    return result


def _halved(values, neutral, extreme):
    """[ceil(H / 2), ceil(W / 2), C], of every 2x2 block its extreme."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)), constant_values=neutral)
    columns = extreme(even[:, ::2], even[:, 1::2])
    return extreme(columns[::2], columns[1::2])
