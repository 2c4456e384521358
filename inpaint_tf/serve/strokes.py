"""Brush strokes, boxes and lassos as vectors -> a mask at the photo's full size, exact to the pixel.

Coordinates are pixels of the photo with the origin in its top left corner: the pixel of column c and row r is the
square from (c, r) to (c + 1, r + 1). A shape covers a pixel if it covers the pixel's centre (c + 0.5, r + 0.5), which
is what a browser's canvas draws apart from its soft edges.

Every shape is turned into spans: on a row of pixel centres, a convex shape covers one interval. The ends of all spans
are counted up and down in one array, whose running sum along the rows says how often a pixel is covered. The cost is
that of the shape's outline plus one pass over its bounding box, whatever the size of the brush.

The operations, applied in order to an empty mask (`OPERATIONS`):

    {"op": "brush", "size": 40, "points": [[x, y], ...]}     round brush of that diameter; one point is a dot
    {"op": "erase", "size": 40, "points": [[x, y], ...]}     the same, takes away
    {"op": "box", "from": [x, y], "to": [x, y]}              a rectangle between two corners
    {"op": "lasso", "points": [[x, y], ...]}                 the inside of a closed line (nonzero winding)
    {"op": "mask", "id": "..."}                              a mask file that was given along; adds it
    {"op": "invert"}   {"op": "clear"}
    {"op": "grow", "pixels": 8}                              wider by that many pixels on all sides; negative: narrower
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from inpaint_tf.errors import UserError

OPERATIONS = ("brush", "erase", "box", "lasso", "mask", "invert", "clear", "grow")
MOST_OPERATIONS = 5_000
MOST_POINTS = 200_000
FARTHEST = 1e6
LARGEST_BRUSH = 20_000


def rasterise(
    operations: list[Mapping[str, Any]],
    height: int,
    width: int,
    find_mask: Callable[[str], np.ndarray] | None = None,
) -> np.ndarray:
    """Draws a list of operations.

    Args:
        operations: See the module; as `check_operations` returns them.
        height, width: The photo's size, pixels.
        find_mask: Gives the bool [H, W] mask of an "id"; None: there are no mask files.

    Returns:
        bool [H, W], True = covered.

    Raises:
        UserError: for an operation that is none, or one with wrong values.
    """
    canvas = np.zeros((height, width), bool)
    for operation in check_operations(operations):
        kind = operation["op"]
        if kind in ("brush", "erase"):
            _draw(canvas, _brush(operation["points"], operation["size"] / 2), kind == "brush")
        elif kind == "box":
            _draw(canvas, _polygon(_corners(operation["from"], operation["to"])), True)
        elif kind == "lasso":
            _draw(canvas, _polygon(operation["points"]), True)
        elif kind == "mask":
            if find_mask is None:
                raise UserError('strokes: "mask" needs a mask file that was uploaded; there is none here.')
            canvas |= find_mask(operation["id"])
        elif kind == "invert":
            np.logical_not(canvas, out=canvas)
        elif kind == "clear":
            canvas[:] = False
        else:
            canvas[:] = grow(canvas, operation["pixels"])
    return canvas


def grow(mask: np.ndarray, pixels: float) -> np.ndarray:
    """bool [H, W] -> the mask widened by `pixels` (Euclidean, on all sides), or narrowed if negative."""
    if pixels == 0 or mask.all() or not mask.any():
        return mask
    if pixels < 0:
        return ~grow(~mask, -pixels)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= pixels


def check_operations(operations: Any) -> list[dict[str, Any]]:
    """Checks what came as JSON. Raises UserError naming the operation and what it should be."""
    if not isinstance(operations, list):
        raise UserError('strokes must be a list of operations such as {"op": "brush", "size": 40, "points": [[x, y]]}.')
    if len(operations) > MOST_OPERATIONS:
        raise UserError(f"{len(operations)} strokes are more than the {MOST_OPERATIONS} that are accepted.")
    checked, points = [], 0
    for number, operation in enumerate(operations, start=1):
        where = f"stroke {number}"
        kind = operation.get("op") if isinstance(operation, dict) else None
        if kind not in OPERATIONS:
            raise UserError(f'{where}: "op" must be one of {", ".join(OPERATIONS)}; got {kind!r}.')
        clean: dict[str, Any] = {"op": kind}
        if kind in ("brush", "erase"):
            clean["size"] = _number(operation.get("size"), f"{where}: size", 0.1, LARGEST_BRUSH)
        if kind in ("brush", "erase", "lasso"):
            clean["points"] = _points(operation.get("points"), f"{where}: points")
            points += len(clean["points"])
        if kind == "box":
            clean |= {name: _points([operation.get(name)], f"{where}: {name}")[0] for name in ("from", "to")}
        if kind == "grow":
            clean["pixels"] = _number(operation.get("pixels"), f"{where}: pixels", -LARGEST_BRUSH, LARGEST_BRUSH)
        if kind == "mask":
            if not isinstance(operation.get("id"), str):
                raise UserError(f'{where}: "id" must be that of an uploaded mask.')
            clean["id"] = operation["id"]
        checked.append(clean)
    if points > MOST_POINTS:
        raise UserError(f"the strokes have {points} points; at most {MOST_POINTS} are accepted.")
    return checked


def _number(value: Any, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"{what} must be a number from {low:g} to {high:g}; got {value!r:.60}.")
    return float(value)


def _points(value: Any, what: str) -> np.ndarray:
    """A list of [x, y] -> float64 [N, 2]."""
    try:
        points = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[-1] != 2 or not len(points):
        raise UserError(f"{what} must be pairs of numbers, x and y in pixels of the photo.")
    if not np.all(np.abs(points) <= FARTHEST):
        raise UserError(f"{what} must lie within {FARTHEST:g} pixels.")
    return points


def _corners(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    (left, top), (right, bottom) = np.minimum(first, second), np.maximum(first, second)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _brush(points: np.ndarray, radius: float) -> list[tuple[int, np.ndarray, np.ndarray, int]]:
    """Spans of a polyline drawn with a disc: a capsule for every segment."""
    ends = points[1:] if len(points) > 1 else points
    return [_capsule(start, end, radius) for start, end in zip(points, ends)]


def _capsule(start: np.ndarray, end: np.ndarray, radius: float) -> tuple[int, np.ndarray, np.ndarray, int]:
    """The first row, and for each row the interval that lies within `radius` of a segment.

    The capsule is the hull of two discs and the rectangle between them, so on a row it goes from the leftmost to the
    rightmost of the three.
    """
    first = math.ceil(min(start[1], end[1]) - radius - 0.5)
    last = math.floor(max(start[1], end[1]) + radius - 0.5)
    rows = np.arange(first, last + 1) + 0.5
    left, right = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    for x, y in (start, end):
        half = np.sqrt(np.maximum(radius**2 - (rows - y) ** 2, -1), where=np.abs(rows - y) <= radius,
                       out=np.full(len(rows), -np.inf))  # fmt: skip
        left, right = np.minimum(left, x - half), np.maximum(right, x + half)
    along = end - start
    if length := float(np.hypot(*along)):
        aside = radius * np.array([-along[1], along[0]]) / length
        corners = np.array([start + aside, end + aside, end - aside, start - aside])
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
            if y0 == y1:
                continue
            crossed = (rows >= min(y0, y1)) & (rows <= max(y0, y1))
            x = x0 + (rows - y0) / (y1 - y0) * (x1 - x0)
            left, right = np.where(crossed, np.minimum(left, x), left), np.where(crossed, np.maximum(right, x), right)
    return first, left, right, 1


def _polygon(points: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray, int]]:
    """Spans of a closed line's inside: each edge, with the sign of its direction, from where it crosses a row on."""
    spans = []
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0)):
        # An edge owns the rows from its upper end, inclusive, to its lower end, exclusive, so that corners count once.
        first, last = math.ceil(min(y0, y1) - 0.5), math.ceil(max(y0, y1) - 0.5)
        if last > first:
            rows = np.arange(first, last) + 0.5
            x = x0 + (rows - y0) / (y1 - y0) * (x1 - x0)
            spans.append((first, x, np.full(len(rows), np.inf), 1 if y1 > y0 else -1))
    return spans


