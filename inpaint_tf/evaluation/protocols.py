"""Evaluation protocols, frozen under a name: which images, cut how, under which holes, with which seed.

A protocol never changes; a better one gets another name. Together with the image files it determines a `Manifest`
(`masks.manifest`), whose hash results carry. File names are not part of the hash, pixels are.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from inpaint_tf.data.image_files import READABLE, read_photo
from inpaint_tf.data.photo_lists import LIST_SUFFIXES, is_run_folder, read_list, scan_folder
from inpaint_tf.errors import UserError, name_some
from inpaint_tf.evaluation.kodak24 import KODAK24
from inpaint_tf.masks.manifest import ImageEntry, Manifest, MaskEntry, mask_entry, pixel_hash, read_hole
from inpaint_tf.masks.segments import LAMA, large_mask, segment_mask, shrunk_box_mask
from inpaint_tf.masks.sets import AREA_BINS, Hole, bounding_box, brush_hole, center_hole, training_box_hole
from inpaint_tf.progress import progress
from inpaint_tf.schema import is_below


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a protocol's name stands for.

    Attributes:
        name: The name.
        summary: One line for people.
        crop: "center": the short side is scaled to `size`, the middle is kept. "random": a random crop at the
            original scale; images with a shorter side than `size` are enlarged to it first. "none": the whole image.
        holes: Function (height, width, random) -> sequence of `Hole`, all of which are used on the image.
        seed: Of crops and holes; image number i draws from a generator seeded with (seed, i).
        size: Side of the square crop, pixels.
        images: Name -> `pixel_hash` of the images that it is about; None takes the user's.
    """

    name: str
    summary: str
    crop: str
    holes: Callable[[int, int, np.random.Generator], Sequence[Hole]]
    seed: int = 0
    size: int = 256
    images: dict | None = None


def _one_center_hole(height, width, random):
    return [center_hole(height, width)]


def _one_training_box(height, width, random):
    return [training_box_hole(height, width, random)]


def _brush_of_every_area(height, width, random):
    return [brush_hole(height, width, random, area) for area in AREA_BINS]


def _center_hole_of_256(height, width, random):
    return [center_hole(height, width, side=256)]


