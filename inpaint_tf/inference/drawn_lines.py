"""Where copied patches miss what a network drew along a sketch's lines.

The photo need not have what somebody asks for: on a plain wall, copies show nothing of a line drawn across it. Next to
lines, copies that differ from the network's completion, seen from a little farther away, give way to it
(`guided_patches`). The limits were chosen on drawn test pictures: a line of one pixel and less than 40 levels of
contrast may still be lost.
"""

import cv2
import numpy as np

# Pixels, at the size that the network worked at, around a line within which copies give way wholly, and at all.
WHOLLY, AT_ALL = 3.0, 6.0
# Levels by which copies must differ to give way at all, and wholly.
LEAST, MOST = 16.0, 48.0
# Sigma of the Gaussian through which the difference is looked at, pixels at that size.
FARTHER = 1.0


def distances_to_lines(lines: np.ndarray, enlarging: float) -> np.ndarray | None:
    """How far pixels are from a sketch's lines.

    Args:
        lines: bool [H, W].
        enlarging: Pixels of the photo to one of those that the network worked on.

    Returns:
        float32 [H, W], in pixels at the size that the network worked at; None without a line.
    """
    if not lines.any():
        return None
    return cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / np.float32(enlarging)


def missed_by_copies(
    copied: np.ndarray, network: np.ndarray, hole: np.ndarray, away: np.ndarray, enlarging: float
) -> np.ndarray:
    """The share of the network's pixels next to lines.

    Args:
        copied, network: uint8 or float32 [H, W, 3] on 0 to 255, the copies and the network's completion.
        hole: bool [H, W].
        away: What `distances_to_lines` gave.
        enlarging: As there.

    Returns:
        float32 [H, W] in [0, 1]: 1 where the network drew what the sketch asks for, and copies miss it.
    """
    difference = (network.astype(np.float32) - copied) * hole[..., np.newaxis]
    missed = np.abs(cv2.GaussianBlur(difference, (0, 0), FARTHER * enlarging)).max(axis=-1)
    return np.clip((AT_ALL - away) / (AT_ALL - WHOLLY), 0, 1) * np.clip((missed - LEAST) / (MOST - LEAST), 0, 1)
