"""Opens image files safely: from whatever is given as one, to pixels as they are stored or one line that says why not.

Only regular files are read, only picture formats that need no other program are tried, the number of pixels is known
from the header before anything is decoded, and of an animation only the first frame is decoded. Whatever a decoder
throws becomes a `UserError` that names the file.

Pillow decodes; OpenCV decodes TIFF files of more than 8 bits per channel, which Pillow shortens or refuses.
"""

import contextlib
import ctypes
import dataclasses
import functools
import importlib
import io
import logging
import os
import pathlib
import stat
import struct
import threading
import warnings
from collections.abc import Iterator

import numpy as np
import PIL
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from inpaint_tf.data import tiff_tags, wide_tiff
from inpaint_tf.data.tiff_tags import Directory
from inpaint_tf.errors import UserError, printable
from inpaint_tf.machine_memory import free_memory

# Without a handler, what Pillow logs about a file that it cannot read would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Pillow's names of the formats that are tried. No EPS or PDF, which start Ghostscript, and no vector graphics.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "ICO", "QOI", "PCX")
# Peak bytes per pixel of a photo with its mask and result: decoded, converted, and encoded again.
BYTES_PER_PIXEL = 24
LEAST_MAX_PIXELS = 64_000_000
# Larger files are no photos.
MAX_FILE_BYTES = 1 << 32
_STRIP_PIXELS = 1 << 20
# Text of PNG files may be so long, unpacked; Pillow's own limit is 1 MiB.
_MAX_TEXT_BYTES = 64 << 20

_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
HEIF_SUFFIXES = (".heic", ".heif", ".hif")
HEIF_ADVICE = "HEIC photos need the extra heif (pip install 'inpaint_tf[heif]')"


