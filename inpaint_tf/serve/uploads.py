"""Bytes that a client sent -> photo or mask, and a result -> bytes. Sizes are checked by the header, before decoding.

Nothing touches the disk: `image_files` reads and writes files, and here these are files in memory where the system has
such, else in a folder that is removed at once.
"""

import contextlib
import io
import os
import pathlib
import re
import tempfile
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from inpaint_tf.data.image_files import Photo, read_mask, read_photo, write_image
from inpaint_tf.errors import UserError
from inpaint_tf.serve.errors import RequestError

# Pillow's name of an upload's format -> suffix of what comes back. Others come back as PNG.
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}
MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
}
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_MEMORY_FOLDER = pathlib.Path("/dev/shm")


def check_header(content: bytes, name: str, most_pixels: int) -> str:
    """Reads an image's format and size without decoding it.

    Args:
        content: The file.
        name: What to call it in an error.
        most_pixels: Limit.

    Returns:
        The suffix under which a result of the same format is written.

    Raises:
        RequestError: 415 if it is no image, 413 if it has too many pixels.
    """
    if not content:
        raise RequestError(400, f"{name} is empty; choose a photo.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                kind, (width, height) = image.format, image.size
    except Image.DecompressionBombError:
        raise RequestError(413, f"{name} has too many pixels; at most {most_pixels / 1e6:g} million.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        kind, (width, height) = "TIFF", _tiff_size(content, name)
    if width * height > most_pixels:
        raise RequestError(
            413,
            f"{name} has {width}x{height} = {width * height / 1e6:.1f} million pixels; at most "
            f"{most_pixels / 1e6:g} million are accepted: make it smaller first.",
        )
    return SUFFIXES.get(kind or "", ".png")


def decode_photo(content: bytes, name: str) -> Photo:
    """An uploaded photo, decoded as `inpaint` does it. Raises RequestError (415) if it is damaged."""
    with _as_file(content) as path, _named(path, name):
        return read_photo(path)


def decode_mask(content: bytes, name: str, **options) -> np.ndarray:
    """An uploaded mask, bool [H, W]; options as for `read_mask`. Raises RequestError (415) if it is damaged."""
    with _as_file(content) as path, _named(path, name):
        return read_mask(path, **options)


def encode_photo(suffix: str, rgb: np.ndarray, like: Photo | None) -> tuple[bytes, list[str]]:
    """A result in a format, with the metadata, alpha and greyness of the photo that it comes from.

    Args:
        suffix: A key of `MEDIA_TYPES`.
        rgb: uint8 [H, W, 3].
        like: The photo.

    Returns:
        The file, and notes on what the format could not hold.
    """
    with tempfile.TemporaryDirectory(dir=_MEMORY_FOLDER if _MEMORY_FOLDER.is_dir() else None) as folder:
        path = pathlib.Path(folder) / f"result{suffix}"
        with _named(path, "the result", 500):
            notes = write_image(path, rgb, like=like)
        return path.read_bytes(), notes


def encode_png(pixels: np.ndarray, profile: bytes | None = None) -> bytes:
    """uint8 [H, W, 3 or 4], or bool [H, W] -> a PNG, packed quickly rather than tightly."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG", compress_level=1, icc_profile=profile)
    return encoded.getvalue()


def safe_stem(name: str) -> str:
    """A client's file name -> its stem, fit to be part of a file name anywhere."""
    stem = pathlib.PurePosixPath(name.replace("\\", "/")).stem
    return re.sub(r"[^\w .()+-]", "_", stem).strip(" .")[:80] or "photo"


def _tiff_size(content: bytes, name: str) -> tuple[int, int]:
    """(width, height) of a TIFF that Pillow does not read, 16-bit colour above all."""
    try:
        if content[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no TIFF")
        file = io.BytesIO(content)
        directory = ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
        return int(directory[_TIFF_WIDTH]), int(directory[_TIFF_HEIGHT])
    except Exception:  # Whatever a broken header does to the parser, it is no image.
        raise RequestError(
            415, f"{name} is not an image that can be read; JPEG, PNG, WebP, TIFF, BMP and GIF are."
        ) from None


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[pathlib.Path]:
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("upload")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield pathlib.Path(f"/proc/self/fd/{descriptor}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "upload"
            path.write_bytes(content)
            yield path


@contextlib.contextmanager
def _named(path: pathlib.Path, name: str, status: int = 415) -> Iterator[None]:
    """Errors name the client's file, never a path of this machine."""
    try:
        yield
    except UserError as error:
        raise RequestError(status, str(error).replace(str(path), name)) from None
