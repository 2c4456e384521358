"""Which photo is completed with which mask, and where the result goes; `one_photo` does the work on one of them."""

import dataclasses
import glob
import os
import pathlib
import re
from collections.abc import Sequence

from inpaint_tf.commands.pairing import (
    CompanionFolder,
    output_name,
    output_names,
    same_file,
    split_photos_and_masks,
)
from inpaint_tf.data.image_files import READABLE, WRITABLE, check_writable
from inpaint_tf.data.photo_lists import existing, read_list, scan_folder
from inpaint_tf.errors import UserError, printable

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
    extras: dict[str, pathlib.Path]
    guide: pathlib.Path | None = None

    def outputs(self) -> list[pathlib.Path]:
        """All files that the job writes."""
        return [self.output, *self.extras.values()]


@dataclasses.dataclass
class Batch:
    """What there is to do.

    Attributes:
        jobs: One for each photo that has a mask.
        failed: Photo, or place in a list -> why there is no job for it.
        notes: What was left out or decided, a line each.
        many: Whether there may be several photos.
    """

    jobs: list[Job]
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    many: bool = True


def user_path(text: str, flag: str) -> pathlib.Path:
    """A path as somebody writes it: ~ is their home, accents as the file's name has them.

    Raises:
        UserError: for nothing, "-", and web addresses.
    """
    if not text.strip():
        raise UserError(f"--{flag} is empty; name a file or folder, or leave it out.")
    if text == "-":
        raise UserError(f"--{flag}=-: standard input and output are not used; name a file.")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise UserError(f"--{flag}={printable(text)} is a web address; download it and name the file.")
    return existing(pathlib.Path(os.path.expanduser(text)))


def single_job(photo, mask, output, extras, guide=None) -> Batch:
    """The job of one photo.

    Args:
        photo: The photo's file.
        mask: Its mask's file, or None for its transparency.
        output: Where the result goes, as text: a file, or a folder, which also a final "/" says.
        extras: Name in `EXTRAS` -> where that picture goes.
        guide: Sketch for a guided model, or None.

    Raises:
        UserError: for paths that cannot be used.
    """
    photo, mask = pathlib.Path(photo), None if mask is None else pathlib.Path(mask)
    if mask is not None and mask.is_dir():
        raise UserError(f"the mask {printable(mask)} is a folder, the image {printable(photo)} is a file; "
                        "give a mask file.")  # fmt: skip
    folder = str(output).endswith(("/", os.sep))
    output = pathlib.Path(output)
    if folder or output.is_dir():
        output = output / output_name(photo)
    guide = None if guide is None else pathlib.Path(guide)
    for path in (photo, mask, guide):
        if path is not None and not os.path.lexists(path):
            raise UserError(f"{printable(path)} does not exist.")
    if guide is not None and guide.is_dir():
        raise UserError(f"the guide {printable(guide)} is a folder, the image {printable(photo)} is a file; "
                        "give a sketch file.")  # fmt: skip
    if mask is not None and same_file(photo, mask):
        raise UserError(f"{printable(photo)} was given as photo and as its mask; give a mask of its own.")
    job = Job(photo, mask, output, {name: pathlib.Path(path) for name, path in extras.items()}, guide)
    _check_outputs([job])
    return Batch([job], many=False)


