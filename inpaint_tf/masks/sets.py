"""Mask sets of a kind: what a benchmark or a test wants to have on disk before it runs.

Every kind is a function of (height, width, random) and gives a `Hole`: the mask and the box that belongs to it. For
the boxes of the paper's training the box is the whole 128 x 128 crop which the local critic sees, not the smaller hole
inside it; for all other kinds it is the hole's bounding box.
"""

import dataclasses

import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.masks.brush import brush_mask, brush_mask_of_area

# Shares of the image that free-form masks are grouped by.
AREA_BINS = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
BOX_SIDE = 128
MAX_MARGIN = 16


@dataclasses.dataclass(frozen=True)
class Hole:
    """A mask and its box.

    Attributes:
        pixels: bool [H, W], True = hole.
        box: (top, left, height, width), pixels.
    """

    pixels: np.ndarray
    box: tuple[int, int, int, int]

    @property
    def area(self) -> float:
        """Share of the image that is hole, 0 to 1."""
        return float(self.pixels.mean())


def center_hole(height: int, width: int, random: np.random.Generator | None = None, side: int = BOX_SIDE) -> Hole:
    """A square hole of `side` pixels in the middle; `random` is not used.

    Raises:
        UserError: if the image is smaller than the hole.
    """
    _check_fits(height, width, side)
    top, left = (height - side) // 2, (width - side) // 2
    return Hole(_box_pixels(height, width, top, left, side, side), (top, left, side, side))


def training_box_hole(
    height: int, width: int, random: np.random.Generator, side: int = BOX_SIDE, max_margin: int = MAX_MARGIN
) -> Hole:
    """A hole as in the paper's training: a box anywhere, shrunk by a margin on top and bottom and one left and right.

    The box's corner is uniform over [0, height - side) x [0, width - side) (0 if it just fits); both margins are
    uniform over 0 .. `max_margin`, so the hole's sides are even and between side - 2 max_margin and side (authors'
    v1.0.0 code).

    Raises:
        UserError: if the image is smaller than the box.
    """
    _check_fits(height, width, side)
    top = int(random.integers(max(height - side, 1)))
    left = int(random.integers(max(width - side, 1)))
    down, across = (int(margin) for margin in random.integers(max_margin + 1, size=2))
    pixels = _box_pixels(height, width, top + down, left + across, side - 2 * down, side - 2 * across)
    return Hole(pixels, (top, left, side, side))


def brush_hole(height: int, width: int, random: np.random.Generator, area: tuple[float, float] | None = None) -> Hole:
    """A free-form hole; with `area` = (low, high) one whose share of the image lies in that range."""
    if area is None:
        pixels = brush_mask(height, width, random)
    else:
        try:
            pixels = brush_mask_of_area(height, width, *area, random)
        except ValueError as error:
            raise UserError(f"{error} Give a wider range.") from error
    return Hole(pixels, bounding_box(pixels))


# Name -> function of (height, width, random).
KINDS = {"center": center_hole, "box": training_box_hole, "brush": brush_hole}


def bounding_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the hole in bool [H, W]; an empty mask gives (0, 0, 0, 0)."""
    rows, columns = np.flatnonzero(np.any(pixels, axis=1)), np.flatnonzero(np.any(pixels, axis=0))
    if not len(rows):
        return (0, 0, 0, 0)
    return (int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))


def area_bin(share: float) -> str:
    """The name of the area bin that a share of the image falls in, e.g. "0.1-0.2"; above all bins "0.5-1.0"."""
    for low, high in AREA_BINS:
        if low <= share < high:
            return f"{low:.1f}-{high:.1f}"
    return f"{AREA_BINS[-1][1]:.1f}-1.0"


def _box_pixels(height, width, top, left, box_height, box_width):
    pixels = np.zeros((height, width), bool)
    pixels[top : top + box_height, left : left + box_width] = True
    return pixels


def _check_fits(height, width, side):
    if min(height, width) < side:
        raise UserError(f"a box of {side} pixels does not fit into {width}x{height}; give a larger size.")
