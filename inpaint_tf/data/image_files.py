"""Photos as people have them, in and out of files. The one place that reads and writes photos for inpainting.

`decoding` opens files, `pixel_values` brings more than 8 bits to 8, `metadata` says what is carried over, `mask_files`
reads masks; docs/formats.md has the table of formats and what they keep.
"""

import dataclasses
import io
import os
import pathlib
import tempfile

import numpy as np
from PIL import Image, ImageCms

from inpaint_tf.data.decoding import DecodedFile, decode_bytes, decode_file, pixels_of
from inpaint_tf.data.mask_files import read_hole, read_mask, resize_mask
from inpaint_tf.data.metadata import Metadata, metadata_of, orientation_of
from inpaint_tf.data.metadata_writing import add_tiff_tags, save_options
from inpaint_tf.data.pixel_values import alpha_to_8_bits, to_8_bits
from inpaint_tf.data.upright import upright
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.files import write_bytes
from inpaint_tf.pixels import LINE_THRESHOLD, MASK_THRESHOLD

__all__ = [
    "LINE_THRESHOLD",
    "MASK_THRESHOLD",
    "READABLE",
    "WRITABLE",
    "Photo",
    "check_fits",
    "check_writable",
    "photo_of_bytes",
    "read_hole",
    "read_mask",
    "read_photo",
    "resize_mask",
    "write_image",
]

# Suffix -> Pillow's format name. What can be written; reading takes whatever `decoding` decodes.
WRITABLE = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
# Suffixes that are looked for in folders.
READABLE = (*WRITABLE, ".gif", ".ppm", ".pgm", ".pnm", ".avif", ".jp2")
_WITH_ALPHA = ("PNG", "WEBP", "TIFF")
# Pixels that a side may have.
_LONGEST_SIDE = {"JPEG": 65535, "WEBP": 16383}
# Quality of a JPEG whose input was none.
_JPEG_QUALITY = 95
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")


@dataclasses.dataclass
class Photo:
    """A decoded photo and what its file said about it.

    Attributes:
        rgb: uint8 [H, W, 3], upright.
        alpha: uint8 [H, W], 255 = opaque; None if the file has none.
        grey: Whether the file is greyscale (`rgb` repeats the channel).
        metadata: What is carried into the result's file.
        notes: What was done to the file's content that its owner may want to know, one sentence each.
        format: Pillow's name of the file's format; "" if it does not come from a file.
        orientation: The EXIF orientation that was applied, 1 to 8.
        jpeg_tables, jpeg_sampling: Quantisation tables and chroma subsampling of a JPEG, see `DecodedFile`.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    metadata: Metadata = dataclasses.field(default_factory=Metadata)
    notes: list[str] = dataclasses.field(default_factory=list)
    format: str = ""
    orientation: int = 1
    jpeg_tables: list | None = None
    jpeg_sampling: int = -1


def read_photo(path: str | os.PathLike, max_pixels: int | None = None) -> Photo:
    """Reads a photo from a file.

    Args:
        path: A regular file of any format in docs/formats.md; more than 8 bits a channel are brought to 8.
        max_pixels: Pixels that it may have, known before it is decoded; None takes what free memory allows.

    Returns:
        A `Photo`.

    Raises:
        UserError: if the file is missing, no image, damaged, too large, or holds values that are no picture.
    """
    file = decode_file(path, max_pixels)
    try:
        return _photo_of(file)
    except UserError as error:
        raise UserError(f"{printable(path)} {error}") from error


def photo_of_bytes(content: bytes, max_pixels: int | None = None) -> Photo:
    """`read_photo` for a file's bytes. The messages of its errors begin with "is" or "holds", without a name."""
    return _photo_of(decode_bytes(content, max_pixels))


def _photo_of(file: DecodedFile) -> Photo:
    notes, metadata, orientation = list(file.notes), metadata_of(file), orientation_of(file)
    if file.values is not None:
        rgb, alpha, grey, note = _from_values(file.values, file.bits)
        notes.append(note)
    else:
        try:
            rgb, alpha, grey, converted = _from_image(file)
        except Exception as error:
            raise UserError(f"is damaged or cannot be read: {reason(error)}.") from error
        if converted:
            metadata = metadata.without_profile()
            notes.append(f"{converted} was converted to RGB.")
    if orientation != 1:
        rgb, alpha = upright(rgb, orientation), None if alpha is None else upright(alpha, orientation)
        notes.append("the EXIF orientation was applied.")
    if metadata.lost:
        notes.append(f"not carried over: {', '.join(metadata.lost)}.")
    return Photo(rgb, alpha, grey, metadata, notes, file.format, orientation, file.jpeg_tables, file.jpeg_sampling)


def _from_values(values: np.ndarray, bits: int | None) -> tuple[np.ndarray, np.ndarray | None, bool, str]:
    """RGB, alpha, whether it is grey, and a note, of pixels of more than 8 bits."""
    alpha = alpha_to_8_bits(values[..., 3]) if values.ndim == 3 and values.shape[-1] == 4 else None
    levels, note = to_8_bits(values if values.ndim == 2 else values[..., :3], bits)
    if levels.ndim == 2:
        return np.repeat(levels[..., np.newaxis], 3, axis=-1), alpha, True, note
    return np.ascontiguousarray(levels), alpha, False, note


