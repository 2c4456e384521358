"""From files to files: which photo goes with which mask and output, and one photo's way through the inpainter."""

import dataclasses
import pathlib

import numpy as np

from inpaint_tf.data.image_files import (
    READABLE,
    WRITABLE,
    Photo,
    check_writable,
    read_mask,
    read_photo,
    resize_mask,
    write_image,
)
from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes
from inpaint_tf.pixels import LINE_THRESHOLD, composite

LIST_SUFFIXES = (".txt", ".flist", ".lst", ".tsv")
# Pictures that can be written besides the completed photo.
EXTRAS = ("coarse", "flow", "side_by_side", "plan")


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to complete.

    Attributes:
        photo: The photo's file.
        mask: The mask's file; None takes the photo's transparency.
        output: Where the completed photo goes.
        extras: Name in `EXTRAS` -> where that picture goes.
        guide: The file of the sketch that leads a guided model; None without guidance.
    """

    photo: pathlib.Path
    mask: pathlib.Path | None
    output: pathlib.Path
    extras: dict
    guide: pathlib.Path | None = None

    def outputs(self):
        """All files that the job writes."""
        return [self.output, *self.extras.values()]


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A job's photo and hole, checked against each other."""

    photo: Photo
    hole: np.ndarray
    notes: list
    guide: np.ndarray | None = None


def single_job(photo, mask, output, extras, guide=None):
    """The job of one photo. Raises UserError for paths that cannot be used."""
    photo, mask, output = pathlib.Path(photo), None if mask is None else pathlib.Path(mask), pathlib.Path(output)
    if mask is not None and mask.is_dir():
        raise UserError(f"the mask {mask} is a folder, the image {photo} is a file; give a mask file.")
    if output.is_dir():
        output = output / _output_name(photo)
    guide = None if guide is None else pathlib.Path(guide)
    for path in (photo, mask, guide):
        if path is not None and not path.exists():
            raise UserError(f"{path} does not exist.")
    if guide is not None and guide.is_dir():
        raise UserError(f"the guide {guide} is a folder, the image {photo} is a file; give a sketch file.")
    job = Job(photo, mask, output, {name: pathlib.Path(path) for name, path in extras.items()}, guide)
    _check_outputs([job])
    return job


def folder_jobs(photos, mask, output, extras, guide=None):
    """Jobs for a folder of photos, by name.

    Args:
        photos: Folder of photos.
        mask: Folder with a mask of the same stem (or stem + "_mask") for every photo, a single mask file for all,
            or None for the photos' transparency.
        output: Folder for completed photos, made if missing; so are the folders in `extras`.
        guide: Folder with a sketch of the same stem for every photo that shall be led by one, a single sketch for all,
            or None.

    Returns:
        Jobs, and photo -> why there is none for those without a mask.
    """
    photos = pathlib.Path(photos)
    found = sorted(path for path in photos.iterdir() if path.suffix.lower() in READABLE)
    if not found:
        raise UserError(f"{photos} holds no images ({' '.join(READABLE)}).")
    masks = {} if mask is None or pathlib.Path(mask).is_file() else _masks_by_stem(pathlib.Path(mask))
    pairs, failed = [], {}
    for path in found:
        if mask is None or pathlib.Path(mask).is_file():
            pairs.append((path, None if mask is None else pathlib.Path(mask)))
        elif path.stem in masks:
            pairs.append((path, masks[path.stem]))
        else:
            failed[path] = f"no mask of that name in {mask}."
    jobs = _many_jobs(pairs, output, extras)
    if guide is not None:
        guide = pathlib.Path(guide)
        guides = None if guide.is_file() else _by_stem(guide)
        jobs = [dataclasses.replace(job, guide=guide if guides is None else guides.get(job.photo.stem)) for job in jobs]
        if not any(job.guide for job in jobs):
            raise UserError(f"{guide} holds no sketch of the name of any photo in {photos}.")
    return jobs, failed


def list_jobs(list_file, output, extras):
    """Jobs for a list file: "photo<tab>mask" (or separated by spaces) a line, relative to the list; # comments."""
    list_file = pathlib.Path(list_file)
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the list {list_file} cannot be read: {error}.") from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = [word.strip() for word in line.split("\t")] if "\t" in line else line.split()
        if len(words) != 2:
            raise UserError(f'{list_file}, line {number}: expected "photo<tab>mask", found {line.strip()!r}.')
        pairs.append(tuple(list_file.parent / word for word in words))
    if not pairs:
        raise UserError(f"the list {list_file} is empty.")
    return _many_jobs(pairs, output, extras), {}


