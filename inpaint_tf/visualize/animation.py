"""A fill as a short film: the photo, the hole, the network's two guesses, then the pixels that are copied, from the
hole's border inwards, with their sources lit up."""

import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from inpaint_tf.regions import Rect, bounding_rect
from inpaint_tf.visualize.sources import was_copied

KINDS = {".webp": "WEBP", ".gif": "GIF"}
_STEPS, _COPYING = 6, 28
_FRAME, _HOLD = 60, 900
_HOLE = np.array((255, 59, 107), np.float32)
_LIGHT = np.array((255, 225, 77), np.float32)


class Film(NamedTuple):
    """Frames, uint8 [H, W, 3] RGB of one size, and how long each stays, milliseconds."""

    frames: list[np.ndarray]
    durations: list[int]


def fill_animation(
    hole: np.ndarray, stages: tuple[np.ndarray, ...], sources: np.ndarray | None, suffix: str = ".webp"
) -> bytes:
    """The fill as a short film of the part of the photo where something happens.

    Args:
        hole: bool [H, W].
        stages: Photo, coarse, network and completed, uint8 [H, W, 3] each.
        sources: int [H, W, 2], (row, column), -1 where nothing was copied; or None.
        suffix: ".webp" or ".gif".
    """
    box = bounding_rect(hole)
    assert box is not None
    if sources is not None:
        places = sources[was_copied(sources)]
        if len(places):
            (top, left), (bottom, right) = places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()
            box = Rect(min(box.top, top), min(box.left, left), max(box.bottom, bottom), max(box.right, right))
    box = box.grown(max(16, max(box.height, box.width) // 6), hole.shape)
    if sources is not None:
        sources = np.where(sources >= 0, sources - [box.top, box.left], -1)[box.slices]
    image, coarse, network, completed = (stage[box.slices] for stage in stages)
    return encode_film(fill_film(image, hole[box.slices], coarse, network, completed, sources), suffix)


def fill_film(
    image: np.ndarray,
    hole: np.ndarray,
    coarse: np.ndarray,
    network: np.ndarray,
    completed: np.ndarray,
    sources: np.ndarray | None,
    longest: int = 640,
) -> Film:
    """Makes the film.

    Args:
        image: uint8 [H, W, 3] RGB, the photo.
        hole: bool [H, W].
        coarse, network, completed: uint8 [H, W, 3]: the photo with the first stage's, the network's and the final
            fill.
        sources: int [H, W, 2], (row, column) that a pixel was copied from, -1 where it was not; None if none was.
        longest: The frames' longer side is at most this many pixels.

    Returns:
        A `Film`.
    """
    height, width = hole.shape
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))

    def small(picture):
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)

    image, coarse, network, completed = (small(x) for x in (image, coarse, network, completed))
    inside = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0
    marked = np.where(inside[..., np.newaxis], 0.4 * image + 0.6 * _HOLE, image)
    film = Film([], [])
    _add(film, image, _HOLD)
    _fade(film, image, marked)
    film.durations[-1] = _HOLD
    _fade(film, marked, coarse)
    film.durations[-1] = _HOLD
    _fade(film, coarse, network)
    film.durations[-1] = _HOLD
    if sources is not None:
        _copy(film, network, completed, inside, _small_sources(sources, size))
    elif not np.array_equal(network, completed):
        _fade(film, network, completed)
    _add(film, completed, 2 * _HOLD)
    return film


def encode_film(film: Film, suffix: str) -> bytes:
    """A film as the bytes of an endless animation; suffix is one of `KINDS`."""
    first, *others = [Image.fromarray(frame) for frame in film.frames]
    encoded = io.BytesIO()
    options = {"quality": 82, "method": 2} if suffix == ".webp" else {"optimize": False}
    first.save(encoded, KINDS[suffix], save_all=True, append_images=others, duration=film.durations, loop=0, **options)
    return encoded.getvalue()


def _add(film, picture, duration=_FRAME):
    film.frames.append(np.uint8(np.clip(np.rint(picture), 0, 255)))
    film.durations.append(duration)


def _fade(film, before, after):
    for step in range(1, _STEPS + 1):
        share = step / _STEPS
        _add(film, (1 - share) * before + share * after)


def _small_sources(sources, size):
    """int [h, w, 2]: the sources of pixels of the reduced picture, in its own pixels."""
    scale = np.array([size[1] / sources.shape[0], size[0] / sources.shape[1]])
    picked = cv2.resize(sources.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    most = np.array([size[1] - 1, size[0] - 1])
    return np.where(picked >= 0, np.minimum(picked * scale, most), -1).astype(np.int32)


def _copy(film, network, completed, inside, sources):
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    picture = network.copy()
    for step in range(_COPYING):
        near, far = (depth.max() * share / _COPYING for share in (step, step + 1))
        arriving = inside & (depth > near) & (depth <= far)
        picture[arriving] = completed[arriving]
        shown = picture.copy()
        copied = arriving & (sources[..., 0] >= 0)
        rows, columns = sources[copied].T
        shown[rows, columns] = 0.35 * shown[rows, columns] + 0.65 * _LIGHT
        shown[copied] = 0.5 * shown[copied] + 0.5 * _LIGHT
        _add(film, shown)
