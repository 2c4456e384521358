"""An exported file against the Keras model, on real photos: how far apart, how fast.

The photos are the bundled one as it is, and mirrored with the paper's hole (a centred box of half the sides). For
files of a fixed size they are scaled and cropped around the hole. The reference is the Inpainter with the whole Keras
network on the whole photo.
"""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from inpaint_tf.data.image_files import read_mask, read_photo, resize_mask
from inpaint_tf.errors import UserError
from inpaint_tf.export.network_function import Size
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.pixels import HALF_RANGE, is_hole, is_line, to_float, to_levels

SAMPLES = pathlib.Path(__file__).parent.parent / "samples"
# PSNR inside the hole of an exact copy.
EXACT_PSNR = 200.0
# Canny's thresholds for the lines of a guide.
EDGES = (100, 200)
# Image uint8 [H, W, 3], mask uint8 [H, W, 1] and perhaps a guide uint8 [H, W, 1].
Case = tuple[np.ndarray, ...]


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far an export is from the Keras model, the worst of all photos.

    Attributes:
        largest: Largest absolute difference of the completed photo in [-1, 1].
        psnr: Inside the hole, in dB, of values in [-1, 1]; 200 for an exact copy.
        levels: Largest difference of the completed photo in uint8 levels.
    """

    largest: float
    psnr: float
    levels: int


@dataclasses.dataclass(frozen=True)
class Limit:
    """What is accepted: a largest difference in [-1, 1], a least PSNR in dB, or a largest difference in levels."""

    largest: float = float("inf")
    psnr: float = 0.0
    levels: int = 255

    def check(self, name: str, difference: Difference) -> None:
        """Raises UserError if a `Difference` is beyond the limit."""
        beyond = []
        if not difference.largest <= self.largest:
            beyond.append(f"{difference.largest:.2g} in [-1, 1] (accepted: {self.largest:g})")
        if not difference.psnr >= self.psnr:
            beyond.append(f"{difference.psnr:.1f} dB in the hole (accepted: {self.psnr:g})")
        if difference.levels > self.levels:
            beyond.append(f"{difference.levels} levels (accepted: {self.levels})")
        if beyond:
            raise UserError(f"{name} does not give the Keras model's pixels: {', '.join(beyond)}; nothing was written.")


def photos(size: Size | None = None, guided: bool = False) -> list[Case]:
    """Image uint8 [H, W, 3] and mask uint8 [H, W, 1] (255 = hole) pairs.

    Args:
        size: (H, W) to scale and crop to; None leaves the photo's own, which is no multiple of 8.
        guided: Whether each has a guide as well, uint8 [H, W, 1] (255 = line): the photo's own edges.
    """
    image, hole = read_photo(SAMPLES / "rocket.jpg").rgb, read_mask(SAMPLES / "rocket_mask.png")
    if size is not None:
        image, hole = fitted(image, hole, size)
    mirrored, box = np.ascontiguousarray(image[:, ::-1]), np.zeros_like(hole)
    height, width = box.shape
    box[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    holes = (box if not hole.any() or hole.all() else hole, box)
    cases = [(x, y[..., np.newaxis].astype(np.uint8) * 255) for x, y in zip((image, mirrored), holes)]
    return [(*case, cv2.Canny(case[0], *EDGES)[..., np.newaxis]) if guided else case for case in cases]


def fitted(image: np.ndarray, hole: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Scales a photo until it just covers `size` and crops it around the middle of its hole."""
    height, width = size
    factor = max(height / image.shape[0], width / image.shape[1])
    sides = [max(int(np.ceil(side * factor)), least) for side, least in zip(image.shape, size)]
    image = cv2.resize(image, sides[::-1], interpolation=cv2.INTER_AREA)
    hole = resize_mask(hole, *sides)
    middle = [int(places.mean()) if len(places) else side // 2 for places, side in zip(np.nonzero(hole), sides)]
    top, left = (int(np.clip(m - want // 2, 0, side - want)) for m, want, side in zip(middle, size, sides))
    window = slice(top, top + height), slice(left, left + width)
    return np.ascontiguousarray(image[window]), np.ascontiguousarray(hole[window])


def difference_of_floats(
    runner: Callable[..., dict[str, np.ndarray]], inpainter: Inpainter, cases: Sequence[Case]
) -> tuple[Difference, float | None]:
    """The worst `Difference` of a runner's "completed" (or "refined") over (image, mask[, guide]), and its offsets."""
    found, moved = [], []
    for image, mask, *guide in cases:
        expected = inpainter.run(image, mask[..., 0], *(lines[..., 0] for lines in guide))
        known, hole = to_float(image), is_hole(mask)
        outputs = runner(*float_inputs(image, mask, *guide))
        completed = outputs["completed"] if "completed" in outputs else np.where(hole, outputs["refined"], known)
        wanted = np.where(hole, expected.refined, known)
        levels = np.abs(to_levels(completed).astype(int) - to_levels(wanted)).max()
        found.append(Difference(float(np.abs(completed - wanted).max()), _psnr(completed, wanted, hole), int(levels)))
        if "offsets" in outputs:
            moved.append(float(np.mean(np.any(outputs["offsets"] != expected.offsets, axis=-1))))
    return worst(found), max(moved, default=None)


def difference_of_levels(
    complete: Callable[..., np.ndarray], inpainter: Inpainter, cases: Sequence[Case]
) -> Difference:
    """The worst `Difference` of what completes uint8 photos over (image, mask[, guide])."""
    found = []
    for image, mask, *guide in cases:
        expected = inpainter(image, mask[..., 0], *(lines[..., 0] for lines in guide)).astype(int)
        completed = complete(image, mask, *guide).astype(int)
        levels = np.abs(completed - expected)
        psnr = _psnr(completed / HALF_RANGE, expected / HALF_RANGE, is_hole(mask))
        found.append(Difference(float(levels.max() / HALF_RANGE), psnr, int(levels.max())))
    return worst(found)


def float_inputs(image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None = None) -> list[np.ndarray]:
    """uint8 image, mask[, guide] -> float32: image in [-1, 1], 1 = hole[, 1 = line]."""
    masks = [is_hole(mask)] if guide is None else [is_hole(mask), is_line(guide)]
    return [to_float(image), *(x.astype(np.float32) for x in masks)]


def worst(differences: Sequence[Difference]) -> Difference:
    """One `Difference` with the worst of each."""
    return Difference(
        max(found.largest for found in differences),
        min(found.psnr for found in differences),
        max(found.levels for found in differences),
    )


def timed_in_turns(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, dict[str, float]]:
    """Times functions in turns, so that whatever else the machine does hits all of them.

    Args:
        calls: Name -> function without arguments.
        runs: Timed runs of each, after one that is not.

    Returns:
        Name -> {"seconds", "seconds_min", "processor_seconds"}: median and best wall-clock time of a run, and the
        median of what all cores together spent on it, which other work on the machine hardly changes.
    """
    for call in calls.values():
        call()
    spent = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            clock, processor = time.perf_counter(), time.process_time()
            call()
            spent[name].append((time.perf_counter() - clock, time.process_time() - processor))
    return {
        name: {
            "seconds": statistics.median(wall for wall, _ in times),
            "seconds_min": min(wall for wall, _ in times),
            "processor_seconds": statistics.median(processor for _, processor in times),
        }
        for name, times in spent.items()
    }


def _psnr(found: np.ndarray, wanted: np.ndarray, hole: np.ndarray) -> float:
    error = float(np.mean(np.square(np.asarray(found, np.float64) - wanted)[hole[..., 0]]))
    return EXACT_PSNR if error == 0 else min(EXACT_PSNR, float(10 * np.log10(4 / error)))