def decode(job, *, invert_mask=False, fit_mask=False):
    """Reads a job's photo and mask.

    Args:
        job: A `Job`.
        invert_mask: Whether dark (or opaque, for transparency) is hole.
        fit_mask: Whether a mask of another size is resized.

    Returns:
        A `Decoded`.

    Raises:
        UserError: if either cannot be read, the sizes differ, or there is no transparency to take the hole from.
    """
    photo = read_photo(job.photo)
    notes = list(photo.notes)
    if job.mask is None:
        if photo.alpha is None:
            raise UserError(f"{job.photo} has no transparency to take the hole from; give --mask.")
        hole = (photo.alpha < 128) != invert_mask
        photo.alpha = None
    else:
        hole = read_mask(job.mask, invert_mask)
        if hole.shape != photo.rgb.shape[:2]:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (hole.shape, photo.rgb.shape)]
            if not fit_mask:
                raise UserError(
                    f"mask {job.mask} is {sizes[0]}, photo {job.photo} is {sizes[1]}; "
                    "give a mask of the photo's size, or --resize_mask."
                )
            hole = resize_mask(hole, *photo.rgb.shape[:2])
            notes.append(f"the mask was resized from {sizes[0]} to {sizes[1]}.")
    if hole.all():
        raise UserError(
            f"the mask of {job.photo} covers the whole photo; some pixels must be known "
            "(--invert_mask if dark is the hole)."
        )
    return Decoded(photo, hole, notes, None if job.guide is None else _read_guide(job, hole, notes))


def _read_guide(job, hole, notes):
    """The sketch's lines, bool [H, W]; adds a note if there are none or nothing but lines in the hole."""
    lines = read_mask(job.guide, threshold=LINE_THRESHOLD)
    if lines.shape != hole.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (lines.shape, hole.shape)]
        raise UserError(f"guide {job.guide} is {sizes[0]}, photo {job.photo} is {sizes[1]}; give a guide of its size.")
    share = lines[hole].mean() if hole.any() else 0.0
    if hole.any() and (share == 0 or share > 0.5):
        notes.append(
            f"the guide has {share:.0%} bright pixels inside the hole; lines are drawn bright on dark, "
            "a few pixels wide."
        )
    return lines


def complete(job, decoded, inpainter):
    """Runs a decoded job and writes its outputs.

    Returns:
        Notes for the user, one sentence each.
    """
    # Imported here: what it imports needs TensorFlow, and bad input should be told before that is loaded.
    from inpaint_tf.visualize.flow import draw_hole_flow
    from inpaint_tf.visualize.plan_picture import plan_picture
    from inpaint_tf.visualize.side_by_side import side_by_side

    photo, hole, notes = decoded.photo, decoded.hole, list(decoded.notes)
    result = inpainter.run(photo.rgb, hole, decoded.guide)
    if not hole.any():
        notes.append("the mask has no hole; the photo was copied unchanged.")
    pictures = {
        "coarse": lambda: composite(photo.rgb, hole, result.coarse),
        "flow": lambda: draw_hole_flow(result.offsets, hole),
        "side_by_side": lambda: side_by_side(photo.rgb, hole, result),
        "plan": lambda: photo.rgb if result.plan is None else plan_picture(result.plan, photo.rgb, hole),
    }
    if "flow" in job.extras and hole.any() and result.offsets is None:
        raise UserError("this model has no attention, so there is no flow to draw; leave out --output_flow.")
    if "plan" in job.extras and hole.any() and result.plan is None:
        raise UserError("this is a full run, so there is no plan to show; leave out --show_plan.")
    extras = {path: pictures[name]() for name, path in job.extras.items()}
    if not hole.any() and job.output.suffix.lower() == job.photo.suffix.lower() and job.mask is not None:
        write_bytes(job.output, job.photo.read_bytes())
    else:
        notes += write_image(job.output, result.completed, like=photo)
    for path, picture in extras.items():
        write_image(path, picture)
    return notes


def _many_jobs(pairs, output, extras):
    folders = {name: pathlib.Path(path) for name, path in extras.items()}
    output = pathlib.Path(output)
    for folder in (output, *folders.values()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder}: {error.strerror or error}.") from error
    jobs = []
    for photo, mask in pairs:
        name = _output_name(photo)
        jobs.append(Job(photo, mask, output / name, {key: folder / name for key, folder in folders.items()}))
    _check_outputs(jobs)
    return jobs


def _check_outputs(jobs):
    """Raises UserError if outputs collide with each other or with what is read, or cannot be written."""
    read = {path.resolve() for job in jobs for path in (job.photo, job.mask, job.guide) if path is not None}
    seen = {}
    for job in jobs:
        for path in job.outputs():
            if path.resolve() in read:
                raise UserError(f"output {path} is one of the input files; name another file or folder.")
            if path.resolve() in seen:
                raise UserError(f"{job.photo} and {seen[path.resolve()]} would both be written to {path}.")
            seen[path.resolve()] = job.photo
    checked = set()
    for path in seen:
        if (path.parent, path.suffix) not in checked or path.is_dir():
            check_writable(path)
            checked.add((path.parent, path.suffix))


def _output_name(photo):
    return photo.name if photo.suffix.lower() in WRITABLE else f"{photo.stem}.png"


def _masks_by_stem(folder):
    masks = _by_stem(folder)
    for stem, path in list(masks.items()):
        masks.setdefault(stem.removesuffix("_mask"), path)
    return masks


def _by_stem(folder):
    """Stem -> image file of a folder, the last of several by name."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist.")
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in READABLE}
