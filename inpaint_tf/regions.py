"""Rectangles of an image or of a feature map, and how a scattered region is covered by few of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Rect(NamedTuple):
    """Rows `top` <= y < `bottom` and columns `left` <= x < `right` of some map, in that map's own pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return max(0, self.height) * max(0, self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in a NumPy array [H, W, ...]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by: int, size: tuple[int, int]) -> "Rect":
        """The rectangle with `by` more pixels on every side, clipped to a map of `size` (H, W)."""
        return Rect(
            max(0, self.top - by), max(0, self.left - by), min(size[0], self.bottom + by), min(size[1], self.right + by)
        )

    def scaled(self, factor: int) -> "Rect":
        """The same region of a map that is `factor` times as fine."""
        return Rect(*(factor * edge for edge in self))

    def moved(self, rows: int, columns: int) -> "Rect":
        return Rect(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)

    def meets(self, other: "Rect") -> bool:
        """Whether the two share a pixel."""
        return (
            self.top < other.bottom and other.top < self.bottom and self.left < other.right and other.left < self.right
        )

    def joined(self, other: "Rect") -> "Rect":
        """The smallest rectangle that holds both."""
        first, last = zip(self[:2], other[:2]), zip(self[2:], other[2:])
        return Rect(*(min(pair) for pair in first), *(max(pair) for pair in last))

    def contains(self, other: "Rect") -> bool:
        return (
            self.top <= other.top
            and self.left <= other.left
            and self.bottom >= other.bottom
            and self.right >= other.right
        )


def bounding_rect(mask: np.ndarray) -> Rect | None:
    """Smallest rectangle around the True cells of a bool [H, W] mask; None if there are none."""
    rows, columns = np.any(mask, axis=1), np.any(mask, axis=0)
    if not rows.any():
        return None
    top, left = int(rows.argmax()), int(columns.argmax())
    return Rect(top, left, len(rows) - int(rows[::-1].argmax()), len(columns) - int(columns[::-1].argmax()))


def painted(rects: Iterable[Rect], size: tuple[int, int]) -> np.ndarray:
    """bool [H, W] mask of `size` (H, W), True where at least one of the rectangles lies."""
    mask = np.zeros(size, bool)
    for rect in rects:
        mask[rect.slices] = True
    return mask


def coarsened(mask: np.ndarray, cell: int) -> np.ndarray:
    """bool [ceil(H / cell), ceil(W / cell)]: True where any pixel of the cell is True in bool [H, W]."""
    height, width = mask.shape
    padding = [(0, -height % cell), (0, -width % cell)]
    if any(after for _, after in padding):
        mask = np.pad(mask, padding)
    cells = mask.reshape(mask.shape[0] // cell, cell, mask.shape[1] // cell, cell)
    return np.any(cells, axis=(1, 3))


def cover(
    mask: np.ndarray,
    cost: Callable[[Rect], float],
    largest: Callable[[Rect], bool] | None = None,
    lines: Callable[[int, int, bool], Sequence[int]] | None = None,
) -> list[Rect]:
    """Covers the True cells by disjoint rectangles, cutting as long as cutting makes the whole cheaper.

    A rectangle is cut in two along a straight line, each half shrinks to what is True in it, and so on. The price
    of a cut is what the two halves compute twice, so one compact hole stays one rectangle, holes far apart become
    several and a stroke across the image a chain of them.

    Args:
        mask: bool [H, W].
        cost: Function from `Rect` to a number: the price of computing that rectangle, overhead included.
        largest: If given, function from `Rect` to bool: whether the rectangle may stay whole. Too large ones are cut
            in two whatever it costs.
        lines: Function (axis, length, whether the rectangle is too large) -> where to try a cut, ascending, pixels
            from its beginning along the axis; by default seven lines, and for those that are too large the middle.

    Returns:
        List of disjoint `Rect`, empty for an empty mask.
    """
    whole = bounding_rect(mask)
    return [] if whole is None else _cut(mask, whole, cost, largest, lines or _default_lines)


def _cut(mask, rect, cost, largest, lines):
    too_large = largest is not None and not largest(rect)
    filled = mask[rect.slices]
    if filled.all() and not too_large:
        return [rect]
    best, best_price = None, np.inf if too_large else cost(rect)
    for axis, length in enumerate(filled.shape):
        for first, second in _halves(filled, rect, axis, lines(axis, length, too_large)):
            if not too_large and first.area + second.area >= rect.area:
                continue
            total = cost(first) + cost(second)
            if total < best_price:
                best, best_price = (first, second), total
    if best is None:
        return [rect]
    return [part for half in best for part in _cut(mask, half, cost, largest, lines)]


def _default_lines(axis, length, too_large):
    del axis
    if too_large:
        return [length // 2] if length > 1 else []
    return range(max(1, length // 8), length, max(1, length // 8))


def _halves(filled, rect, axis, lines):
    """For every line across a tight rectangle, the parts before and after it, shrunk to what is True.

    Args:
        filled: bool [h, w], the rectangle's part of the mask; its first and last rows and columns hold a True.
        rect: The `Rect`.
        axis: Along which the lines, 0 < line < length, are counted.
        lines: Ascending.
    """
    if not len(lines):
        return []
    along_axis = filled if axis == 0 else filled.T
    known = np.flatnonzero(along_axis.any(axis=1))
    bands = np.logical_or.reduceat(along_axis, [0, *lines], axis=0)
    before = np.logical_or.accumulate(bands)[:-1]
    after = np.logical_or.accumulate(bands[::-1])[-2::-1]
    following = np.searchsorted(known, lines)
    ends = known[following - 1] + 1, np.full(len(lines), len(along_axis))
    starts = np.zeros(len(lines), int), known[following]
    parts = []
    for across, start, end in zip((before, after), starts, ends):
        edges = start, across.argmax(axis=1), end, across.shape[1] - across[:, ::-1].argmax(axis=1)
        if axis == 1:
            edges = edges[1], edges[0], edges[3], edges[2]
        parts.append([Rect(*edge).moved(rect.top, rect.left) for edge in np.stack(edges, axis=1).tolist()])
    return zip(*parts)