def folder_jobs(photos, mask, output, extras, guide=None, recursive=False) -> Batch:
    """Jobs for a folder of photos, by name.

    Args:
        photos: Folder of photos.
        mask: Folder with a mask of the same name for every photo (or its name and "_mask", or "mask_" and its name),
            which may be that of the photos; a single mask file for all; or None for the photos' transparency.
        output: Folder for completed photos; so are the paths in `extras`.
        guide: Folder with a sketch of the same stem (in the same place below it, or at its top) for every photo that
            shall be led by one, a single sketch for all, or None.
        recursive: Whether folders below are searched too; their places are kept in the output.
    """
    photos = pathlib.Path(photos)
    mask = None if mask is None else pathlib.Path(mask)
    own = [path for path in (output, mask, guide, *extras.values()) if path is not None and os.path.isdir(path)]
    own = [path for path in own if not same_file(path, photos)]
    scan = scan_folder(photos, recursive, skip=lambda folder: any(same_file(folder, path) for path in own))
    batch = Batch([], {str(path): why for path, why in scan.unreadable.items()}, scan.summary())
    found = scan.photos
    masks = None
    if mask is not None and mask.is_dir():
        if same_file(mask, photos):
            found, files = split_photos_and_masks(found)
            files = [*files, *found]
        else:
            mask_scan = scan_folder(mask, recursive=True)
            files = mask_scan.photos
            batch.notes += [f"of the masks, {line}" for line in mask_scan.summary()]
        masks = CompanionFolder(mask, files)
    # A mask or sketch for all that lies beside the photos is none of them.
    found = [photo for photo in found if not any(path and same_file(photo, path) for path in (mask, guide))]
    if not found and not batch.failed:
        left = f" {'; '.join(scan.summary())}." if scan.left_out else ""
        raise UserError(f"{printable(photos)} holds no images ({' '.join(READABLE)}).{left}")
    pairs = []
    for photo in found:
        if masks is None:
            pairs.append((photo, mask))
            continue
        chosen, note = masks.find(photo, str(photo.parent.relative_to(photos)))
        if chosen is None:
            batch.failed[str(photo)] = note
        else:
            pairs.append((photo, chosen))
            batch.notes += [f"{printable(photo)}: {note}"] * bool(note)
    batch.jobs = _many_jobs(pairs, output, extras, photos if recursive else None)
    if guide is not None:
        batch.jobs = _guided(batch, pathlib.Path(guide), photos)
        _check_outputs(batch.jobs)
    return batch


def list_jobs(list_file, output, extras, mask=None) -> Batch:
    """Jobs for a list file, see `data.photo_lists`; paths are relative to the list.

    Args:
        list_file: The list: "photo<tab>mask" per line, or a photo per line if there is a mask for all, or none.
        output: Folder for completed photos; so are the paths in `extras`.
        mask: A mask file for all, a folder of masks by name, or None if the list names them.
    """
    found = read_list(list_file, (1,) if mask is not None else (2,))
    shown = printable(list_file)
    if not found.rows and found.bad:
        number, why = next(iter(found.bad.items()))
        advice = "" if mask is not None else "; --mask gives one mask, or a folder of them, to a list of photos"
        raise UserError(f"{shown}, line {number}: {why}{advice}.")
    if not found.rows:
        raise UserError(f"the list {shown} is empty.")
    batch = Batch([], {f"{shown}, line {number}": f"{why}." for number, why in found.bad.items()})
    if found.repeated:
        batch.notes.append(f"{shown} says {found.repeated} lines twice; each was taken once.")
    if mask is None:
        pairs = [(row.paths[0], row.paths[1]) for row in found.rows]
    else:
        pairs = _with_masks([row.paths[0] for row in found.rows], pathlib.Path(mask), batch)
    batch.jobs = _many_jobs(pairs, output, extras)
    return batch


