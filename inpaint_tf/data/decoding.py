"""Opens image files safely: from whatever is given as one, to pixels as they are stored or one line that says why not.

Only regular files are read, only picture formats that need no other program are tried, the number of pixels is known
from the header before anything is decoded, and of an animation only the first frame is decoded. Whatever a decoder
throws becomes a `UserError` that names the file.

Pillow decodes; OpenCV decodes TIFF files of more than 8 bits per channel, which Pillow shortens or refuses.
"""

import contextlib
import dataclasses
import importlib
import io
import os
import pathlib
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from inpaint_tf.data import tiff_tags, wide_tiff
from inpaint_tf.data.file_structure import TIFF_MARKS, is_heif, is_wide_png, png_chunks, raw_profile, without_metadata
from inpaint_tf.data.pillow_guards import decoder_errors, pillow_limits, silence_libtiff
from inpaint_tf.data.regular_files import read_file
from inpaint_tf.data.tiff_tags import Directory
from inpaint_tf.errors import UserError, printable
from inpaint_tf.machine_memory import free_memory

# Pillow's names of the formats that are tried. No EPS or PDF, which start Ghostscript, and no vector graphics.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "ICO", "QOI", "PCX")
# Peak bytes per pixel of a photo with its mask and result: decoded, converted, and encoded again.
BYTES_PER_PIXEL = 24
LEAST_MAX_PIXELS = 64_000_000
_STRIP_PIXELS = 1 << 20

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
    with decoder_errors(), pillow_limits():
        size = _wide_tiff_size(source)
        if size is None:
            with _opened(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                size = image.height, image.width
        _check_pixels(*size, max_pixels)
        return size


def _wide_tiff_size(source) -> tuple[int, int] | None:
    content = source[:4] if isinstance(source, bytes) else _start(source)
    if content not in TIFF_MARKS:
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
    with decoder_errors():
        if content[:4] in TIFF_MARKS:
            silence_libtiff()
            wide = _decode_wide_tiff(content, max_pixels)
            if wide is not None:
                return wide
        with pillow_limits():
            return _decode_with_pillow(content, max_pixels)


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
    if is_wide_png(content):
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
    if is_heif(head) or str(source).lower().endswith(HEIF_SUFFIXES):
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
    with contextlib.suppress(Exception), pillow_limits():
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


def _check_pixels(height: int, width: int, max_pixels: int | None) -> None:
    if height < 1 or width < 1:
        raise UserError(f"is damaged or cannot be read: it claims to have {width}x{height} pixels.")
    most = default_max_pixels() if max_pixels is None else max_pixels
    if height * width > most:
        raise UserError(
            f"is too large an image: {width}x{height} are {height * width / 1e6:.0f} million pixels, "
            f"{most / 1e6:.0f} million are accepted (--max_pixels)."
        )


@contextlib.contextmanager
def _naming(path: str | os.PathLike) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"{printable(path)} {error}") from error.__cause__