def _half_sided_center_hole(height, width, random):
    return [center_hole(height, width, side=height // 2)]


def _one_mask(make, **settings):
    """Holes of a protocol with one mask for each image, made by `make(height, width, random)`."""

    def holes(height, width, random):
        pixels = make(height, width, random, **settings)
        return [Hole(pixels, bounding_box(pixels))]

    return holes


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "kodak24_center128",
            "the 24 Kodak photos, short side scaled to 256, middle 256x256, hole = middle 128x128",
            "center",
            _one_center_hole,
            images=KODAK24,
        ),
        Protocol(
            "kodak24_full_center256",
            "the 24 Kodak photos as they are, 768x512 or 512x768, hole = middle 256x256",
            "none",
            _center_hole_of_256,
            images=KODAK24,
        ),
        Protocol(
            "center128",
            "your images, short side scaled to 256, middle 256x256, hole = middle 128x128",
            "center",
            _one_center_hole,
        ),
        Protocol(
            "paper_random_box",
            "your images, a random 256x256 crop each, a hole as in the paper's training inside a random 128x128 box",
            "random",
            _one_training_box,
            seed=1801,
        ),
        Protocol(
            "free_form",
            "your images, short side scaled to 256, middle 256x256, five brush masks each: one for every tenth of area",
            "center",
            _brush_of_every_area,
            seed=1806,
        ),
        *(
            Protocol(
                f"lama_{thickness}_{size}",
                f"your images, middle {size}x{size}, a {thickness} mask each after the settings of LaMa (WACV 2022)",
                "center",
                _one_mask(segment_mask, law=law),
                seed=2109,
                size=size,
            )
            for (thickness, size), law in LAMA.items()
        ),
        Protocol(
            "mat_large",
            "your images, middle 512x512, a large mask each after the settings of MAT (CVPR 2022)",
            "center",
            _one_mask(large_mask),
            seed=2203,
            size=512,
        ),
        Protocol(
            "center_half",
            "your images, short side scaled to 512, middle 512x512, hole = middle 256x256, as for CelebA-HQ",
            "center",
            _half_sided_center_hole,
            size=512,
        ),
        Protocol(
            "mmagic_box",
            "your images, middle 256x256, a box each of 88 to 128 px a side, 20 px from the border, as in MMagic",
            "center",
            _one_mask(shrunk_box_mask),
            seed=2022,
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """The `Protocol` of a name. Raises UserError listing the names."""
    if name not in PROTOCOLS:
        raise UserError(f"unknown protocol {name!r}; known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


class ImageSource:
    """Where images come from: a folder (searched through, sorted by path) or a list, see `data.photo_lists`.

    Args:
        path: The folder or the list; relative paths in a list are relative to the list.
        skip_bad: Whether images that are missing or cannot be read are left out, and named in `bad`.

    Attributes:
        names: Of the images, relative to the folder or the list where they lie below it.
        bad: Name -> why the image is left out.
        notes: What else of the folder was left out, a line each.

    Raises:
        UserError: if there is no such thing, it holds no images, or files of the list are missing (all are named).
    """

    def __init__(self, path: str | pathlib.Path, skip_bad: bool = False) -> None:
        self.path, self.skip_bad = pathlib.Path(path), skip_bad
        self.bad: dict[str, str] = {}
        self.notes: list[str] = []
        if self.path.is_dir():
            self._root = self.path
            scan = scan_folder(self.path, recursive=True, skip=is_run_folder)
            self.names = sorted(file.relative_to(self.path).as_posix() for file in scan.photos)
            self.notes = [*scan.summary(), *(f"{file} {why}" for file, why in scan.unreadable.items())]
        elif self.path.suffix.lower() in LIST_SUFFIXES and self.path.is_file():
            self._root = self.path.parent
            found = read_list(self.path, (1, 2))
            self.names = [self._name(row.paths[0]) for row in found.rows]
            if found.repeated:
                self.notes.append(f"{found.repeated} lines of the list say an image again; each is taken once.")
        else:
            raise UserError(
                f"images {self.path}: a folder of images or a list of paths ({' '.join(LIST_SUFFIXES)}) is needed."
            )
        if not self.names:
            raise UserError(f"{self.path} holds no images ({' '.join(READABLE)}).")
        if skip_bad:
            self.leave_out({name: "is missing" for name in self.names if not (self._root / name).is_file()})
        self.check(self.names)

    def _name(self, file):
        return file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else str(file)

    def leave_out(self, bad: dict[str, str]) -> None:
        """Takes images, name -> reason, out of `names`. Raises UserError if none is left, or `skip_bad` is not set."""
        if not bad:
            return
        if not self.skip_bad or len(bad) == len(self.names):
            first = "; ".join(f"{name} ({why})" for name, why in list(bad.items())[:3])
            more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
            advice = "" if self.skip_bad else " --skip_bad leaves them out."
            raise UserError(
                f"{self.path}: {len(bad)} of {len(self.names)} images cannot be used: {first}{more}.{advice}"
            )
        self.bad.update(bad)
        self.names = [name for name in self.names if name not in bad]

    def check(self, names: Sequence[str]) -> None:
        """Raises UserError naming the files that are missing, or outside of what the user named as images."""
        own = set(self.names)
        outside = [name for name in names if name not in own and not is_below(name)]
        if outside:
            raise UserError(f"{self.path}: a manifest must not name images outside of it: {name_some(outside)}.")
        missing = [name for name in names if not (self._root / name).is_file()]
        if missing:
            raise UserError(f"{self.path}: missing images: {name_some(missing)}.")

    def read(self, name: str) -> np.ndarray:
        """uint8 [H, W, 3] RGB of an image. Raises UserError if it is missing or damaged."""
        return read_photo(self._root / name).rgb


def prepare(protocol: Protocol, source: ImageSource) -> tuple[Manifest, list[Hole]]:
    """Works out a protocol on images.

    Args:
        protocol: `Protocol`.
        source: `ImageSource`.

    Returns:
        The `Manifest`, and the `Hole` of every entry.

    Raises:
        UserError: if images that the protocol names are missing (all are named), or an image is damaged.
    """
    entries, holes = [], []
    for number, (name, image) in enumerate(_images(protocol, source)):
        random = np.random.default_rng((protocol.seed, number))
        geometry = _geometry(protocol, image.shape[:2], random)
        resize, crop = geometry
        image_entry = ImageEntry(name, pixel_hash(image), resize, crop)
        for hole in protocol.holes(crop[2], crop[3], random):
            entries.append(mask_entry(len(entries), hole, image_entry))
            holes.append(hole)
    settings = {"size": protocol.size, "crop": protocol.crop}
    return Manifest(protocol.name, protocol.seed, settings, tuple(entries)), holes


def load(entry: MaskEntry, source: ImageSource, folder: str | pathlib.Path) -> tuple[np.ndarray, Hole]:
    """One entry's image and hole, checked against the manifest.

    Args:
        entry: `MaskEntry` with an image.
        source: `ImageSource`.
        folder: Folder of the mask set.

    Returns:
        uint8 [size, size, 3] RGB and its `Hole`.

    Raises:
        UserError: if image or mask are missing, damaged, or not those of the manifest.
    """
    image = source.read(entry.photo.name)
    if pixel_hash(image) != entry.photo.sha256:
        raise UserError(
            f"{source.path}/{entry.photo.name} is not the image of the manifest (other pixels under the same name); "
            "evaluate on the images that the mask set was made for."
        )
    return cut(image, entry.photo.resize, entry.photo.crop), read_hole(folder, entry)


def cut(image: np.ndarray, resize: tuple[int, int], crop: tuple[int, int, int, int]) -> np.ndarray:
    """Resizes to (height, width), INTER_AREA down and INTER_CUBIC up, and cuts (top, left, height, width) out."""
    if tuple(resize) != image.shape[:2]:
        smaller = resize[0] < image.shape[0]
        interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        image = cv2.resize(image, (resize[1], resize[0]), interpolation=interpolation)
    top, left, height, width = crop
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _images(protocol, source):
    """Pairs of name and decoded image: the user's in order, or those that the protocol names, in its order."""
    if protocol.images is None:
        yield from _readable(source)
        return
    found, wanted = {}, set(protocol.images.values())
    for name, image in _readable(source):
        if (digest := pixel_hash(image)) in wanted:
            found[digest] = (name, image)
    missing = [name for name, digest in protocol.images.items() if digest not in found]
    if missing:
        raise UserError(f"{source.path} lacks images of {protocol.name}, by their pixels: {name_some(missing, 24)}.")
    for digest in protocol.images.values():
        yield found[digest]


def _readable(source):
    """Pairs of name and decoded image; those that cannot be read are left out together, at the end."""
    bad = {}
    for name in progress(source.names, len(source.names), "image read"):
        try:
            image = source.read(name)
        except UserError as error:
            bad[name] = str(error).rstrip(".")
            continue
        yield name, image
    source.leave_out(bad)


def _geometry(protocol, size, random):
    """(height, width) to resize to and (top, left, height, width) to cut."""
    if protocol.crop == "none":
        return (size[0], size[1]), (0, 0, size[0], size[1])
    short, side = min(size), protocol.size
    if protocol.crop == "center" or short < side:
        size = tuple(round(length * side / short) for length in size)
    spare = [length - side for length in size]
    if protocol.crop == "center":
        corner = [length // 2 for length in spare]
    else:
        corner = [int(random.integers(length + 1)) for length in spare]
    return (size[0], size[1]), (corner[0], corner[1], side, side)