@dataclasses.dataclass(frozen=True)
class DecodedFile:
    """The first picture of a file, as stored: not yet turned upright.

    Attributes:
        image: 8-bit pixels as a Pillow image of any mode; None if there are `values`.
        values: Pixels of more than 8 bits, [H, W] or [H, W, 3 or 4] RGB(A), uint16, int32, uint32 or float32; or None.
        bits: Significant bits per channel that the file declares for `values`; None if it declares none.
        format: Pillow's name of the format; "MPO" is "JPEG".
        frames: Number of pictures in the file.
        tags: Its EXIF block or, for TIFF, its directory; None if there is none that can be read.
        info: What Pillow found besides: icc_profile, xmp, dpi, comment, text and so on.
        jpeg_tables: Quantisation tables of a JPEG; None for other formats.
        jpeg_sampling: Pillow's number of its chroma subsampling; -1 if it is none of those with a number.
        content: The whole file.
        notes: What its owner should know, one sentence each.
    """

    image: Image.Image | None
    values: np.ndarray | None
    bits: int | None
    format: str
    frames: int
    tags: Directory | None
    info: dict
    jpeg_tables: list | None
    jpeg_sampling: int
    content: bytes
    notes: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as stored."""
        if self.values is not None:
            return self.values.shape[0], self.values.shape[1]
        assert self.image is not None
        return self.image.height, self.image.width


def default_max_pixels() -> int:
    """Pixels that a photo may have unless told otherwise: what free memory allows, at least 64 million."""
    return max(LEAST_MAX_PIXELS, free_memory() // BYTES_PER_PIXEL)


def read_file(path: str | os.PathLike, most: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file.

    Raises:
        UserError: if there is none, or it is a folder, a pipe, a device, or larger than `most` bytes.
    """
    check_regular(path, most)
    try:
        return pathlib.Path(path).read_bytes()
    except (OSError, MemoryError) as error:
        raise UserError(f"{printable(path)} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def check_regular(path: str | os.PathLike, most: int = MAX_FILE_BYTES) -> None:
    """Raises UserError unless a path is a regular file of at most so many bytes. Never opens it."""
    name = printable(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise UserError(f"{name} is a link to {printable(os.readlink(path))}, which does not exist.") from None
        raise UserError(f"{name} does not exist.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if stat.S_ISDIR(found.st_mode):
        raise UserError(f"{name} is a folder, not an image file.")
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{name} is a pipe or device; only regular files are read, so save it as one first.")
    if found.st_size == 0:
        raise UserError(f"{name} is not an image that can be read: it is empty.")
    if found.st_size > most:
        raise UserError(f"{name} has {found.st_size / 2**30:.1f} GiB; at most {most / 2**30:.1f} GiB are read.")


def decode_file(path: str | os.PathLike, max_pixels: int | None = None) -> DecodedFile:
    """Reads and decodes the first picture of a file.

    Args:
        path: A regular file of one of `FORMATS`, or HEIC with the extra heif.
        max_pixels: Pixels that it may have; None is `default_max_pixels()`.

    Raises:
        UserError: if it is missing, no regular file, no image, damaged, or has too many pixels.
    """
    content = read_file(path)
    with _naming(path):
        return decode_bytes(content, max_pixels)


def picture_size(source, max_pixels: int | None = None) -> tuple[int, int]:
    """Height and width of a picture by its header, as stored.

    Args:
        source: A path, or the whole file's bytes.
        max_pixels: See `decode_file`.

    Raises:
        UserError: if it is no image, or has too many pixels; the path is not named.
    """
    with _decoder_errors(), _pillow_limits():
        size = _wide_tiff_size(source)
        if size is None:
            with _opened(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                size = image.height, image.width
        _check_pixels(*size, max_pixels)
        return size


def _wide_tiff_size(source) -> tuple[int, int] | None:
    content = source[:4] if isinstance(source, bytes) else _start(source)
    if content not in _TIFF_MARKS:
        return None
    content = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
    tags = tiff_tags.read_block(content)
    return (tags.number(wide_tiff.HEIGHT, 0), tags.number(wide_tiff.WIDTH, 0)) if wide_tiff.is_wide(tags) else None


def _start(path) -> bytes:
    with open(path, "rb") as file:
        return file.read(4)


def decode_bytes(content: bytes, max_pixels: int | None = None) -> DecodedFile:
    """`decode_file` for a file's bytes. The messages of its errors begin with "is", for a name to stand before them."""
    if not content:
        raise UserError("is not an image that can be read: it is empty.")
    with _decoder_errors():
        if content[:4] in _TIFF_MARKS:
            _silence_libtiff()
            wide = _decode_wide_tiff(content, max_pixels)
            if wide is not None:
                return wide
        with _pillow_limits():
            return _decode_with_pillow(content, max_pixels)


@functools.cache
def _silence_libtiff() -> None:
    """Keeps the TIFF library of Pillow's wheels from printing what it finds, which Pillow raises anyway."""
    libraries = pathlib.Path(PIL.__file__).parent.parent / "pillow.libs"
    for library in libraries.glob("libtiff*"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(str(library)).TIFFSetErrorHandler(None)


def pixels_of(image: Image.Image, mode: str | None = None) -> np.ndarray:
    """A Pillow image as an array of its own, uint8 [H, W] or [H, W, C], in another mode if wanted.

    By strips: converting and copying a large photo as a whole holds it three times more.
    """
    bands = len(mode or image.getbands())
    pixels = np.empty((image.height, image.width, bands)[: 3 if bands > 1 else 2], np.uint8)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        pixels[top : top + rows] = np.asarray(strip if mode in (None, strip.mode) else strip.convert(mode))
    return pixels


def _decode_with_pillow(content: bytes, max_pixels: int | None) -> DecodedFile:
    notes: list[str] = []
    try:
        image = _opened(io.BytesIO(content))
    except Exception as error:
        plain = without_metadata(content)
        if plain is None:
            raise
        try:
            image = _opened(io.BytesIO(plain))
        except Exception:
            raise error from None
        notes.append("its metadata is damaged and was dropped.")
    _check_pixels(image.height, image.width, max_pixels)
    kind = {"MPO": "JPEG", "DIB": "BMP"}.get(image.format or "", image.format or "")
    frames = _frames(image)
    tags = _tags(image, content)
    if kind == "TIFF" and tags is not None and tags.number(wide_tiff.ORIENTATION, 1) != 1:
        # Pillow would turn it by itself, and only sometimes say so.
        image = _opened(io.BytesIO(wide_tiff.with_number(content, tags, wide_tiff.ORIENTATION, 1)))
    image.load()
    info = dict(image.info)
    if texts := getattr(image, "text", None):
        info["text"] = dict(texts)
    sampling, tables = -1, None
    if kind == "JPEG":
        from PIL import JpegImagePlugin

        with contextlib.suppress(Exception):
            sampling = JpegImagePlugin.get_sampling(image)
            tables = [list(table) for _, table in sorted(getattr(image, "quantization", {}).items())]
    if frames > 1 and image.format != "MPO":  # MPO: a phone's JPEG, whose further pictures are previews.
        notes.append(f"only the first of {frames} frames was taken.")
    values, bits = None, None
    if kind == "PNG" and content[24] == 16:
        values, bits = _sixteen_bit_png(content, image)
    elif image.mode.startswith(("I", "F")):
        values = np.asarray(image)
    if values is not None:
        return DecodedFile(None, values, bits, kind, frames, tags, info, None, -1, content, tuple(notes))
    return DecodedFile(image, None, None, kind, frames, tags, info, tables, sampling, content, tuple(notes))


def _opened(source) -> Image.Image:
    """Reads the header only."""
    head = source.getvalue()[:12] if isinstance(source, io.BytesIO) else b""
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    if (head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS) or str(source).lower().endswith(HEIF_SUFFIXES):
        if not register_heif():
            raise UserError(f"is not read: {HEIF_ADVICE}.")
        formats.append("HEIF")
    return Image.open(source, formats=formats)


def register_heif() -> bool:
    """Whether HEIC photos can be read: with the package pi-heif, or pillow-heif, which stay optional."""
    for name in ("pi_heif", "pillow_heif"):
        try:
            importlib.import_module(name).register_heif_opener()
        except (ImportError, AttributeError, OSError):
            continue
        return True
    return False


def _frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # The end is missing; the first frame may be whole.
        return 1
    finally:
        with contextlib.suppress(Exception):
            image.seek(0)


def _tags(image: Image.Image, content: bytes) -> Directory | None:
    info = image.info
    block = content if image.format == "TIFF" else info.get("exif")
    block = block or raw_profile(info, "exif") or raw_profile(info, "APP1")
    try:
        return tiff_tags.read_block(block) if block else None
    except (ValueError, TypeError, struct.error):
        return None


def raw_profile(info: dict, name: str) -> bytes | None:
    """Bytes that ImageMagick writes into a PNG as text of hexadecimal digits; None if there are none."""
    text = info.get(f"Raw profile type {name}")
    if not isinstance(text, str):
        return None
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) or None
    except ValueError:
        return None


def _decode_wide_tiff(content: bytes, max_pixels: int | None) -> DecodedFile | None:
    try:
        tags = tiff_tags.read_block(content)
    except (ValueError, struct.error):
        return None
    if not wide_tiff.is_wide(tags):
        return None
    _check_pixels(tags.number(wide_tiff.HEIGHT, 0), tags.number(wide_tiff.WIDTH, 0), max_pixels)
    found = wide_tiff.wide_pixels(content, tags)
    if found is None:
        return None
    info = {}
    with contextlib.suppress(Exception), _pillow_limits():
        info = dict(_opened(io.BytesIO(content)).info)
    for name, tag in (("icc_profile", 34675), ("xmp", 700)):
        if tags.raw(tag):
            info.setdefault(name, tags.raw(tag))
    return DecodedFile(found.image, found.values, None, "TIFF", 1, tags, info, None, -1, content, found.notes)


def _sixteen_bit_png(content: bytes, image: Image.Image) -> tuple[np.ndarray, int | None]:
    """All 16 bits of a PNG, of which Pillow keeps 8 if it has colour or alpha, and the bits that sBIT declares."""
    bits = None
    for name, data in png_chunks(content):
        if name == b"sBIT" and data:
            bits = max(data)
    if image.mode.startswith("I") and "transparency" not in image.info:
        return np.asarray(image), bits
    values = wide_tiff.opencv_values(content)
    if values is None or values.dtype != np.uint16 or values.shape[:2] != (image.height, image.width):
        return np.asarray(image.convert("RGBA"), np.uint16) * 257, None
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[-1]]]  # OpenCV's order is BGR.
    return values, bits


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of the chunks of a PNG file, as far as they are whole; pixel data is left out."""
    position = 8
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        name = content[position + 4 : position + 8]
        if name != b"IDAT":
            yield name, content[position + 8 : position + 8 + length]
        position += 12 + length


def without_metadata(content: bytes) -> bytes | None:
    """A PNG or JPEG file without what is not needed to decode it; None for other formats."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        kept, position = [content[:8]], 8
        while position + 8 <= len(content):
            length = int.from_bytes(content[position : position + 4], "big")
            if content[position + 4 : position + 8] in (b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"IEND"):
                kept.append(content[position : position + 12 + length])
            position += 12 + length
        return b"".join(kept)
    if content[:2] != b"\xff\xd8":
        return None
    kept, position = [content[:2]], 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == 0xDA:
            break
        # APP0 and APP14 say how colours are stored.
        if not (0xE1 <= marker <= 0xEF and marker != 0xEE) and marker != 0xFE:
            kept.append(content[position : position + 2 + length])
        position += 2 + length
    return b"".join([*kept, content[position:]])


def _check_pixels(height: int, width: int, max_pixels: int | None) -> None:
    if height < 1 or width < 1:
        raise UserError(f"is damaged or cannot be read: it claims to have {width}x{height} pixels.")
    most = default_max_pixels() if max_pixels is None else max_pixels
    if height * width > most:
        raise UserError(
            f"is too large an image: {width}x{height} are {height * width / 1e6:.0f} million pixels, "
            f"{most / 1e6:.0f} million are accepted (--max_pixels)."
        )


_limits_lock, _limits_users, _limits_before = threading.Lock(), 0, None


@contextlib.contextmanager
def _pillow_limits() -> Iterator[None]:
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
def _decoder_errors() -> Iterator[None]:
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


@contextlib.contextmanager
def _naming(path: str | os.PathLike) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"{printable(path)} {error}") from error.__cause__
