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
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from inpaint_tf.data.image_files import read_mask
from inpaint_tf.errors import UserError, name_some, reading
from inpaint_tf.files import make_folder, regular_bytes, write_bytes
from inpaint_tf.masks.sets import Hole
from inpaint_tf.schema import (
    MOST_BYTES,
    any_value,
    finite,
    integer,
    list_of,
    mapping,
    matching,
    nullable,
    one_of,
    optional,
    parse_json,
    record,
    relative_path,
    text,
)

FORMAT = 1
FILE_NAME = "manifest.json"

_SIDE, _SHA256 = integer(1, 2**16), matching("[0-9a-f]{64}", "a SHA-256, 64 hexadecimal digits")
_SIZE, _BOX = list_of(_SIDE, 2), list_of(integer(0, 2**16), 4)
_IMAGE = record({"name": text, "sha256": _SHA256, "resize": _SIZE, "crop": _BOX})
_SCHEMA = record(
    {
        "format": one_of(FORMAT),
        "name": text,
        "seed": integer(0),
        "settings": mapping(any_value),
        "entries": list_of(
            record(
                {
                    # Masks are written under this name: it must not lead out of the set's folder.
                    "file": relative_path,
                    "sha256": _SHA256,
                    "size": _SIZE,
                    "box": _BOX,
                    "area": finite(0, 1),
                    "image": optional(nullable(_IMAGE)),
                }
            )
        ),
    }
)


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

    @property
    def photo(self) -> ImageEntry:
        """The image. Raises ValueError in a set without images."""
        if self.image is None:
            raise ValueError(f"{self.file} belongs to no image.")
        return self.image


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
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON form without the images' names."""
        content = dataclasses.asdict(self)
        for entry in content["entries"]:
            if entry["image"] is not None:
                del entry["image"]["name"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, content: str | bytes) -> "Manifest":
        """Raises ValueError if the JSON text, bytes or str, is no manifest."""
        parsed: dict[str, Any] = parse_json(content, _SCHEMA)
        del parsed["format"]
        entries = []
        for entry in parsed.pop("entries"):
            image = entry.pop("image", None)
            image = image and ImageEntry(**{key: _frozen(value) for key, value in image.items()})
            entries.append(MaskEntry(**{key: _frozen(value) for key, value in entry.items()}, image=image))
        return cls(entries=tuple(entries), **parsed)


def pixel_hash(array: np.ndarray) -> str:
    """SHA-256 (hexadecimal) of an array's shape, type and values: the same picture gives the same hash in any file."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.name} {array.shape}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


def mask_entry(number: int, hole: Hole, image: "ImageEntry | None" = None) -> MaskEntry:
    """The entry of a `Hole` as number `number` of its set."""
    return MaskEntry(f"masks/{number:05d}.png", pixel_hash(hole.pixels), hole.pixels.shape, hole.box, hole.area, image)


def write_mask_set(folder: str | pathlib.Path, manifest: Manifest, holes: Iterable[Hole]) -> None:
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
    for parent in {(folder / entry.file).parent for entry in manifest.entries} | {folder}:
        make_folder(parent)
    for entry, hole in zip(manifest.entries, holes, strict=True):
        content = io.BytesIO()
        Image.fromarray(hole.pixels.astype(np.uint8) * 255).save(content, "PNG")
        write_bytes(folder / entry.file, content.getvalue())
    write_bytes(folder / FILE_NAME, manifest.to_json().encode())


def read_manifest(folder: str | pathlib.Path) -> Manifest:
    """The `Manifest` of a folder.

    Raises:
        UserError: if there is none, or it is damaged.
    """
    path = pathlib.Path(folder) / FILE_NAME
    if not path.exists():
        raise UserError(f"{folder} holds no {FILE_NAME}; make a mask set with `inpaint-tf masks make`.")
    with reading(path, "a manifest of a mask set"):
        return Manifest.from_json(regular_bytes(path, MOST_BYTES))


def check_mask_files(folder: str | pathlib.Path, manifest: Manifest) -> None:
    """Finds missing mask files before anything runs.

    Raises:
        UserError: naming (up to ten of) the files.
    """
    folder = pathlib.Path(folder)
    missing = [entry.file for entry in manifest.entries if not (folder / entry.file).is_file()]
    if missing:
        raise UserError(f"{folder} lacks {name_some(missing)} of its manifest; make the mask set again.")


def read_hole(folder: str | pathlib.Path, entry: MaskEntry) -> Hole:
    """The `Hole` of an entry, checked against the manifest.

    Raises:
        UserError: if the file is missing or not the mask that the manifest names.
    """
    pixels = read_mask(pathlib.Path(folder) / entry.file)
    if pixel_hash(pixels) != entry.sha256:
        raise UserError(f"{folder}/{entry.file} is not the mask of its manifest; make the mask set again.")
    return Hole(pixels, entry.box)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
