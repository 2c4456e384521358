"""Pixels as NumPy arrays: which are hole, uint8 levels <-> floats in [-1, 1], the composite, padding by mirroring.

`graph_pixels` holds the same as TensorFlow operations, with the same numbers.
"""

import numpy as np

# Above this a mask's grey value is hole (authors' test script).
MASK_THRESHOLD = 127
# Level above which a sketch has a line: 0.6 of the brightest (DeepFill v2's `edge_threshold`).
LINE_THRESHOLD = 153
# Photos are padded to multiples of this: networks halve the size twice and their attention once more.
SIZE_MULTIPLE = 8
# Levels from the middle of the range, 0, to either end, -1 or 1.
HALF_RANGE = 127.5


def is_hole(mask: np.ndarray) -> np.ndarray:
    """bool of any shape: a bool mask as it is, uint8 above 127."""
    return mask if mask.dtype == np.bool_ else mask > MASK_THRESHOLD


def is_line(guide: np.ndarray) -> np.ndarray:
    """bool of any shape: a bool sketch as it is, uint8 above 153."""
    return guide if guide.dtype == np.bool_ else guide > LINE_THRESHOLD


def to_float(image: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [-1, 1], x / 127.5 - 1."""
    return image.astype(np.float32) / np.float32(HALF_RANGE) - np.float32(1)


def to_levels(image: np.ndarray) -> np.ndarray:
    """Float in [-1, 1] -> uint8, clipped; rounded half to even, where the authors' test script truncates."""
    return np.clip(np.rint((image + 1) * HALF_RANGE), 0, 255).astype(np.uint8)


def composite(image: np.ndarray, hole: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Known pixels of `image` bit-identical, the hole from `filled`.

    Args:
        image: uint8 [H, W, 3].
        hole: bool [H, W].
        filled: float32 [H, W, 3] in [-1, 1].

    Returns:
        uint8 [H, W, 3].
    """
    return np.where(hole[..., np.newaxis], to_levels(filled), image)


def pad_to_multiple(x: np.ndarray, multiple: int = SIZE_MULTIPLE) -> np.ndarray:
    """Mirrors [H, W, ...] beyond its bottom and right edges up to the next multiple. A mirrored hole is a hole."""
    padding = [(0, -side % multiple) for side in x.shape[:2]] + [(0, 0)] * (x.ndim - 2)
    return np.pad(x, padding, mode="symmetric")


def mirrored(places: np.ndarray, side: int) -> np.ndarray:
    """Indices on an endless line of mirror images -> those in [0, side) of the pixels that they show."""
    places = places % (2 * side)
    return np.minimum(places, 2 * side - 1 - places)
