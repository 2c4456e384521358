"""Pillow in bounds: our limits instead of its global ones, and whatever it throws as one line.

Its limits suit a program that opens files of strangers with nothing else in front; here the number of pixels is checked
before anything is decoded.
"""

import contextlib
import ctypes
import functools
import logging
import pathlib
import threading
import warnings
from collections.abc import Iterator

import PIL
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from inpaint_tf.errors import UserError

# Without a handler, what Pillow logs about a file that it cannot read would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Text of PNG files may be so long, unpacked; Pillow's own limit is 1 MiB.
_MAX_TEXT_BYTES = 64 << 20


_limits_lock, _limits_users, _limits_before = threading.Lock(), 0, None


@contextlib.contextmanager
def pillow_limits() -> Iterator[None]:
    """Within, our limits hold instead of Pillow's, which are global and too tight for phones and for long texts."""
    global _limits_users, _limits_before
    with _limits_lock:
        if _limits_users == 0:
            _limits_before = (
                Image.MAX_IMAGE_PIXELS,
                PngImagePlugin.MAX_TEXT_CHUNK,
                PngImagePlugin.MAX_TEXT_MEMORY,
                ImageFile.LOAD_TRUNCATED_IMAGES,
            )
            Image.MAX_IMAGE_PIXELS = None
            PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _MAX_TEXT_BYTES
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        _limits_users += 1
    try:
        yield
    finally:
        with _limits_lock:
            _limits_users -= 1
            if _limits_users == 0 and _limits_before is not None:
                (
                    Image.MAX_IMAGE_PIXELS,
                    PngImagePlugin.MAX_TEXT_CHUNK,
                    PngImagePlugin.MAX_TEXT_MEMORY,
                    ImageFile.LOAD_TRUNCATED_IMAGES,
                ) = _limits_before


@contextlib.contextmanager
def decoder_errors() -> Iterator[None]:
    """Turns whatever a decoder throws into a `UserError` that begins with "is".

    Pillow warns of what it mends; what it cannot mend it raises. So its warnings are not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError("is not an image that can be read.") from error
    except MemoryError as error:
        raise UserError("is too large an image for the free memory.") from error
    except Exception as error:
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"is damaged or cannot be read: {what}.") from error


@functools.cache
def silence_libtiff() -> None:
    """Keeps the TIFF library of Pillow's wheels from printing what it finds, which Pillow raises anyway."""
    libraries = pathlib.Path(PIL.__file__).parent.parent / "pillow.libs"
    for library in libraries.glob("libtiff*"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(str(library)).TIFFSetErrorHandler(None)