def _from_image(file: DecodedFile) -> tuple[np.ndarray, np.ndarray | None, bool, str]:
    """RGB, alpha, whether it is grey, and the name of the colours that were converted ("" if none were)."""
    image, converted = file.image, ""
    assert image is not None
    if image.mode in ("CMYK", "LAB"):
        converted = image.mode
        image = _to_srgb(image, file.info.get("icc_profile"))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode in ("P", "PA") or "transparency" in image.info:
        with_alpha = "transparency" in image.info or image.mode == "PA"
        image = image.convert("RGBA" if with_alpha else "RGB")
    elif image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    alpha = pixels_of(image.getchannel("A")) if image.mode in _ALPHA_MODES else None
    return pixels_of(image, "RGB"), alpha, grey, converted


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image.convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # A damaged profile: convert without it.
    return image.convert("RGB")


def check_writable(path: str | os.PathLike, make_parent: bool = False) -> None:
    """Finds out before the work whether an image can be written there later.

    Args:
        path: Where it would go.
        make_parent: Whether a missing folder will be made.

    Raises:
        UserError: if the suffix is no format that can be written, or the folder is missing or not writable.
    """
    path = pathlib.Path(path)
    name = printable(path)
    _format_of(path)
    if path.is_symlink():
        path = pathlib.Path(os.path.realpath(path))
    folder = path.parent
    while make_parent and not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        missing = "is no folder" if os.path.lexists(folder) else "does not exist"
        raise UserError(f"cannot write {name}: the folder {printable(folder)} {missing}.")
    if path.is_dir():
        raise UserError(f"cannot write {name}: it is a folder; give a file name.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write {name}: {reason(error)}.") from error


def check_fits(path: str | os.PathLike, height: int, width: int) -> None:
    """Raises UserError if the format of a file to be written holds no picture of this size."""
    kind = _format_of(path)
    longest = _LONGEST_SIDE.get(kind)
    if longest is not None and max(height, width) > longest:
        raise UserError(
            f"cannot write {printable(path)}: {kind} holds at most {longest} pixels a side, this is {width}x{height}; "
            "choose .png or .tif."
        )


def _format_of(path: str | os.PathLike) -> str:
    kind = WRITABLE.get(pathlib.Path(path).suffix.lower())
    if kind is None:
        raise UserError(f"cannot write {printable(path)}: the suffix must be one of {' '.join(WRITABLE)}.")
    return kind


def write_image(
    path: str | os.PathLike, rgb: np.ndarray, like: Photo | None = None, quality: int | None = None
) -> list[str]:
    """Writes an image; the format follows the suffix. Written aside and renamed, so never half there.

    A JPEG that is written like a JPEG has the same quantisation tables and subsampling, so that its quality and size
    stay what they were.

    Args:
        path: Where to; an existing file is replaced.
        rgb: uint8 [H, W, 3].
        like: A `Photo` whose alpha, greyness and metadata the file gets, as far as its format can hold them.
        quality: 1 to 100, of JPEG and WebP; None is the input's own for JPEG (95 if it was none), lossless for WebP.

    Returns:
        What the format could not hold, one sentence each.

    Raises:
        UserError: for an unknown suffix, a picture too large for the format, or if the file cannot be written.
    """
    encoded, notes = encode_image(path, rgb, like, quality)
    write_bytes(path, encoded)
    return notes


def encode_image(
    path: str | os.PathLike, rgb: np.ndarray, like: Photo | None = None, quality: int | None = None
) -> tuple[bytes, list[str]]:
    """The file that `write_image` would write, and its notes. Only the suffix of the path counts."""
    kind = _format_of(path)
    check_fits(path, *rgb.shape[:2])
    image = Image.fromarray(rgb)
    notes: list[str] = []
    options = _quality_options(kind, like, quality)
    metadata = Metadata() if like is None else like.metadata
    if like is not None and like.grey:
        image = image.convert("L")
    if like is not None and like.alpha is not None:
        if kind in _WITH_ALPHA:
            image.putalpha(Image.fromarray(like.alpha))
        elif like.alpha.min() < 255:
            notes.append(f"{kind} holds no transparency; it was dropped.")
    described, lost = save_options(metadata, kind)
    try:
        encoded = _encode(image, kind, {**options, **described})
        if kind == "TIFF":
            encoded = add_tiff_tags(encoded, metadata)
    except Exception as error:  # The fill is never lost over metadata.
        try:
            encoded = _encode(image, kind, options)
        except Exception:
            raise UserError(f"cannot write {printable(path)}: {reason(error)}.") from error
        return encoded, [*notes, f"the metadata could not be written ({reason(error)}); it was dropped."]
    if lost:
        notes.append(f"{kind} holds no {', '.join(lost)}; dropped.")
    return encoded, notes


def _encode(image: Image.Image, kind: str, options: dict) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()


def _quality_options(kind: str, like: Photo | None, quality: int | None) -> dict:
    if kind == "TIFF":
        return {"compression": "tiff_lzw"}
    if kind == "WEBP":
        # exact: the colours under full transparency are pixels of the photo, too.
        return {"lossless": True, "exact": True} if quality is None else {"quality": quality, "exact": True}
    if kind != "JPEG":
        return {}
    if quality is not None:
        return {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    if like is None or like.jpeg_tables is None:
        return {"quality": _JPEG_QUALITY, "subsampling": 0}
    sampling = like.jpeg_sampling if like.jpeg_sampling in (0, 1, 2) else 0
    return {"qtables": like.jpeg_tables, "subsampling": sampling}
