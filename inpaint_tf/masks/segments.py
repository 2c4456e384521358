"""Masks of other papers' test sets: chains of straight segments and boxes, thin, medium and thick.

The generators are our own, written from the published settings of LaMa (Suvorov et al., WACV 2022) and MAT (Li et al.,
CVPR 2022); they follow those laws, not those papers' random bits. A chain starts anywhere, has one to five segments,
and turns by one of four angles, mirrored in every other chain.
"""

import dataclasses

import cv2
import numpy as np

from inpaint_tf.masks.brush import BrushOptions, brush_mask

# Segments of a chain, at most; whole radians a segment may turn by, before 0.01 is added.
MOST_SEGMENTS, ANGLES = 5, 4
# A request whose area is not met after so many draws cannot be met.
MAX_ATTEMPTS = 10_000


@dataclasses.dataclass(frozen=True)
class BoxLaw:
    """Rectangles with independent sides. All ranges include both ends.

    Attributes:
        count: How many in a mask.
        side: Height and width of each, pixels.
        margin: Distance to the image's border, pixels.
        weight: Weight of a mask of boxes, where a mask of chains has weight 1.
    """

    count: tuple[int, int]
    side: tuple[int, int]
    margin: int = 0
    weight: float = 0.3


@dataclasses.dataclass(frozen=True)
class SegmentLaw:
    """A mask of chains of segments, or of boxes.

    Attributes:
        chains: How many chains in a mask, both ends included.
        width: A segment is 5 px wide and up to `width - 1` px more.
        length: A segment is 10 px long and up to `length - 1` px more.
        boxes: The law of the boxes that some masks have instead; None for chains alone.
        most_area: Masks of a larger share of the image are drawn again.
    """

    chains: tuple[int, int]
    width: int
    length: int
    boxes: BoxLaw | None = None
    most_area: float = 0.5


# The settings of LaMa's evaluation, for images of 256 and of 512 pixels a side.
LAMA = {
    ("thin", 256): SegmentLaw((4, 50), width=10, length=40),
    ("medium", 256): SegmentLaw((4, 5), width=50, length=100, boxes=BoxLaw((1, 5), (10, 50))),
    ("thick", 256): SegmentLaw((1, 5), width=100, length=200, boxes=BoxLaw((1, 3), (30, 150), margin=10)),
    ("thin", 512): SegmentLaw((4, 70), width=20, length=100),
    ("medium", 512): SegmentLaw((4, 10), width=100, length=200, boxes=BoxLaw((1, 5), (30, 150))),
    ("thick", 512): SegmentLaw((1, 5), width=250, length=450, boxes=BoxLaw((1, 4), (30, 300), margin=10)),
}


def segment_mask(height: int, width: int, random: np.random.Generator, law: SegmentLaw) -> np.ndarray:
    """One mask of a `SegmentLaw`.

    Args:
        height, width: Size in pixels.
        random: Source of all draws.
        law: The law.

    Returns:
        bool [H, W], True = hole; neither empty nor larger than the law allows.

    Raises:
        ValueError: if the law cannot be met at this size.
    """
    for _ in range(MAX_ATTEMPTS):
        boxes = law.boxes
        if boxes is not None and random.random() < boxes.weight / (1 + boxes.weight):
            pixels = _boxes(height, width, random, boxes)
        else:
            pixels = _chains(height, width, random, law)
        if 0 < pixels.mean() <= law.most_area:
            return pixels
    raise ValueError(f"no mask of at most {law.most_area:.0%} in {width}x{height} in {MAX_ATTEMPTS} attempts.")


def large_mask(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """One mask of MAT's large-hole evaluation: boxes up to the image's size and brush strokes together.

    Up to ten boxes with sides up to half of the image, up to five with sides up to the whole, and up to twenty strokes;
    any area is kept.

    Returns:
        bool [H, W], True = hole; neither empty nor all of the image.
    """
    strokes = BrushOptions(strokes=(1, 1), vertices=(4, 17), width=(12, 47))
    while True:
        pixels = np.zeros((height, width), bool)
        for most, share in ((10, 2), (5, 1)):
            for _ in range(random.integers(most)):
                sides = [max(1, int(random.integers(1, max(2, length // share + 1)))) for length in (height, width)]
                # Boxes reach over the border, where they are cut.
                top, left = (
                    int(random.integers(-side // 2, length - side // 2))
                    for side, length in zip(sides, (height, width), strict=True)
                )
                pixels[max(top, 0) : top + sides[0], max(left, 0) : left + sides[1]] = True
        for _ in range(random.integers(20)):
            pixels |= brush_mask(height, width, random, strokes)
        if 0 < pixels.mean() < 1:
            return pixels


def shrunk_box_mask(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """One box as in MMagic's (MMEditing's) settings of this paper: up to half of the image, shrunk by up to 40 px.

    The box has half of the image's sides less a draw of 0 to 40/256 of the image for each, and stays 20/256 of it away
    from the border.

    Returns:
        bool [H, W], True = hole.
    """
    pixels = np.zeros((height, width), bool)
    spans = []
    for length in (height, width):
        side = length // 2 - int(random.integers(40 * length // 256 + 1))
        margin = 20 * length // 256
        first = int(random.integers(margin, length - margin - side + 1))
        spans.append(slice(first, first + side))
    pixels[spans[0], spans[1]] = True
    return pixels


def _chains(height: int, width: int, random: np.random.Generator, law: SegmentLaw) -> np.ndarray:
    canvas = np.zeros((height, width), np.uint8)
    for number in range(random.integers(law.chains[0], law.chains[1] + 1)):
        x, y = int(random.integers(width)), int(random.integers(height))
        for _ in range(1 + random.integers(MOST_SEGMENTS)):
            angle = 0.01 + random.integers(ANGLES)
            if number % 2 == 0:
                angle = 2 * np.pi - angle
            length, thickness = 10 + random.integers(law.length), 5 + random.integers(law.width)
            end = (
                int(np.clip(x + length * np.sin(angle), 0, width)),
                int(np.clip(y + length * np.cos(angle), 0, height)),
            )
            cv2.line(canvas, (x, y), end, 1, int(thickness))
            x, y = end
    return canvas > 0


def _boxes(height: int, width: int, random: np.random.Generator, law: BoxLaw) -> np.ndarray:
    pixels = np.zeros((height, width), bool)
    for _ in range(random.integers(law.count[0], law.count[1] + 1)):
        spans = []
        for length in (height, width):
            most = min(law.side[1], length - 2 * law.margin)
            side = int(random.integers(min(law.side[0], most), most + 1))
            first = int(random.integers(law.margin, length - law.margin - side + 1))
            spans.append(slice(first, first + side))
        pixels[spans[0], spans[1]] = True
    return pixels
