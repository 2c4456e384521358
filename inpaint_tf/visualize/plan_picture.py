"""A picture of what a planned run computes: the photo, its hole, and the regions of every part of the network."""

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inpaint_tf.regions import Rect

if TYPE_CHECKING:
    from inpaint_tf.planned.plan import Plan

Colour = tuple[int, int, int]

# RGB of the network's stacks, one after the other, and of its attentions' queries; more of them begin anew.
STACK_COLOURS = (255, 170, 40), (70, 200, 90), (150, 150, 160), (40, 190, 210), (70, 110, 255)
QUERY_COLOURS = (220, 70, 200), (150, 40, 150)
LONGEST_SIDE = 1280


def plan_picture(plan: "Plan", image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Draws a plan over its photo.

    The hole is tinted. Solid frames are the tiles that each stack writes, thin frames what those tiles read; pink
    frames are the attentions' query tiles. The plan's summary stands next to the photo, in the same colours.

    Args:
        plan: `planned.plan.Plan`.
        image: uint8 [H, W, 3] RGB; the plan's size, or smaller by the padding to multiples of 8.
        hole: bool [H, W].

    Returns:
        uint8 [h, w, 3] RGB; the photo's longer side is at most 1280 px.
    """
    scale = min(1.0, LONGEST_SIDE / max(plan.size))
    canvas = np.zeros((*plan.size, 3), np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    tinted = np.zeros(plan.size, bool)
    tinted[: hole.shape[0], : hole.shape[1]] = hole
    canvas[tinted] = canvas[tinted] // 2 + np.array([127, 30, 30], np.uint8)
    size = max(1, round(plan.size[1] * scale)), max(1, round(plan.size[0] * scale))
    canvas = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)

    colours = node_colours(plan)
    for index, (stack, segments) in enumerate(plan.segments.items()):
        for tile in segments[0].tiles:
            _frame(canvas, tile.source, segments[0].size_in, colours[stack], 1, inset=2 * index)
        for tile in segments[-1].tiles:
            _frame(canvas, tile.output, segments[-1].size_out, colours[stack], 2, inset=2 * index)
    for name, attention in plan.attentions.items():
        for rect in attention.query_rects:
            _frame(canvas, rect, attention.grid, colours[name], 1)
    legend = _legend(plan, colours, canvas.shape[0])
    height = max(canvas.shape[0], legend.shape[0])
    return np.concatenate([_padded(canvas, height), _padded(legend, height)], axis=1)


def node_colours(plan: "Plan") -> dict[str, Colour]:
    """Name of every stack and attention of a plan -> its RGB colour."""
    stacks = zip(plan.segments, itertools.cycle(STACK_COLOURS))
    return dict([*stacks, *zip(plan.attentions, itertools.cycle(QUERY_COLOURS))])


def _frame(
    canvas: np.ndarray, rect: Rect, size: tuple[int, int], colour: Colour, thickness: int, inset: int = 0
) -> None:
    """Frames a `Rect` of a map of `size` (H, W), which the canvas shows; `inset` keeps equal frames apart."""
    down, across = canvas.shape[0] / size[0], canvas.shape[1] / size[1]
    first = int(rect.left * across) + inset, int(rect.top * down) + inset
    last = int(rect.right * across) - 1 - inset, int(rect.bottom * down) - 1 - inset
    cv2.rectangle(canvas, first, last, colour, thickness)


def _legend(plan: "Plan", colours: dict[str, Colour], height: int) -> np.ndarray:
    lines = plan.lines()
    legend = np.full((max(height, 24 * len(lines) + 24), 620, 3), 255, np.uint8)
    for index, (name, line) in enumerate(lines):
        darker = tuple(int(0.75 * channel) for channel in colours.get(name or "", (60, 60, 60)))
        cv2.putText(legend, line, (12, 28 + 24 * index), cv2.FONT_HERSHEY_SIMPLEX, 0.42, darker, 1, cv2.LINE_AA)
    return legend


def _padded(picture: np.ndarray, height: int) -> np.ndarray:
    return np.pad(picture, [(0, height - picture.shape[0]), (0, 0), (0, 0)], constant_values=255)
