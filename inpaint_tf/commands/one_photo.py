"""One photo's way through the inpainter: read with its mask, checked against it, completed, written."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from inpaint_tf.commands.photo_jobs import Job
from inpaint_tf.data.image_files import WRITABLE, Photo, check_fits, read_photo, write_image
from inpaint_tf.data.mask_files import (
    NO_HOLE,
    MaskReading,
    looks_like_a_mask,
    read_hole,
    remarks,
    resize_mask,
    sketch_remarks,
)
from inpaint_tf.data.mask_layout import SAME_SHAPE, TURNED, distortion, turned_as_photo
from inpaint_tf.data.painted_copies import hole_from_difference, refuse_copy
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.files import write_bytes
from inpaint_tf.inference.hole_shapes import Margins, extended, feathered, grown
from inpaint_tf.pixels import LINE_THRESHOLD, composite

if TYPE_CHECKING:
    from inpaint_tf.inference.inpainter import Inpainter


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A job's photo and hole, checked against each other.

    Attributes:
        photo: The photo; where the hole is, it is opaque.
        hole: bool [H, W].
        notes: What was decided, one sentence each.
        kinds: What is worth mentioning in a batch's summary, see `data.mask_files`.
        guide: bool [H, W], the sketch's lines; None without one.
        feather: Width in pixels of the ring around `drawn` in which the fill fades.
        drawn: bool [H, W], the hole before it was widened by the ring.
    """

    photo: Photo
    hole: np.ndarray
    notes: list[str]
    kinds: tuple[str, ...] = ()
    guide: np.ndarray | None = None
    feather: int = 0
    drawn: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class HoleShape:
    """How a hole differs from its mask, see `inference.hole_shapes`.

    Attributes:
        grow: Pixels.
        feather: Pixels.
        extend: New borders, or None.
    """

    grow: int = 0
    feather: int = 0
    extend: Margins | None = None


def decode(
    job: Job,
    *,
    invert_mask: bool = False,
    fit_mask: bool = False,
    mask_from_difference: bool = False,
    max_pixels: int | None = None,
    shape: HoleShape = HoleShape(),
    takes_alpha: bool = True,
) -> Decoded:
    """Reads a job's photo and mask.

    Args:
        job: A `Job`.
        invert_mask: Whether dark (or opaque, for transparency) is hole.
        fit_mask: Whether a mask of another size is resized.
        mask_from_difference: Whether the mask is a copy of the photo on which the hole is painted.
        max_pixels: Pixels that photo, mask and sketch may have; None takes what free memory allows.
        shape: How the hole differs from the mask.
        takes_alpha: Whether a job without a mask takes the photo's transparency; else it has new borders alone.

    Raises:
        UserError: if either cannot be read, the sizes differ, the mask is no mask of this photo, there is no
            transparency to take the hole from, or the result would not fit into the output's format.
    """
    photo = read_photo(job.photo, max_pixels)
    height, width = photo.rgb.shape[:2]
    if shape.extend is not None:
        height, width = height + shape.extend.top + shape.extend.bottom, width + shape.extend.left + shape.extend.right
    for path in job.outputs():
        check_fits(path, height, width * 3 + 16 if path == job.extras.get("side_by_side") else width)
    notes = list(photo.notes)
    borders_alone = job.mask is None and not takes_alpha
    if borders_alone:
        reading = MaskReading(np.zeros(photo.rgb.shape[:2], bool))
    elif job.mask is None:
        if photo.alpha is None:
            raise UserError(f"{printable(job.photo)} has no transparency to take the hole from; give --mask.")
        reading = MaskReading((photo.alpha < 128) != invert_mask)
        photo.alpha = None
    elif mask_from_difference:
        reading = _difference(job.mask, photo, max_pixels)
    else:
        reading = read_hole(job.mask, invert_mask, max_pixels=max_pixels)
        reading = _of_the_photo(job, reading, photo, fit_mask, notes)
        notes += reading.notes
    hole = drawn = grown(reading.hole, shape.grow)
    if shape.feather:
        hole = grown(drawn, shape.feather)
    if mask_from_difference:
        notes += reading.notes
    if hole.all():
        raise UserError(
            f"the mask of {printable(job.photo)} covers the whole photo; some pixels must be known "
            "(--invert_mask if dark is the hole)."
        )
    said, large = remarks(hole)
    notes += said
    kinds = (*reading.kinds, *large, *([] if hole.any() or borders_alone else [NO_HOLE]))
    if photo.alpha is not None and (photo.alpha[hole] < 255).any():
        photo.alpha = np.where(hole, np.uint8(255), photo.alpha)
        notes.append("the photo was transparent in the hole; the fill is opaque.")
    if shape.extend is not None:
        photo.rgb, drawn = extended(photo.rgb, shape.extend, drawn)
        hole = grown(drawn, shape.feather)  # The fill of new borders fades into the photo too.
        if photo.alpha is not None:
            photo.alpha, _ = extended(photo.alpha, shape.extend)
            photo.alpha[hole] = 255
    guide = None if job.guide is None else _read_guide(job, photo, hole, shape.extend, max_pixels, notes)
    return Decoded(photo, hole, notes, kinds, guide, shape.feather, drawn)


def _difference(mask: pathlib.Path, photo: Photo, max_pixels: int | None) -> MaskReading:
    painted = read_photo(mask, max_pixels).rgb
    if painted.shape != photo.rgb.shape:
        raise UserError(
            f"{printable(mask)} is {_size(painted)}, the photo {_size(photo.rgb)}; --mask_from_difference needs a copy "
            "of the photo's size."
        )
    try:
        return hole_from_difference(photo.rgb, painted)
    except UserError as error:
        raise UserError(f"{printable(mask)}: {error}") from error


