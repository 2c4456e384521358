"""Free-form masks: brush strokes as a person would scribble over what should go.

A stroke is a polyline that zigzags: its segments turn up and down in alternation by angles around 2 pi / 5 (72
degrees), are around an eighth of the image's diagonal long, and are drawn with a round brush of 12 to 40 pixels. A
mask is the union of one to three strokes.

Deviations from the authors' master code: that code mixes up height and width when it places vertices, so on a wide
image some strokes miss the image altogether and a mask can be empty; ours start inside. Its random flips throw their
result away, so all its strokes run from left to right; ours do too, because that is what the weights were trained on.

Reference: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019, section 3.5 and the supplement.
"""

import dataclasses
import math

import cv2
import numpy as np

# Strokes are added until the area fits; a request that needs more attempts than this cannot be met.
MAX_ATTEMPTS = 10_000


@dataclasses.dataclass(frozen=True)
class BrushOptions:
    """Ranges that strokes are drawn from. Both ends of every range belong to it.

    Attributes:
        strokes: Strokes in a mask.
        vertices: Segments of a stroke.
        mean_angle: Middle of the turning angles, radians.
        angle_range: How far a stroke's smallest and largest angle may lie from the middle, radians.
        width: Diameter of the brush, pixels.
        length: Mean length of a segment as a share of the image's diagonal.
    """

    strokes: tuple[int, int] = (1, 3)
    vertices: tuple[int, int] = (4, 11)
    mean_angle: float = 2 * math.pi / 5
    angle_range: float = 2 * math.pi / 15
    width: tuple[int, int] = (12, 39)
    length: float = 1 / 8


def brush_mask(
    height: int, width: int, random: np.random.Generator, options: BrushOptions = BrushOptions()
) -> np.ndarray:
    """One free-form mask.

    Args:
        height, width: Size in pixels.
        random: `np.random.Generator`.
        options: `BrushOptions`.

    Returns:
        bool [H, W], True = hole; never empty.
    """
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(random.integers(options.strokes[0], options.strokes[1] + 1)):
        _draw_stroke(canvas, random, options)
    return canvas > 0


def brush_mask_of_area(
    height: int,
    width: int,
    low: float,
    high: float,
    random: np.random.Generator,
    options: BrushOptions = BrushOptions(),
) -> np.ndarray:
    """A free-form mask whose share of hole pixels lies in [low, high).

    Strokes are united until the share reaches `low`; if it then overshoots `high`, it starts afresh.

    Args:
        height, width: Size in pixels.
        low, high: Shares of the area, 0 <= low < high <= 1.
        random: `np.random.Generator`.
        options: `BrushOptions`; its number of strokes is not used.

    Returns:
        bool [H, W], True = hole.

    Raises:
        ValueError: if the range is no range, or too narrow to be met by chance.
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"area shares must obey 0 <= low < high <= 1; got {low} and {high}.")
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(MAX_ATTEMPTS):
        _draw_stroke(canvas, random, options)
        share = np.count_nonzero(canvas) / canvas.size
        if low <= share < high:
            return canvas > 0
        if share >= high:
            canvas[:] = 0
    raise ValueError(f"no brush mask with an area share in [{low}, {high}) in {MAX_ATTEMPTS} attempts at this size.")


def _draw_stroke(canvas, random, options):
    height, width = canvas.shape
    mean_length = math.hypot(height, width) * options.length
    smallest = options.mean_angle - random.uniform(0, options.angle_range)
    largest = options.mean_angle + random.uniform(0, options.angle_range)
    point = np.array([random.integers(width), random.integers(height)])
    points = [point]
    for segment in range(random.integers(options.vertices[0], options.vertices[1] + 1)):
        angle = random.uniform(smallest, largest)
        if segment % 2 == 0:
            angle = 2 * math.pi - angle
        length = np.clip(random.normal(mean_length, mean_length // 2), 0, 2 * mean_length)
        point = point + length * np.array([math.cos(angle), math.sin(angle)])
        point = np.clip(point, 0, [width, height]).astype(np.int32)
        points.append(point)
    thickness = int(random.integers(options.width[0], options.width[1] + 1))
    cv2.polylines(canvas, [np.array(points, np.int32)], isClosed=False, color=1, thickness=thickness)
