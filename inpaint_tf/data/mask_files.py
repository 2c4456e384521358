"""Which pixels of a mask's file are hole, for masks as people make them.

Bright is hole. Two values are a mask whatever they are: 0 and 1, 0 and 100, two colours of a dark palette. Strokes may
be painted black or coloured on a transparent or white layer, or on a copy of the photo (`painted_copies`).
Whatever is decided by more than the plain threshold is said.
"""

import dataclasses
import os

import cv2
import numpy as np
from PIL import Image

from inpaint_tf.data.decoding import DecodedFile, decode_file, pixels_of
from inpaint_tf.data.metadata import orientation_of
from inpaint_tf.data.pixel_values import alpha_to_8_bits, to_8_bits
from inpaint_tf.data.upright import upright
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.pixels import MASK_THRESHOLD

# Difference between a colour's largest and smallest channel from which it counts as a colour.
_COLOURED = 64
# Grey levels that are neither dark nor bright; blurred edges have few of them, photos many.
_MIDDLE, _MOST_MIDDLE = (24, 231), 0.25
# So many dark levels are labels of objects, more are a dark mask with blurred edges.
_MOST_LABELS = 16
# Largest share of a photo that a hole usually has.
_LARGE_HOLE = 0.9

# Kinds of masks that are worth mentioning in a batch's summary.
NO_HOLE, LARGE_HOLE, COLOUR, GREY_LEVELS, GUESSED = (
    "no hole",
    "more than 90% hole",
    "colour",
    "many grey levels",
    "unusual values",
)


@dataclasses.dataclass(frozen=True)
class MaskReading:
    """What a mask's file says.

    Attributes:
        hole: bool [H, W], True = hole; upright.
        notes: What was decided, one sentence each.
        kinds: Of the constants above, those that apply.
        levels: uint8 [H, W] or [H, W, 3], the picture itself; None if it has two values or was resolved otherwise.
        orientation: EXIF orientation that was applied.
    """

    hole: np.ndarray
    notes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    orientation: int = 1

    @property
    def like_a_photo(self) -> bool:
        """Whether it has the levels or colours of a photo."""
        return COLOUR in self.kinds or GREY_LEVELS in self.kinds


def read_hole(
    path: str | os.PathLike, invert: bool = False, threshold: int = MASK_THRESHOLD, max_pixels: int | None = None
) -> MaskReading:
    """Reads a mask from a file.

    Args:
        path: A regular file of any format that photos may have.
        invert: Whether dark is hole instead.
        threshold: Grey level above which is bright, where there are more than two.
        max_pixels: See `decode_file`.

    Raises:
        UserError: if the file is missing, no image, damaged or too large.
    """
    file = decode_file(path, max_pixels)
    try:
        reading = _reading(file, threshold)
    except UserError as error:
        raise UserError(f"{printable(path)} {error}") from error
    except Exception as error:
        raise UserError(f"{printable(path)} is damaged or cannot be read: {reason(error)}.") from error
    orientation = orientation_of(file)
    hole = upright(reading.hole, orientation)
    levels = None if reading.levels is None else upright(reading.levels, orientation)
    return dataclasses.replace(reading, hole=~hole if invert else hole, levels=levels, orientation=orientation)


def read_mask(path: str | os.PathLike, invert: bool = False, threshold: int = MASK_THRESHOLD) -> np.ndarray:
    """The hole of `read_hole`: bool [H, W], True = hole."""
    return read_hole(path, invert, threshold).hole


def _reading(file: DecodedFile, threshold: int) -> MaskReading:
    if file.values is not None:
        values = file.values
        levels, _ = to_8_bits(values if values.ndim == 2 else values[..., :3], file.bits)
        alpha = alpha_to_8_bits(values[..., 3]) if values.ndim == 3 and values.shape[-1] == 4 else None
        return find_hole(levels, alpha, threshold)
    image = file.image
    assert image is not None
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        return _with_alpha(image, threshold)
    if image.mode in ("1", "L"):
        return find_hole(pixels_of(image, "L"), None, threshold)
    levels = pixels_of(image, "RGB")
    if image.mode == "P" and (levels == levels[0, 0]).all():
        levels = pixels_of(image)  # A palette of one colour: its numbers are what is left.
    return find_hole(levels, None, threshold)


def _with_alpha(image: Image.Image, threshold: int) -> MaskReading:
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    levels = np.array(image.convert("RGBA"))
    return find_hole(np.ascontiguousarray(levels[..., :3]), levels[..., 3], threshold)


