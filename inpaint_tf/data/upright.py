"""The eight EXIF orientations of stored pixels, and how they are turned upright."""

import numpy as np


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels [H, W, ...] to how they are meant to be seen.

    Args:
        pixels: Any array whose first two axes are rows and columns.
        orientation: 1 to 8, as EXIF counts; from 5 on rows and columns change places.

    Returns:
        A contiguous array, [W, H, ...] from orientation 5 on.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
