"""Mask sets on disk: PNG files and a manifest that says exactly which they are.

`manifest.json` lists every mask with the hash of its pixels, its box and its area, and, for an evaluation protocol,
the image it belongs to: name, hash of the decoded pixels, how it is resized and cropped. The manifest's own hash is
what results carry: equal hashes mean the same pixels under the same masks, and nothing else is comparable.
"""

import dataclasses
import hashlib
import io
import json
import pathlib

import numpy as np
from PIL import Image

from inpaint_tf.data.image_files import read_mask
from inpaint_tf.errors import UserError, name_some
from inpaint_tf.files import write_bytes
from inpaint_tf.masks.sets import Hole

FORMAT = 1
FILE_NAME = "manifest.json"


@dataclasses.dataclass(frozen=True)
class ImageEntry:
    """One image of a protocol.

    Attributes:
        name: File name below the image folder, with "/".
        sha256: `pixel_hash` of the decoded RGB image.
        resize: (height, width) that the image is brought to first.
        crop: (top, left, height, width) that is then cut out.
    """

    name: str
    sha256: str
    resize: tuple[int, int]
    crop: tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class MaskEntry:
    """One mask of a set.

    Attributes:
        file: PNG file below the set's folder, 255 = hole.
        sha256: `pixel_hash` of the bool mask.
        size: (height, width).
        box: (top, left, height, width) of the hole's box.
        area: Share of the image that is hole.
        image: The image that it belongs to; None in a set without images.
    """

    file: str
    sha256: str
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    area: float
    image: ImageEntry | None = None


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The list of masks (and images) of a set.

    Attributes:
        name: The protocol or the kind of the masks.
        seed: Seed of all random draws.
        settings: What else decides on the content, e.g. the size; JSON values.
        entries: Tuple of `MaskEntry`.
    """

    name: str
    seed: int
    settings: dict
    entries: tuple[MaskEntry, ...]

    @property
    def hash(self):
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON form without the images' names."""
        content = dataclasses.asdict(self)
        for entry in content["entries"]:
            if entry["image"] is not None:
                del entry["image"]["name"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self):
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text):
        """Raises ValueError, KeyError or TypeError if the text is no manifest."""
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ValueError("another format version")
        entries = []
        for entry in content.pop("entries"):
            image = entry.pop("image")
            image = image and ImageEntry(**{key: _frozen(value) for key, value in image.items()})
            entries.append(MaskEntry(**{key: _frozen(value) for key, value in entry.items()}, image=image))
        return cls(entries=tuple(entries), **content)


def pixel_hash(array):
    """SHA-256 (hexadecimal) of an array's shape, type and values: the same picture gives the same hash in any file."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.name} {array.shape}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


def mask_entry(number, hole, image=None):
    """The entry of a `Hole` as number `number` of its set."""
    return MaskEntry(
        f"masks/{number:05d}.png", pixel_hash(hole.pixels), hole.pixels.shape, tuple(hole.box), hole.area, image
    )


def write_mask_set(folder, manifest, holes):
    """Writes masks and manifest; the manifest comes last, so a folder with a manifest is complete.

    Args:
        folder: Made if missing.
        manifest: `Manifest`.
        holes: The `Hole` of every entry, in order.

    Raises:
        UserError: if the folder holds another manifest, or cannot be written.
    """
    folder = pathlib.Path(folder)
    if (folder / FILE_NAME).exists():
        present = read_manifest(folder)
        if present.hash != manifest.hash:
            raise UserError(
                f"{folder} already holds the mask set {present.name} ({present.hash}), not {manifest.name} "
                f"({manifest.hash}); give another folder."
            )
    try:
        for parent in {(folder / entry.file).parent for entry in manifest.entries} | {folder}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write masks to {folder}: {error.strerror or error}.") from error
    for entry, hole in zip(manifest.entries, holes, strict=True):
        content = io.BytesIO()
        Image.fromarray(np.uint8(hole.pixels) * 255).save(content, "PNG")
        write_bytes(folder / entry.file, content.getvalue())
    write_bytes(folder / FILE_NAME, manifest.to_json().encode())


def read_manifest(folder):
    """The `Manifest` of a folder.

    Raises:
        UserError: if there is none, or it is damaged.
    """
    path = pathlib.Path(folder) / FILE_NAME
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder} holds no {FILE_NAME}; make a mask set with `inpaint-tf masks make`.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no manifest of a mask set: {error}.") from error


def check_mask_files(folder, manifest):
    """Finds missing mask files before anything runs.

    Raises:
        UserError: naming (up to ten of) the files.
    """
    folder = pathlib.Path(folder)
    missing = [entry.file for entry in manifest.entries if not (folder / entry.file).is_file()]
    if missing:
        raise UserError(f"{folder} lacks {name_some(missing)} of its manifest; make the mask set again.")


def read_hole(folder, entry):
    """The `Hole` of an entry, checked against the manifest.

    Raises:
        UserError: if the file is missing or not the mask that the manifest names.
    """
    pixels = read_mask(pathlib.Path(folder) / entry.file)
    if pixel_hash(pixels) != entry.sha256:
        raise UserError(f"{folder}/{entry.file} is not the mask of its manifest; make the mask set again.")
    return Hole(pixels, entry.box)


def _frozen(value):
    return tuple(value) if isinstance(value, list) else value
