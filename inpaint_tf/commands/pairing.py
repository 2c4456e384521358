"""Which mask and sketch belong to which photo, and under which name the completed photo is written."""

import os
import pathlib
import re
import unicodedata
from collections.abc import Sequence

from inpaint_tf.data.image_files import WRITABLE
from inpaint_tf.errors import printable

# "photo_mask", "photo-mask", "photo_mask001", "photo.mask.edited"; and "mask_photo".
_MASK_AFTER = re.compile(r"(?P<photo>.+?)[ _.-]masks?(?:[ _.-].*|\d*)", re.IGNORECASE)
_MASK_BEFORE = re.compile(r"masks?[ _.-](?P<photo>.+)", re.IGNORECASE)
_MOST_NAME_BYTES = 255


def photo_of_mask(stem: str) -> str | None:
    """The photo's name that a mask's name contains; None if it does not look like a mask's."""
    found = _MASK_AFTER.fullmatch(stem) or _MASK_BEFORE.fullmatch(stem)
    return found["photo"] if found else None


def same_file(first: str | os.PathLike, second: str | os.PathLike) -> bool:
    """Whether two paths are one file or folder."""
    try:
        return os.path.samefile(first, second)
    except OSError:  # A link that leads nowhere is still itself.
        return os.path.abspath(first) == os.path.abspath(second)


def name_key(stem: str) -> str:
    """Names that differ only in how accents are stored are one."""
    return unicodedata.normalize("NFC", stem)


class CompanionFolder:
    """The masks or sketches of a folder, found by the names of photos.

    Args:
        folder: The folder, for messages and for places below it.
        files: The masks or sketches.
        kind: "mask" or "sketch", for messages; a mask may also be called as its photo and "mask".
    """

    def __init__(self, folder: pathlib.Path, files: Sequence[pathlib.Path], kind: str = "mask"):
        self.folder, self.kind = folder, kind
        self._plain: dict[tuple[str, str], list[pathlib.Path]] = {}
        self._named: dict[tuple[str, str], list[pathlib.Path]] = {}
        for file in files:
            place = str(file.parent.relative_to(folder))
            self._plain.setdefault((place, name_key(file.stem)), []).append(file)
            photo = photo_of_mask(file.stem) if kind == "mask" else None
            if photo is not None:
                self._named.setdefault((place, name_key(photo)), []).append(file)

    def find(self, photo: pathlib.Path, place: str) -> tuple[pathlib.Path | None, str]:
        """The companion of a photo.

        Args:
            photo: The photo's file; it is never its own companion.
            place: Its folder, relative to that of all photos.

        Returns:
            The mask or sketch and a note ("" if there is nothing to say), or None and the reason why there is none.
        """
        for where in dict.fromkeys((place, ".")):
            key = (where, name_key(photo.stem))
            plain = [file for file in self._plain.get(key, []) if not same_file(file, photo)]
            named = [file for file in self._named.get(key, []) if not same_file(file, photo)]
            in_one_folder = any(same_file(file.parent, photo.parent) for file in plain)
            if in_one_folder and not named:
                names = " and ".join(sorted(printable(file.name) for file in (photo, plain[0])))
                return None, f"{names} have one name in one folder; name the mask {printable(photo.stem)}_mask."
            found = named if in_one_folder else [*plain, *named]
            if found:
                first, *others = (printable(file.name) for file in found)
                several = f"it has more than one {self.kind}; {first} was taken, not {', '.join(others)}."
                return found[0], several if others else ""
        return None, f"no {self.kind} of that name in {printable(self.folder)}."


def split_photos_and_masks(files: Sequence[pathlib.Path]) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Photos and masks of one folder that holds both, told apart by their names."""
    stems = {(file.parent, name_key(file.stem)) for file in files}
    masks = []
    for file in files:
        photo = photo_of_mask(file.stem)
        if photo is not None and (file.parent, name_key(photo)) in stems:
            masks.append(file)
    taken = set(masks)
    return [file for file in files if file not in taken], masks


def output_names(photos: Sequence[pathlib.Path], masks: Sequence[pathlib.Path | None]) -> list[pathlib.PurePath]:
    """A name for each photo's result, relative to the output folder, no two alike.

    A photo keeps its name, with .png for a suffix that cannot be written. Where names meet, photos of different
    folders keep their folders; then the old suffix, the mask's name or a number tells them apart.
    """
    parents = [os.path.abspath(photo.parent) for photo in photos]
    common = os.path.commonpath(parents) if parents else ""
    ways = (
        lambda i: pathlib.PurePath(output_name(photos[i])),
        lambda i: pathlib.PurePath(os.path.relpath(parents[i], common)) / output_name(photos[i]),
        lambda i: pathlib.PurePath(os.path.relpath(parents[i], common)) / _with_suffix_kept(photos[i]),
        lambda i: _with_mask(pathlib.PurePath(os.path.relpath(parents[i], common)), photos[i], masks[i]),
    )
    names: list[pathlib.PurePath] = [ways[0](i) for i in range(len(photos))]
    for way in ways[1:]:
        met = _meeting(names)
        if not met:
            return names
        for i in met:
            names[i] = way(i)
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        count = seen[str(name).lower()] = seen.get(str(name).lower(), 0) + 1
        if count > 1:
            names[i] = name.with_name(f"{name.stem}_{count}{name.suffix}")
    return names


def _meeting(names: Sequence[pathlib.PurePath]) -> list[int]:
    """Numbers of names that are not alone, also on file systems that ignore case."""
    counts: dict[str, int] = {}
    for name in names:
        counts[str(name).lower()] = counts.get(str(name).lower(), 0) + 1
    return [i for i, name in enumerate(names) if counts[str(name).lower()] > 1]


def output_name(photo: pathlib.Path) -> str:
    """The name of a photo's result: its own, with .png where its suffix cannot be written."""
    return photo.name if photo.suffix.lower() in WRITABLE else _shortened(photo.stem, ".png")


def _with_suffix_kept(photo: pathlib.Path) -> str:
    return photo.name if photo.suffix.lower() in WRITABLE else _shortened(photo.name, ".png")


def _with_mask(place: pathlib.PurePath, photo: pathlib.Path, mask: pathlib.Path | None) -> pathlib.PurePath:
    name = pathlib.PurePath(_with_suffix_kept(photo))
    return place / (_shortened(f"{name.stem}_{mask.stem}", name.suffix) if mask is not None else name)


def _shortened(stem: str, suffix: str) -> str:
    while len(os.fsencode(stem + suffix)) > _MOST_NAME_BYTES:
        stem = stem[:-1]
    return stem + suffix
