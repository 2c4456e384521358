"""Bytes that a client sent -> photo or mask, and a result -> bytes. Sizes are checked by the header, before decoding.

Nothing touches the disk: `image_files` reads files, and here these are files in memory where the system has such, else
in a folder that is removed at once.
"""

import contextlib
import io
import os
import pathlib
import re
import tempfile
import urllib.parse
from collections.abc import Iterator

import numpy as np
from PIL import Image

from inpaint_tf.data import tiff_tags, wide_tiff
from inpaint_tf.data.decoding import picture_size
from inpaint_tf.data.image_files import Photo, encode_image, read_hole, read_photo
from inpaint_tf.data.mask_files import MaskReading
from inpaint_tf.errors import UserError
from inpaint_tf.serve.errors import RequestError

# Pillow's name of a photo's format -> suffix of what comes back. Others come back as PNG.
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}
MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
}
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
# No limit: ours is checked here, with words for those who cannot change it.
_ANY = 1 << 62


def check_header(content: bytes, name: str, most_pixels: int) -> None:
    """Reads an image's size without decoding it.

    Args:
        content: The file.
        name: What to call it in an error.
        most_pixels: Limit.

    Raises:
        RequestError: 400 if it is empty, 415 if it is no image, 413 if it has too many pixels.
    """
    if not content:
        raise RequestError(400, f"{name} is empty; choose a photo.")
    try:
        height, width = picture_size(content, _ANY)
    except UserError as error:
        size = _wide_tiff_size(content)
        if size is None:
            raise RequestError(415, f"{name} {error} JPEG, PNG, WebP, TIFF, BMP, GIF and AVIF are read.") from None
        height, width = size
    if height * width > most_pixels:
        raise RequestError(
            413,
            f"{name} has {width}x{height} = {width * height / 1e6:.1f} million pixels; at most "
            f"{most_pixels / 1e6:g} million are accepted: make it smaller first.",
        )


def decode_photo(content: bytes, name: str, most_pixels: int) -> Photo:
    """An uploaded photo, decoded as `inpaint` does it. Raises RequestError (415) if it is damaged."""
    with _as_file(content) as path, _named(path, name):
        return read_photo(path, most_pixels)


def decode_mask(content: bytes, name: str, most_pixels: int, **options) -> MaskReading:
    """An uploaded mask or sketch; options as for `read_hole`. Raises RequestError (415) if it is damaged."""
    with _as_file(content) as path, _named(path, name):
        return read_hole(path, max_pixels=most_pixels, **options)


def suffix_of(photo: Photo) -> str:
    """The suffix under which a result of a photo's format is written."""
    return SUFFIXES.get(photo.format, ".png")


def encode_photo(suffix: str, rgb: np.ndarray, like: Photo | None) -> tuple[bytes, list[str]]:
    """A result in a format, with the metadata, alpha and greyness of the photo that it comes from.

    Args:
        suffix: A key of `MEDIA_TYPES`.
        rgb: uint8 [H, W, 3].
        like: The photo.

    Returns:
        The file, and notes on what the format could not hold.
    """
    return encode_image(f"result{suffix}", rgb, like)


def encode_png(pixels: np.ndarray, profile: bytes | None = None) -> bytes:
    """uint8 [H, W, 3 or 4], or bool [H, W] -> a PNG, packed quickly rather than tightly."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG", compress_level=1, icc_profile=profile)
    return encoded.getvalue()


def safe_stem(name: str) -> str:
    """A client's file name -> its stem, fit to be part of a file name anywhere."""
    stem = pathlib.PurePosixPath(name.replace("\\", "/")).stem
    return re.sub(r"[^\w .()+-]", "_", stem).strip(" .")[:80] or "photo"


def content_disposition(kind: str, name: str) -> str:
    """The header for a file name, "inline" or "attachment": in UTF-8 (RFC 6266), and in ASCII for older clients."""
    plain = re.sub(r'[^ -~]|["\\]', "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"


def _wide_tiff_size(content: bytes) -> tuple[int, int] | None:
    """Height and width of a TIFF that Pillow does not read, 16-bit colour above all; None if it is none."""
    if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return None
    try:
        tags = tiff_tags.read_block(content)
        height, width = tags.number(_TIFF_HEIGHT, 0), tags.number(_TIFF_WIDTH, 0)
    except Exception:  # Whatever a broken header does to the parser, it is no image.
        return None
    return (height, width) if wide_tiff.is_wide(tags) and height > 0 and width > 0 else None


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
