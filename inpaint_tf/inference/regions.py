"""Rectangles of an image or of a feature map, and how a scattered region is covered by few of them."""

from typing import NamedTuple

import numpy as np


class Rect(NamedTuple):
    """Rows `top` <= y < `bottom` and columns `left` <= x < `right` of some map, in that map's own pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self):
        return self.bottom - self.top

    @property
    def width(self):
        return self.right - self.left

    @property
    def area(self):
        return max(0, self.height) * max(0, self.width)

    @property
    def slices(self):
        """Index of the rectangle in a NumPy array [H, W, ...]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by, size):
        """The rectangle with `by` more pixels on every side, clipped to a map of `size` (H, W)."""
        return Rect(
            max(0, self.top - by), max(0, self.left - by), min(size[0], self.bottom + by), min(size[1], self.right + by)
        )

    def scaled(self, factor):
        """The same region of a map that is `factor` times as fine."""
        return Rect(*(factor * edge for edge in self))

    def moved(self, rows, columns):
        return Rect(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)

    def contains(self, other):
        return (
            self.top <= other.top
            and self.left <= other.left
            and self.bottom >= other.bottom
            and self.right >= other.right
        )


def bounding_rect(mask):
    """Smallest rectangle around the True cells of a bool [H, W] mask; None if there are none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return Rect(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def painted(rects, size):
    """bool [H, W] mask of `size` (H, W), True where at least one of the rectangles lies."""
    mask = np.zeros(size, bool)
    for rect in rects:
        mask[rect.slices] = True
    return mask


def coarsened(mask, cell):
    """bool [ceil(H / cell), ceil(W / cell)]: True where any pixel of the cell is True in bool [H, W]."""
    height, width = mask.shape
    padding = [(0, -height % cell), (0, -width % cell)]
    if any(after for _, after in padding):
        mask = np.pad(mask, padding)
    return mask.reshape(mask.shape[0] // cell, cell, mask.shape[1] // cell, cell).any(axis=(1, 3))


def cover(mask, cost, largest=None, good_width=None):
    """Covers the True cells by disjoint rectangles, cutting as long as cutting makes the whole cheaper.

    A rectangle is cut in two along a straight line, each half shrinks to what is True in it, and so on. The price
    of a cut is what the two halves compute twice, so one compact hole stays one rectangle, holes far apart become
    several and a stroke across the image a chain of them.

    Args:
        mask: bool [H, W].
        cost: Function from `Rect` to a number: the price of computing that rectangle, overhead included.
        largest: If given, function from `Rect` to bool: whether the rectangle may stay whole. Too large ones are cut
            in two whatever it costs.
        good_width: If given, function from the width that halving gives to the nearest one that is good for a cost.

    Returns:
        List of disjoint `Rect`, empty for an empty mask.
    """
    whole = bounding_rect(mask)
    return [] if whole is None else _cut(mask, whole, cost(whole), cost, largest, good_width)


def _cut(mask, rect, price, cost, largest, good_width):
    if largest is not None and not largest(rect):
        return [
            part
            for half in min(_halves(rect, good_width), key=lambda halves: sum(map(cost, halves)))
            if (tight := _tight(mask, half)) is not None
            for part in _cut(mask, tight, cost(tight), cost, largest, good_width)
        ]
    best, best_price = None, price
    for first, second in _cuts(mask, rect):
        if first.area + second.area >= rect.area:
            continue
        total = cost(first) + cost(second)
        if total < best_price:
            best, best_price = (first, second), total
    if best is None:
        return [rect]
    return [part for half in best for part in _cut(mask, half, cost(half), cost, largest, good_width)]


def _cuts(mask, rect):
    """Pairs of tight rectangles on either side of candidate lines, at most 8 lines along each axis."""
    filled = mask[rect.slices]
    if filled.all():
        return
    for axis, length in enumerate((rect.height, rect.width)):
        step = max(1, length // 8)
        for at in range(step, length, step):
            halves = (filled[:at], filled[at:]) if axis == 0 else (filled[:, :at], filled[:, at:])
            first, second = (bounding_rect(half) for half in halves)
            if first is None or second is None:
                continue
            offset = (at, 0) if axis == 0 else (0, at)
            yield first.moved(rect.top, rect.left), second.moved(rect.top + offset[0], rect.left + offset[1])


def _halves(rect, good_width):
    """Pairs of rectangles above and below, left and right of the middle."""
    if rect.height > 1:
        middle = (rect.top + rect.bottom) // 2
        yield Rect(rect.top, rect.left, middle, rect.right), Rect(middle, rect.left, rect.bottom, rect.right)
    if rect.width > 1:
        half = rect.width // 2
        if good_width is not None and 0 < good_width(half) < rect.width:
            half = good_width(half)
        middle = rect.left + half
        yield Rect(rect.top, rect.left, rect.bottom, middle), Rect(rect.top, middle, rect.bottom, rect.right)


def _tight(mask, rect):
    inner = bounding_rect(mask[rect.slices])
    return None if inner is None else inner.moved(rect.top, rect.left)