def _draw(canvas: np.ndarray, spans: list[tuple[int, np.ndarray, np.ndarray, int]], value: bool) -> None:
    """Sets what spans (first row, left and right end of each row, weight) cover; ends are inclusive, in x."""
    height, width = canvas.shape
    cut = []
    for first, left, right, weight in spans:
        begin, end = max(0, -first), min(len(left), height - first)
        if begin >= end:
            continue
        begins = np.clip(np.ceil(left[begin:end] - 0.5), 0, width).astype(np.int64)
        ends = np.clip(np.floor(right[begin:end] - 0.5) + 1, 0, width).astype(np.int64)
        keep = begins < ends
        if keep.any():
            rows = np.arange(first + begin, first + end)[keep]
            cut.append((rows, begins[keep], ends[keep], weight))
    if not cut:
        return
    top, bottom = min(rows[0] for rows, *_ in cut), max(rows[-1] for rows, *_ in cut) + 1
    left, right = min(begins.min() for _, begins, *_ in cut), max(ends.max() for _, _, ends, _ in cut)
    counts = np.zeros((bottom - top, right - left + 1), np.int32)
    for rows, begins, ends, weight in cut:
        # One span a row, so no index repeats within an addition.
        counts[rows - top, begins - left] += weight
        counts[rows - top, ends - left] -= weight
    covered = np.cumsum(counts, axis=1, out=counts)[:, :-1] != 0
    canvas[top:bottom, left:right][covered] = value