def _of_the_photo(job: Job, mask: MaskReading, photo: Photo, fit_mask: bool, notes: list[str]) -> MaskReading:
    """The mask in the photo's size and orientation, found not to be the photo; adds notes."""
    name = printable(job.mask)
    hole, target = mask.hole, photo.rgb.shape[:2]
    if mask.like_a_photo and looks_like_a_mask(photo.rgb):
        raise UserError(f"{printable(job.photo)} looks like a mask and {name} like a photo; were they swapped?")
    turned = turned_as_photo(mask, photo.orientation, target)
    if turned is not None:
        mask, hole = turned, turned.hole
        notes.append(f"the mask {TURNED}")
    if hole.shape != target:
        sizes = f"mask {name} is {_size(hole)}, photo {printable(job.photo)} is {_size(photo.rgb)}"
        same_shape = distortion(hole.shape, target) < SAME_SHAPE
        if not fit_mask:
            advice = ", or --resize_mask" if same_shape else "; their shapes differ, so it may belong to another photo"
            raise UserError(f"{sizes}; give a mask of the photo's size{advice}.")
        notes.append(f"the mask was resized from {_size(hole)} to {_size(photo.rgb)}"
                     f"{'.' if same_shape else '; their shapes differ, so it was distorted.'}")  # fmt: skip
        return dataclasses.replace(mask, hole=resize_mask(hole, *target), levels=None)
    try:
        refuse_copy(photo.rgb, mask)
    except UserError as error:
        raise UserError(f"the mask {name} {error}") from error
    return mask


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def _read_guide(
    job: Job, photo: Photo, hole: np.ndarray, extend: Margins | None, max_pixels: int | None, notes: list[str]
) -> np.ndarray:
    """The sketch's lines, bool [H, W]; adds a note if there are none or nothing but lines in the hole.

    A photo with new borders takes a sketch of its old size or of its new one, which may reach into the borders.
    """
    assert job.guide is not None
    reading = read_hole(job.guide, threshold=LINE_THRESHOLD, max_pixels=max_pixels)
    lines, old = reading.hole, hole
    if extend is not None:
        old = hole[extend.top : hole.shape[0] - extend.bottom, extend.left : hole.shape[1] - extend.right]
    turned = None if lines.shape == hole.shape else turned_as_photo(reading, photo.orientation, old.shape)
    if turned is not None:
        lines = turned.hole
        notes.append(f"the guide {TURNED}")
    size = f"photo {printable(job.photo)} is {_size(hole)}"
    if extend is not None:
        size = f"photo {printable(job.photo)} is {_size(old)}, {_size(hole)} with its new borders"
        if lines.shape == old.shape:
            lines, _ = extended(lines, extend)
    if lines.shape != hole.shape:
        raise UserError(
            f"guide {printable(job.guide)} is {_size(lines)}, {size}; "
            f"give a guide of {'its' if extend is None else 'either'} size."
        )
    notes += sketch_remarks(lines, hole)
    return lines


def complete(job: Job, decoded: Decoded, inpainter: "Inpainter", quality: int | None = None) -> list[str]:
    """Runs a decoded job and writes its outputs.

    Args:
        job: A `Job`.
        decoded: What `decode` gave for it.
        inpainter: The `Inpainter`.
        quality: Of JPEG and WebP, see `write_image`.

    Returns:
        Notes for the user, one sentence each.
    """
    # Imported here: what it imports needs TensorFlow, and bad input should be told before that is loaded.
    from inpaint_tf.visualize.flow import draw_flow
    from inpaint_tf.visualize.plan_picture import plan_picture
    from inpaint_tf.visualize.side_by_side import side_by_side

    photo, hole, notes = decoded.photo, decoded.hole, list(decoded.notes)
    result = inpainter.run(photo.rgb, hole, decoded.guide)
    completed = result.completed
    if decoded.feather and decoded.drawn is not None:
        completed = feathered(photo.rgb, completed, decoded.drawn, decoded.feather)
    pictures = {
        "coarse": lambda: composite(photo.rgb, hole, result.coarse),
        "flow": lambda: np.full_like(photo.rgb, 255) if not hole.any() else draw_flow(result, hole),
        "side_by_side": lambda: side_by_side(photo.rgb, hole, result),
        "plan": lambda: photo.rgb if result.plan is None else plan_picture(result.plan, photo.rgb, hole),
    }
    notes += result.notes
    if "flow" in job.extras and hole.any() and result.sources is None and result.offsets is None:
        raise UserError(
            "this model has no attention, so there is no flow to draw; add --detail=patches or leave out --output_flow."
        )
    if "plan" in job.extras and hole.any() and result.plan is None:
        raise UserError(
            "there is no plan to show: the run is full or at a working size; add --plan=hole --working_size=full, "
            "or leave out --show_plan."
        )
    extras = {path: pictures[name]() for name, path in job.extras.items()}
    for path in job.outputs():
        _make_parent(path)
    if not hole.any():
        notes.append("the mask has no hole; the photo was copied unchanged.")
    if not hole.any() and job.mask is not None and WRITABLE[job.output.suffix.lower()] == photo.format:
        write_bytes(job.output, job.photo.read_bytes())
    else:
        notes += write_image(job.output, completed, like=photo, quality=quality)
    for path, picture in extras.items():
        write_image(path, picture)
    return notes


def _make_parent(path: pathlib.Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {printable(path.parent)}: {reason(error)}.") from error
