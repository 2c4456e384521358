"""Where every pixel of the hole was copied from, as colours (paper, figure 5).

The attention's offsets are about cells of 8 pixels of features; the sources of guided patches are exact to the pixel.

The relative offset (source minus own position) is drawn with the Middlebury colour wheel of optical flow: the hue is
the direction, the saturation the distance relative to the longest offset in the picture. White copies from itself.

Reference: Baker et al., A Database and Evaluation Methodology for Optical Flow, 2007; authors' v1.0.0 code, which
takes the row as the wheel's first axis and the column as its second.
"""

import cv2
import numpy as np

# Colours between the wheel's corners: red, yellow, green, cyan, blue, magenta and back.
_SEGMENTS = ((15, 0, 1, +1), (6, 1, 0, -1), (4, 1, 2, +1), (11, 2, 1, -1), (13, 2, 0, +1), (6, 0, 2, -1))


def colour_wheel() -> np.ndarray:
    """float64 [55, 3] RGB in [0, 255]."""
    wheel = []
    for count, steady, moving, direction in _SEGMENTS:
        ramp = np.floor(255 * np.arange(count) / count)
        colours = np.zeros((count, 3))
        colours[:, steady] = 255
        colours[:, moving] = ramp if direction > 0 else 255 - ramp
        wheel.append(colours)
    return np.concatenate(wheel)


def relative_offsets(offsets: np.ndarray) -> np.ndarray:
    """Absolute (row, column) offsets int [h, w, 2] -> source minus own position, int32 [h, w, 2]."""
    rows, columns = np.mgrid[: offsets.shape[0], : offsets.shape[1]]
    return np.asarray(offsets, np.int32) - np.stack([rows, columns], axis=-1).astype(np.int32)


def flow_colours(flow: np.ndarray) -> np.ndarray:
    """Displacements as colours.

    Args:
        flow: [h, w, 2] displacement (row, column).

    Returns:
        uint8 [h, w, 3] RGB.
    """
    flow = np.asarray(flow, np.float64)
    length = np.sqrt(np.sum(flow**2, axis=-1))
    longest = length.max() + np.finfo(np.float64).eps
    first, second = flow[..., 0] / longest, flow[..., 1] / longest
    length = np.sqrt(first**2 + second**2)
    wheel = colour_wheel() / 255
    position = (np.arctan2(-second, -first) / np.pi + 1) / 2 * (len(wheel) - 1)
    below = np.floor(position).astype(int)
    part = (position - below)[..., np.newaxis]
    colour = (1 - part) * wheel[below] + part * wheel[(below + 1) % len(wheel)]
    colour = 1 - length[..., np.newaxis] * (1 - colour)
    return np.floor(255 * colour).astype(np.uint8)


def draw_offsets(offsets: np.ndarray, height: int, width: int) -> np.ndarray:
    """The attention flow at an image's size.

    Args:
        offsets: int [h, w, 2] absolute (row, column), as `ContextualAttention` gives them; negative where none was
            computed (drawn as white).
        height: Rows of the picture, at most 8 h.
        width: Columns of the picture, at most 8 w.

    Returns:
        uint8 [height, width, 3] RGB, every offset drawn as a square of 8 pixels.
    """
    offsets = np.asarray(offsets)
    flow = np.where(offsets >= 0, relative_offsets(offsets), 0)
    return flow_colours(flow).repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def draw_flow(result, hole: np.ndarray):
    """Where a result's fill is from: its exact sources, or its attention's offsets if it has none.

    Args:
        result: A `Result` of the inpainter.
        hole: bool [H, W].

    Returns:
        uint8 [H, W, 3] RGB; None if the result has neither.
    """
    if result.sources is not None:
        return draw_sources(result.sources)
    return None if result.offsets is None else draw_hole_flow(result.offsets, hole)


def draw_sources(sources):
    """The exact map of what was copied from where; everything else is white.

    Args:
        sources: int [H, W, 2], (row, column), negative where nothing was copied.

    Returns:
        uint8 [H, W, 3] RGB, with the colours and the scale of `draw_offsets`.
    """
    drawn = np.full((*sources.shape[:2], 3), 255, np.uint8)
    place = np.nonzero(sources[..., 0] >= 0)
    if len(place[0]):
        flow = sources[place] - np.stack(place, axis=-1)
        drawn[place] = flow_colours(flow)
    return drawn


def draw_hole_flow(offsets: np.ndarray | None, hole: np.ndarray) -> np.ndarray:
    """The attention flow of the hole; everything else is white.

    Args:
        offsets: int [ceil(H/8), ceil(W/8), 2], see `draw_offsets`; None draws nothing.
        hole: bool [H, W].

    Returns:
        uint8 [H, W, 3] RGB.
    """
    height, width = hole.shape
    if offsets is None:
        return np.full((height, width, 3), 255, np.uint8)
    cells = _hole_cells(offsets.shape[:2], hole)
    drawn = draw_offsets(np.where(cells[..., np.newaxis], offsets, -1), height, width)
    return np.where(hole[..., np.newaxis], drawn, np.uint8(255))


def longest_offset(offsets: np.ndarray, hole: np.ndarray) -> int:
    """The distance that the strongest colour of `draw_hole_flow` stands for, pixels of the photo."""
    computed = _hole_cells(offsets.shape[:2], hole) & (offsets[..., 0] >= 0)
    flow = relative_offsets(offsets)[computed]
    return round(8 * float(np.hypot(flow[:, 0], flow[:, 1]).max(initial=0)))


def wheel_picture(side: int) -> np.ndarray:
    """The legend of flow colours: a disc whose hue is the direction to the source.

    Args:
        side: Pixels.

    Returns:
        uint8 [side, side, 4] RGBA, transparent outside the disc.
    """
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(rows, columns) <= side / 2
    flow = np.stack([rows, columns], axis=-1) * inside[..., np.newaxis]
    return np.dstack([flow_colours(flow), np.uint8(255) * inside])


def with_legend(picture: np.ndarray, longest: int) -> np.ndarray:
    """A flow picture with its colour wheel on the right.

    Args:
        picture: uint8 [H, W, 3] RGB.
        longest: What the strongest colour stands for, pixels.

    Returns:
        uint8 [max(H, 150), W + 150, 3].
    """
    side, margin = 120, 15
    height = max(picture.shape[0], side + 2 * margin)
    strip = np.full((height, side + 2 * margin, 3), 255, np.uint8)
    wheel = wheel_picture(side)
    place = strip[margin : margin + side, margin : margin + side]
    place[wheel[..., 3] > 0] = wheel[..., :3][wheel[..., 3] > 0]
    lines = ("colour: direction", "to the source;", f"rim: {longest} px away")
    if height >= side + 2 * margin + 18 * len(lines):
        for number, line in enumerate(lines):
            at = (8, side + 2 * margin + 12 + 18 * number)
            cv2.putText(strip, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    rest = [(0, height - picture.shape[0]), (0, 0), (0, 0)]
    return np.concatenate([np.pad(picture, rest, constant_values=255), strip], axis=1)


def _hole_cells(grid, hole):
    """bool of the size of the attention's grid: whether a cell of 8x8 pixels holds a hole pixel."""
    padded = np.zeros((8 * grid[0], 8 * grid[1]), bool)
    padded[: hole.shape[0], : hole.shape[1]] = hole
    return np.any(padded.reshape(grid[0], 8, grid[1], 8), axis=(1, 3))