def glob_jobs(pattern, mask, output, extras) -> Batch:
    """Jobs for the photos that a pattern like photos/*.jpg matches; the mask as for a folder."""
    found = [pathlib.Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    photos = [path for path in found if path.is_file() and path.suffix.lower() in READABLE]
    if not photos:
        raise UserError(f"--image={printable(pattern)} matches no photo ({' '.join(READABLE)}).")
    batch = Batch([])
    others = len(found) - len(photos)
    if others:
        batch.notes.append(f"left out, {others} that {printable(pattern)} matches and that are no photos.")
    pairs = [(photo, None) for photo in photos] if mask is None else _with_masks(photos, pathlib.Path(mask), batch)
    batch.jobs = _many_jobs(pairs, output, extras)
    return batch


def _with_masks(photos, mask, batch) -> list[tuple[pathlib.Path, pathlib.Path | None]]:
    """Pairs for a mask file or a folder of masks; photos without one go to the batch's failures."""
    if not mask.is_dir():
        return [(photo, mask) for photo in photos if not same_file(photo, mask)]
    scan = scan_folder(mask, recursive=True)
    masks = CompanionFolder(mask, scan.photos)
    pairs = []
    for photo in photos:
        chosen, note = masks.find(photo, ".")
        if chosen is None:
            batch.failed[str(photo)] = note
        else:
            pairs.append((photo, chosen))
            batch.notes += [f"{printable(photo)}: {note}"] * bool(note)
    return pairs


def _guided(batch, guide, photos) -> list[Job]:
    """The batch's jobs with their sketches; adds notes if a folder has none, or several, for some of them."""
    if guide.is_file():
        return [dataclasses.replace(job, guide=guide) for job in batch.jobs]
    if not guide.is_dir():
        raise UserError(f"{printable(guide)} does not exist.")
    if same_file(guide, photos):
        raise UserError(f"{printable(guide)} was given as photos and as their sketches; give the sketches a folder.")
    guides = CompanionFolder(guide, scan_folder(guide, recursive=True).photos, "sketch")
    jobs = []
    for job in batch.jobs:
        chosen, note = guides.find(job.photo, str(job.photo.parent.relative_to(photos)))
        jobs.append(dataclasses.replace(job, guide=chosen))
        batch.notes += [f"{printable(job.photo)}: {note}"] * bool(chosen and note)
    without = sum(job.guide is None for job in jobs)
    if jobs and without == len(jobs):
        raise UserError(f"{printable(guide)} holds no sketch of the name of any photo in {printable(photos)}.")
    if without:
        batch.notes.append(f"{without} of {len(jobs)} photos have no sketch of their name in {printable(guide)}.")
    return jobs


def _many_jobs(
    pairs: Sequence[tuple[pathlib.Path, pathlib.Path | None]], output, extras, root: pathlib.Path | None = None
) -> list[Job]:
    """Jobs for pairs of photo and mask; below `root` photos keep their places."""
    folders = {name: pathlib.Path(path) for name, path in extras.items()}
    output = pathlib.Path(output)
    for folder in (output, *folders.values()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {printable(folder)}: {error.strerror or error}.") from error
    photos, masks = [photo for photo, _ in pairs], [mask for _, mask in pairs]
    if root is None:
        names = output_names(photos, masks)
    else:
        names = [pathlib.PurePath()] * len(photos)
        for place in dict.fromkeys(photo.parent for photo in photos):
            inside = [i for i, photo in enumerate(photos) if photo.parent == place]
            named = output_names([photos[i] for i in inside], [masks[i] for i in inside])
            for i, name in zip(inside, named):
                names[i] = pathlib.PurePath(place.relative_to(root)) / name
    jobs = []
    for photo, mask, name in zip(photos, masks, names):
        # Of pictures that show numbers, JPEG would change them.
        drawn = name if WRITABLE[name.suffix.lower()] not in ("JPEG", "WEBP") else name.with_suffix(".png")
        jobs.append(Job(photo, mask, output / name, {key: folder / drawn for key, folder in folders.items()}))
    _check_outputs(jobs)
    return jobs


def _check_outputs(jobs: Sequence[Job]) -> None:
    """Raises UserError if outputs collide with each other or with what is read, or cannot be written."""
    read = {path.resolve() for job in jobs for path in (job.photo, job.mask, job.guide) if path is not None}
    seen: dict[pathlib.Path, pathlib.Path] = {}
    for job in jobs:
        for path in job.outputs():
            if path.resolve() in read:
                raise UserError(f"output {printable(path)} is one of the input files; name another file or folder.")
            if path.resolve() in seen:
                raise UserError(
                    f"{printable(job.photo)} and {printable(seen[path.resolve()])} would both be written to "
                    f"{printable(path)}."
                )
            seen[path.resolve()] = job.photo
    checked = set()
    for job in jobs:
        for path in job.outputs():
            if (path.parent, path.suffix) not in checked or path.is_dir():
                check_writable(path, make_parent=True)
                checked.add((path.parent, path.suffix))
