"""At which size, and on which part of the photo, the network works.

A network that was trained on 256x256 with holes of 128 is lost in a hole of 256: it does not see across. On the photo
at half the size, brought up again, the same weights gained 0.43 dB on eight Kodak photos of 768x512 with holes of 256.
So "auto" brings the hole's thickness (twice the largest distance from a hole pixel to a known one) down to that of the
holes in training; thin holes are left at full size. And the network gets a window around the hole, not the photo: its
cost then follows the hole. Holes that are far apart get windows of their own. A window that would have more than
`MOST_PIXELS` (holes all over a large photo) is brought down to them, so that time stays bounded.

Known pixels are averaged; a pixel of the reduced photo is hole if any pixel that it stands for is one, so nothing of a
hole's content is ever taken for known.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.pixels import SIZE_MULTIPLE
from inpaint_tf.regions import Rect, bounding_rect, coarsened

AUTO, FULL = "auto", "full"
# What a preset was trained on if it doesn't say: what all systems here were made for.
TRAINED_ON = {"image": 256, "hole": 128}
# "auto" never gives the network more pixels than this at once, so that holes all over a large photo take bounded time.
MOST_PIXELS = 2_500_000
# Holes are told apart on squares of this many pixels.
CELL = 16
# More groups of holes than this are not told apart.
MOST_GROUPS = 100


class Window(NamedTuple):
    """What the network gets.

    Attributes:
        holes: Rectangle around the holes that are filled.
        box: Part of the photo, with what is known around them.
        scale: Size at which the network works, against the photo's; at most 1.
    """

    holes: Rect
    box: Rect
    scale: float


def check_working_size(value: str | int) -> str | int:
    """ "auto", "full" or a whole number of pixels; numbers may be text. Raises UserError for anything else."""
    if isinstance(value, bool) or value not in (AUTO, FULL):
        try:
            value = int(value)
        except (TypeError, ValueError):
            raise UserError(f"working size {value!r} is unknown; known: auto, full, or a number of pixels.") from None
        if value < 8:
            raise UserError(f"working size {value} is too small; at least 8 pixels, auto, or full.")
    return value


def plan_windows(hole: np.ndarray, working_size: str | int, trained_on: dict[str, int] | None = None) -> list[Window]:
    """Where the network works, and at which size.

    Args:
        hole: bool [H, W], at least one pixel of it hole.
        working_size: "full": the whole photo as it is. A number: the whole photo, its longer side brought down to that
            many pixels. "auto": a window around every group of holes, see above.
        trained_on: See `models.presets.PresetConfig`; None for 256x256 with holes of 128.

    Returns:
        Windows; every hole pixel lies in the `holes` of exactly one of them. The rest of a window may hold hole pixels
        of others.
    """
    everything = Rect(0, 0, *hole.shape)
    if working_size == FULL:
        return [Window(everything, everything, 1.0)]
    if working_size != AUTO:
        return [Window(everything, everything, min(1.0, working_size / max(hole.shape)))]
    sides = {**TRAINED_ON, **(trained_on or {})}
    windows = []
    for box in hole_boxes(hole, sides["image"] // 2):
        scale = min(1.0, sides["hole"] / thickness(hole[box.grown(1, hole.shape).slices]))
        # Around the hole the network sees on all sides as much as a whole picture of training had.
        margin = int(np.ceil(sides["image"] / scale))
        window = _from_multiple(box.grown(margin, hole.shape))
        scale = min(scale, (MOST_PIXELS / (window.height * window.width)) ** 0.5)
        windows.append(Window(box, window, scale))
    return windows


def thickness(hole: np.ndarray) -> float:
    """Twice the largest distance from a hole pixel to a known one, pixels; the photo's edge is no known pixel."""
    if hole.all():
        return float(2 * max(hole.shape))
    return 2 * float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5).max())


def hole_boxes(hole: np.ndarray, apart: int) -> list[Rect]:
    """Rectangles around groups of holes: holes are in one group if their rectangles are less than `apart` pixels apart.

    Args:
        hole: bool [H, W], at least one pixel of it hole.
        apart: Pixels.

    Returns:
        `Rect`s that don't meet, even if grown by half of `apart`.
    """
    whole = bounding_rect(hole)
    assert whole is not None
    cells = coarsened(hole, CELL)
    count, labels = cv2.connectedComponents(cells.astype(np.uint8))
    if count - 1 > 16 * MOST_GROUPS:
        return [whole]
    boxes = [_exact(hole, labels, label) for label in range(1, count)]
    merged = True
    while merged:
        merged = False
        for box in boxes:
            near = [other for other in boxes if other is not box and box.grown(apart, hole.shape).meets(other)]
            if near:
                boxes = [other for other in boxes if other is not box and not any(other is one for one in near)]
                for other in near:
                    box = box.joined(other)
                boxes.append(box)
                merged = True
                break
    return boxes if len(boxes) <= MOST_GROUPS else [whole]


def reduced(image: np.ndarray, hole: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo and its hole at a smaller size.

    Args:
        image: uint8 [H, W, 3].
        hole: bool [H, W].
        scale: In (0, 1].

    Returns:
        uint8 [h, w, 3], means of known pixels (black where there is none), and bool [h, w], True where any pixel of
        the hole took part.
    """
    if scale == 1:
        return image, hole
    size = tuple(max(1, round(side * scale)) for side in hole.shape[::-1])
    small_hole = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 1e-6
    small = cv2.resize(np.where(hole[..., np.newaxis], np.uint8(0), image), size, interpolation=cv2.INTER_AREA)
    return small, small_hole


def enlarged(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[h, w, C] at (height, width), by cubic interpolation; the image itself if it has that size."""
    if image.shape[:2] == tuple(size):
        return image
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)


def tiles(box: Rect, side: int) -> Iterator[Rect]:
    """Cuts a rectangle into nearly equal ones of at most `side` pixels a side."""
    rows, columns = (
        np.linspace(first, last, -(-(last - first) // side) + 1).astype(int)
        for first, last in ((box.top, box.bottom), (box.left, box.right))
    )
    for top, bottom in zip(rows, rows[1:]):
        for left, right in zip(columns, columns[1:]):
            yield Rect(int(top), int(left), int(bottom), int(right))


def _from_multiple(box):
    """The rectangle, a little larger if need be, so that the network's cells of 8 pixels begin where the photo's do."""
    return box._replace(top=box.top - box.top % SIZE_MULTIPLE, left=box.left - box.left % SIZE_MULTIPLE)


def _exact(hole, labels, label):
    """The smallest `Rect` around the hole pixels in the cells of a label."""
    label_box = bounding_rect(labels == label)
    assert label_box is not None
    cells = label_box.scaled(CELL)
    box = bounding_rect(hole[cells.slices])
    assert box is not None  # A cell is marked for the hole that is in it.
    return box.moved(cells.top, cells.left)
