"""What is measured: photo sizes, holes, and a photo that is made up."""

import re

import numpy as np

from inpaint_tf.errors import UserError

Size = tuple[int, int]


def parse_size(text: str) -> Size:
    """(H, W) of "WIDTHxHEIGHT". Raises UserError for anything else."""
    match = re.fullmatch(r"(\d+)x(\d+)", text.strip())
    if not match or "0" in match.groups():
        raise UserError(f"size {text!r} is not understood; give WIDTHxHEIGHT, for example 1920x1080.")
    return int(match[2]), int(match[1])


def make_hole(size: Size, name: str) -> np.ndarray:
    """bool [H, W] of a hole's name: a side in pixels, "half" or "strokes". Raises UserError for another."""
    height, width = size
    hole = np.zeros(size, bool)
    if name == "strokes":
        return _strokes(size)
    if name == "half":
        sides = height // 2, width // 2
    elif name.isdigit() and 0 < int(name) < min(size):
        sides = int(name), int(name)
    else:
        raise UserError(
            f"hole {name!r} does not fit a photo of {width}x{height}; give a side in pixels below the photo's, half, "
            "or strokes."
        )
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    hole[top : top + sides[0], left : left + sides[1]] = True
    return hole


def padded(size: Size) -> Size:
    """(H, W) of a photo that was mirrored up to multiples of 8."""
    return -(-size[0] // 8) * 8, -(-size[1] // 8) * 8


def made_up_photo(size: Size) -> np.ndarray:
    """A smooth float32 [H, W, 3] picture in [-1, 1] with a little noise; always the same for a size."""
    import cv2

    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.uniform(-0.8, 0.8, (6, 8, 3)).astype(np.float32), size[::-1])
    noise = rng.normal(scale=0.1, size=(64, 64, 3)).astype(np.float32)
    tiles = [-(-side // 64) for side in size]
    return np.clip(smooth + np.tile(noise, (*tiles, 1))[: size[0], : size[1]], -1, 1)


def _strokes(size: Size) -> np.ndarray:
    """Brush strokes all over a photo: about a sixth of it, the same share at every size."""
    import cv2

    rng = np.random.default_rng(0)
    drawn = np.zeros(size, np.uint8)
    diagonal = np.hypot(*size)
    while drawn.mean() < 0.15:
        point = rng.uniform(0, 1, 2) * size[::-1]
        for _ in range(4):
            turned = np.clip(point + rng.normal(scale=diagonal / 16, size=2), 0, np.subtract(size[::-1], 1))
            ends = [tuple(int(x) for x in end) for end in (point, turned)]
            cv2.line(drawn, ends[0], ends[1], 1, thickness=int(rng.uniform(0.008, 0.018) * diagonal) + 1)
            point = turned
    return drawn.astype(bool)
