"""The gallery's cases: scikit-image's public-domain and CC0 pictures with holes in them."""

import dataclasses
import pathlib
from collections.abc import Callable

import cv2
import numpy as np
import skimage

import inpaint_tf
from inpaint_tf.data.image_files import read_mask
from inpaint_tf.masks.brush import brush_mask

SHOWN_SIDE = 224


@dataclasses.dataclass(frozen=True)
class Case:
    """A hole in a picture.

    Attributes:
        title: What goes.
        picture: Name in `skimage.data`.
        hole: Function (height, width) -> bool [H, W].
        window: (top, left, side) of the square that is shown, pixels; the whole picture is inpainted.
    """

    title: str
    picture: str
    hole: Callable
    window: tuple[int, int, int]


def polygon(*points):
    """A hole with these corners, (x, y) in pixels."""

    def draw(height, width):
        return cv2.fillPoly(np.zeros((height, width), np.uint8), [np.array(points, np.int32)], 1) > 0

    return draw


def disc(x, y, radius):
    """A round hole."""
    return lambda height, width: cv2.circle(np.zeros((height, width), np.uint8), (x, y), radius, 1, -1) > 0


def box(left, top, side):
    """A square hole."""
    return polygon((left, top), (left + side - 1, top), (left + side - 1, top + side - 1), (left, top + side - 1))


def strokes(seed):
    """A free-form hole."""
    return lambda height, width: brush_mask(height, width, np.random.default_rng(seed))


def sample_mask(height, width):
    """The hole of the sample that ships with the package."""
    return read_mask(pathlib.Path(inpaint_tf.__file__).parent / "samples" / "rocket_mask.png")


SPOON = polygon(
    (310, 258),
    (330, 235),
    (368, 235),
    (384, 205),
    (400, 215),
    (400, 250),
    (415, 290),
    (385, 336),
    (340, 336),
    (316, 305),
)
CASES = [
    Case("object: spoon", "coffee", SPOON, (150, 230, 230)),
    Case("object: badge", "astronaut", disc(170, 384, 44), (270, 60, 230)),
    Case("object: model", "astronaut", polygon((345, 0), (462, 0), (462, 290), (345, 290)), (0, 250, 262)),
    Case("box: wood", "coffee", box(485, 120, 96), (60, 370, 230)),
    Case("strokes", "chelsea", strokes(3), (0, 75, 300)),
    Case("strokes", "coffee", strokes(8), (0, 100, 400)),
    Case("texture: grass", "grass", box(200, 200, 96), (130, 130, 236)),
    Case("texture: gravel", "gravel", box(200, 200, 96), (130, 130, 236)),
    Case("stars", "hubble_deep_field", box(330, 300, 128), (240, 270, 250)),
    Case("failure: face", "astronaut", box(180, 50, 120), (0, 120, 240)),
    Case("failure: bricks", "brick", box(190, 190, 128), (130, 130, 248)),
    Case("failure: eye", "chelsea", box(130, 75, 84), (10, 60, 230)),
]


# Chosen for what they show; masks are a little wider than what goes, as --grow_mask makes them.
TEASER = [
    Case("rocket", "rocket", sample_mask, (0, 107, 427)),
    Case("model", "astronaut", polygon((345, 0), (462, 0), (462, 290), (345, 290)), (0, 152, 360)),
    Case("badge", "astronaut", disc(168, 384, 52), (262, 50, 250)),
]


@dataclasses.dataclass(frozen=True)
class Sketched:
    """A hole whose fill is led by lines.

    Attributes:
        case: The hole.
        sketches: Two sketches; each is a list of lines, each line of (x, y) in pixels.
    """

    case: Case
    sketches: tuple[list[list[tuple[int, int]]], ...]


# Holes over one edge between two plain surfaces: where it runs is what a sketch can say.
SKETCHED = [
    Sketched(
        Case("rim", "coffee", box(400, 130, 130), (80, 340, 230)),
        ([[(460, 125), (472, 165), (475, 215), (462, 265)]], [[(450, 125), (420, 160), (420, 235), (450, 265)]]),
    ),
    Sketched(
        Case("shoulder", "camera", box(30, 110, 110), (60, 0, 220)),
        (
            [[(25, 225), (60, 165), (95, 130), (145, 108)]],
            [[(25, 222), (50, 215), (75, 185), (80, 140), (110, 125), (145, 108)]],
        ),
    ),
    Sketched(
        Case("table", "astronaut", box(375, 235, 110), (180, 320, 192)),
        ([[(370, 285), (490, 272)]], [[(370, 285), (400, 280), (430, 245), (460, 275), (490, 272)]]),
    ),
]


def picture_and_hole(case):
    """uint8 [H, W, 3] and bool [H, W]."""
    picture = getattr(skimage.data, case.picture)()
    if picture.ndim == 2:
        picture = picture[..., np.newaxis].repeat(3, axis=-1)
    return np.ascontiguousarray(picture), case.hole(*picture.shape[:2])


def shown(case, pictures):
    """The case's window of pictures, at one size."""
    top, left, side = case.window
    parts = [picture[top : top + side, left : left + side] for picture in pictures]
    return [cv2.resize(part, (SHOWN_SIDE, SHOWN_SIDE), interpolation=cv2.INTER_AREA) for part in parts]