def find_hole(levels: np.ndarray, alpha: np.ndarray | None = None, threshold: int = MASK_THRESHOLD) -> MaskReading:
    """The hole of a mask's pixels.

    Args:
        levels: uint8 [H, W] or [H, W, 3].
        alpha: uint8 [H, W], 255 = opaque; None if the mask has none.
        threshold: Grey level above which is bright.

    Returns:
        A `MaskReading`, not turned.
    """
    if levels.ndim == 3 and (levels[..., :1] == levels).all():
        levels = levels[..., 0]
    if alpha is not None and alpha.min() != alpha.max():
        resolved = _from_alpha(levels, alpha, threshold)
        if resolved is not None:
            return resolved
        shape = alpha.shape if levels.ndim == 2 else (*alpha.shape, 1)
        levels = (levels.astype(np.uint16) * alpha.reshape(shape) // 255).astype(np.uint8)
    elif alpha is not None and alpha.max() == 0:
        levels = np.zeros_like(levels)
    return _from_grey(levels, threshold) if levels.ndim == 2 else _from_colour(levels, threshold)


def _from_alpha(levels: np.ndarray, alpha: np.ndarray, threshold: int) -> MaskReading | None:
    """A hole that transparency decides on; None if what is painted is bright, or nothing is."""
    visible = alpha > MASK_THRESHOLD
    if not visible.any() or visible.all():
        return None
    painted = levels[visible].reshape(int(visible.sum()), -1).astype(np.int16)
    colour = np.median(painted[:: max(1, len(painted) // 100_000)], axis=0)
    plain = np.mean(np.max(np.abs(painted - colour), axis=-1) <= 16) > 0.9
    if plain and max(colour) - min(colour) < _COLOURED and np.mean(colour) > threshold:
        return None
    if plain and visible.mean() <= 0.5:
        what = "its opaque, painted part was taken as hole."
        return MaskReading(visible, (f"the mask is painted on transparency; {what}",), (GUESSED,))
    grey = painted.mean(axis=-1)
    if plain or np.mean((grey > _MIDDLE[0]) & (grey < _MIDDLE[1])) > _MOST_MIDDLE:
        note = "the mask is a picture with an erased part; the transparent part was taken as hole."
        return MaskReading(~visible, (note,), (GUESSED,))
    return None


def _from_grey(levels: np.ndarray, threshold: int) -> MaskReading:
    # NumPy's bincount would take eight times the mask's memory.
    counts = cv2.calcHist([np.ascontiguousarray(levels)], [0], None, [256], [0, 256]).ravel()
    found = np.flatnonzero(counts)
    low, high = int(found[0]), int(found[-1])
    if len(found) == 2:
        if low <= threshold < high:
            return MaskReading(levels == high)
        note = f"the mask has the values {low} and {high}; {high} was taken as hole."
        return MaskReading(levels == high, (note,), (GUESSED,))
    if len(found) > 1 and high <= threshold:
        above = low if len(found) <= _MOST_LABELS else (low + high) // 2
        note = f"the mask is dark, its brightest value is {high}; what is above {above} was taken as hole."
        return MaskReading(levels > above, (note,), (GUESSED,), levels)
    middle = counts[_MIDDLE[0] : _MIDDLE[1] + 1].sum() / levels.size
    if len(found) > _MOST_LABELS and middle > _MOST_MIDDLE:
        note = (
            f"the mask has many grey levels, {middle:.0%} of its pixels are neither dark nor bright; "
            f"what is above {threshold} was taken as hole."
        )
        return MaskReading(levels > threshold, (note,), (GREY_LEVELS,), levels)
    return MaskReading(levels > threshold, levels=levels if len(found) > 1 else None)


def _from_colour(levels: np.ndarray, threshold: int) -> MaskReading:
    brightest, darkest = levels.max(axis=-1), levels.min(axis=-1)
    two = _two_colours(levels)
    if two is not None:
        return _of_two_colours(levels, *two)
    grey = cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY)
    coloured = (brightest - darkest) >= _COLOURED
    share = float(coloured.mean())
    rest = grey[~coloured]
    if share > 0 and rest.size:
        background = float(np.median(rest))
        plain = np.mean(np.abs(rest.astype(np.int16) - background) <= 16) > 0.9
        if plain:
            hole = coloured if background > threshold else brightest > threshold
            note = f"the mask has coloured strokes on plain {'white' if background > threshold else 'dark'} ground; "
            if hole.any():
                return MaskReading(hole, (f"{note}the strokes were taken as hole.",), (GUESSED,), levels)
    reading = _from_grey(grey, threshold)
    if share > 0.02 and not reading.notes:
        note = f"the mask has colours; what is brighter than {threshold} was taken as hole."
        return dataclasses.replace(reading, notes=(note,), kinds=(COLOUR,), levels=levels)
    kinds = (*reading.kinds, COLOUR) if share > 0.02 and reading.like_a_photo else reading.kinds
    return dataclasses.replace(reading, kinds=kinds, levels=levels)


def looks_like_a_mask(pixels: np.ndarray) -> bool:
    """Whether a picture, uint8 [H, W, 3], has two colours at most, or is black and white but for soft edges."""
    if _two_colours(pixels) is not None:
        return True
    brightest = pixels.max(axis=-1)
    if np.mean(brightest - pixels.min(axis=-1) > 8) > 0.01:
        return False
    middle = np.mean((brightest > _MIDDLE[0]) & (brightest < _MIDDLE[1]))
    return bool(middle < 0.1 and brightest.min() <= _MIDDLE[0] and brightest.max() >= _MIDDLE[1])


def _two_colours(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    first = levels[0, 0]
    others = (levels != first).any(axis=-1)
    if not others.any():
        return first, first
    second = levels[np.unravel_index(np.argmax(others), others.shape)]
    return (first, second) if ((levels == second).all(axis=-1) | ~others).all() else None


def _of_two_colours(levels: np.ndarray, first: np.ndarray, second: np.ndarray) -> MaskReading:
    if (first == second).all():
        return MaskReading(np.full(levels.shape[:2], int(first.max()) > MASK_THRESHOLD))
    is_first = (levels == first).all(axis=-1)
    chroma = [int(colour.max()) - int(colour.min()) for colour in (first, second)]
    if (chroma[0] >= _COLOURED) != (chroma[1] >= _COLOURED):
        chosen = chroma[0] >= _COLOURED
    else:
        chosen = float(first @ [0.299, 0.587, 0.114]) > float(second @ [0.299, 0.587, 0.114])
    shown = [f"({', '.join(str(int(value)) for value in colour)})" for colour in (first, second)]
    note = f"the mask has the colours {shown[0]} and {shown[1]}; {shown[0 if chosen else 1]} was taken as hole."
    return MaskReading(is_first if chosen else ~is_first, (note,), (GUESSED,))


def hole_from_array(mask: np.ndarray) -> np.ndarray:
    """The hole of a mask that Python code gives, by the same rules as that of a file.

    Args:
        mask: bool or uint8, [H, W], [H, W, 1], or [H, W, 3] as OpenCV reads masks.

    Returns:
        bool [H, W].

    Raises:
        UserError: if it has the colours of a photo.
    """
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.dtype == np.bool_:
        return np.any(mask, axis=-1) if mask.ndim == 3 else mask
    if mask.ndim == 2 and mask.size and mask.min() <= MASK_THRESHOLD < mask.max():
        return mask > MASK_THRESHOLD
    if not mask.size:
        return mask.reshape(mask.shape[:2]) > 0
    reading = find_hole(mask)
    if COLOUR in reading.kinds:
        raise UserError("the mask has the colours of a photo; give a mask whose bright pixels are the hole.")
    return reading.hole


def resize_mask(hole: np.ndarray, height: int, width: int) -> np.ndarray:
    """A bool mask [H, W] in another size: where it shrinks, a pixel is hole if any that it covers is; else nearest."""
    if height < hole.shape[0]:
        hole = _any_touched(hole, height)
    if width < hole.shape[1]:
        hole = _any_touched(hole.T, width).T
    if hole.shape == (height, width):
        return np.ascontiguousarray(hole)
    return cv2.resize(hole.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT) > 0


def _any_touched(hole: np.ndarray, rows: int) -> np.ndarray:
    before = len(hole)
    starts = np.arange(rows) * before // rows
    ends = -(-np.arange(1, rows + 1) * before // rows)
    sums = np.zeros((before + 1, hole.shape[1]), np.int32)
    np.cumsum(hole, axis=0, dtype=np.int32, out=sums[1:])
    return sums[ends] > sums[starts]


def remarks(hole: np.ndarray) -> tuple[list[str], list[str]]:
    """Notes and kinds for a hole that is unusually large; an empty one is said where it is copied."""
    share = float(hole.mean())
    if share > _LARGE_HOLE:
        return [f"the hole covers {share:.0%} of the photo; --invert_mask if dark is the hole."], [LARGE_HOLE]
    return [], []


def sketch_remarks(lines: np.ndarray, hole: np.ndarray) -> list[str]:
    """A note on a sketch, bool [H, W], that has no line in the hole, bool [H, W], or nearly nothing else."""
    share = float(lines[hole].mean()) if hole.any() else 0.1
    if 0 < share <= 0.5:
        return []
    return [f"the sketch covers {share:.0%} of the hole; draw lines inside it, a few pixels wide (in a file, bright on "
            "dark)."]  # fmt: skip
