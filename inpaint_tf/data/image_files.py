"""Photos and masks as people have them, in and out of files. The one place that opens image files for inpainting.

Pillow does the work: it applies EXIF orientation, reads palettes and CMYK, and carries EXIF, ICC profile, XMP and
resolution over to the result.
"""

import dataclasses
import io
import pathlib
import tempfile
import warnings

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes
from inpaint_tf.pixels import MASK_THRESHOLD

# Suffix -> Pillow's format name. What can be written; reading takes whatever Pillow reads.
WRITABLE = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
# Suffixes that are looked for in folders.
READABLE = (*WRITABLE, ".gif", ".ppm", ".pgm")
_WITH_ALPHA = ("PNG", "WEBP", "TIFF")
_METADATA = {
    "PNG": ("exif", "icc_profile", "dpi"),
    "JPEG": ("exif", "icc_profile", "dpi", "xmp"),
    "WEBP": ("exif", "icc_profile", "xmp"),
    "TIFF": ("exif", "icc_profile", "dpi"),
    "BMP": ("dpi",),
}
_TIFF_BITS_PER_SAMPLE = 258


@dataclasses.dataclass
class Photo:
    """A decoded photo and what its file said about it.

    Attributes:
        rgb: uint8 [H, W, 3], upright.
        alpha: uint8 [H, W], 255 = opaque; None if the file has none.
        grey: Whether the file is greyscale (`rgb` repeats the channel).
        metadata: Keyword arguments for Pillow's `save`: exif, icc_profile, xmp, dpi, where the file has them.
        notes: What was done to the file's content that its owner may want to know, one sentence each.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    metadata: dict = dataclasses.field(default_factory=dict)
    notes: list = dataclasses.field(default_factory=list)


def read_photo(path):
    """Reads a photo from a file.

    Args:
        path: Any image file that Pillow reads; 16 bits a channel are brought to 8.

    Returns:
        A `Photo`.

    Raises:
        UserError: if the file is missing, no image, or damaged.
    """
    image, notes = _open(path)
    image, orientation_notes = _upright(image)
    notes += orientation_notes
    metadata = _metadata(image)
    if image.mode == "CMYK":
        image = _cmyk_to_rgb(image, metadata.pop("icc_profile", None))
        notes.append("CMYK was converted to RGB.")
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
        notes.append("16 bits a channel were brought to 8.")
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    alpha = np.array(image.getchannel("A")) if "A" in image.getbands() else None
    grey = image.mode in ("1", "L", "LA")
    return Photo(np.array(image.convert("RGB")), alpha, grey, metadata, notes)


def read_mask(path, invert=False, threshold=MASK_THRESHOLD):
    """Reads a mask from a file: bright is hole. Transparent parts count as dark; blurred edges are thresholded.

    Args:
        path: Any image file that Pillow reads.
        invert: Whether dark is hole instead.
        threshold: Grey level above which is bright.

    Returns:
        bool [H, W], True = hole.

    Raises:
        UserError: if the file is missing, no image, or damaged.
    """
    image, _ = _open(path)
    image, _ = _upright(image)
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    if "A" in image.getbands() or "transparency" in image.info or image.mode == "P":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    hole = np.array(image.convert("L")) > threshold
    return ~hole if invert else hole


def resize_mask(hole, height, width):
    """Nearest resize of a bool mask [H, W] to [height, width]."""
    return cv2.resize(hole.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT) > 0


def check_writable(path):
    """Finds out before the work whether an image can be written there later.

    Raises:
        UserError: if the suffix is no format that can be written, or the folder is missing or not writable.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise UserError(f"cannot write {path}: the suffix must be one of {' '.join(WRITABLE)}.")
    if not path.parent.is_dir():
        raise UserError(f"cannot write {path}: the folder {path.parent} does not exist.")
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give a file name.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error


def write_image(path, rgb, like=None):
    """Writes an image; the format follows the suffix. Written aside and renamed, so never half there.

    Args:
        path: Where to; an existing file is replaced.
        rgb: uint8 [H, W, 3].
        like: A `Photo` whose alpha, greyness and metadata the file gets, as far as its format can hold them.

    Returns:
        What the format could not hold, one sentence each.

    Raises:
        UserError: for an unknown suffix, or if the file cannot be written.
    """
    path = pathlib.Path(path)
    kind = WRITABLE.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"cannot write {path}: the suffix must be one of {' '.join(WRITABLE)}.")
    image, notes, options = Image.fromarray(rgb), [], {}
    if like is not None:
        if like.grey:
            image = image.convert("L")
        if like.alpha is not None and kind in _WITH_ALPHA:
            image.putalpha(Image.fromarray(like.alpha))
        elif like.alpha is not None and like.alpha.min() < 255:
            notes.append(f"{kind} holds no transparency; it was dropped.")
        options = {key: value for key, value in like.metadata.items() if key in _METADATA[kind]}
        if dropped := sorted(set(like.metadata) - set(options) - {"dpi"}):
            notes.append(f"{kind} holds no {', '.join(dropped)}; dropped.")
    if kind == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    elif kind == "WEBP":
        options |= {"lossless": True}
    elif kind == "TIFF":
        options |= {"compression": "tiff_lzw"}
    encoded = io.BytesIO()
    try:
        image.save(encoded, kind, **options)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {error}.") from error
    write_bytes(path, encoded.getvalue())
    return notes


def _open(path):
    path = pathlib.Path(path)
    if not path.exists():
        raise UserError(f"{path} does not exist.")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not an image file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it mends; what it cannot mend it raises.
            image = Image.open(path)
            frames = getattr(image, "n_frames", 1)
            image.load()
    except UnidentifiedImageError:
        return _open_with_opencv(path)
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} is too large an image: {error}.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UserError(f"{path} is damaged or cannot be read: {error}.") from error
    notes = []
    if frames > 1 and image.format != "MPO":  # MPO: a phone's JPEG, whose further frames are previews.
        notes.append(f"only the first of {frames} frames was taken.")
    if image.mode in ("RGB", "RGBA", "LA") and _bit_depth(image, path) == 16:
        notes.append("16 bits a channel were brought to 8.")
    return image, notes


def _open_with_opencv(path):
    """What Pillow does not know, 16-bit colour TIFF above all."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) if path.stat().st_size else None
    if pixels is None:
        raise UserError(f"{path} is not an image that can be read.")
    notes = []
    if pixels.dtype != np.uint8:
        if pixels.dtype != np.uint16:
            raise UserError(f"{path} holds {pixels.dtype} values; images of 8 or 16 bits a channel are accepted.")
        pixels = (pixels >> 8).astype(np.uint8)
        notes.append("16 bits a channel were brought to 8.")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[-1] == 4 else cv2.COLOR_BGR2RGB)
    return Image.fromarray(pixels), notes


def _bit_depth(image, path):
    """Bits a channel in the file of a PNG or TIFF, which Pillow brings to 8 by itself; 8 for others."""
    if image.format == "PNG":
        with open(path, "rb") as file:
            return file.read(25)[24]
    return image.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (8,))[0] if image.format == "TIFF" else 8


def _upright(image):
    orientation = image.getexif().get(0x0112, 1)
    if orientation in range(2, 9):
        return ImageOps.exif_transpose(image), ["the EXIF orientation was applied."]
    return image, []


def _metadata(image):
    metadata = {}
    if exif := image.getexif():
        metadata["exif"] = exif.tobytes()
    for key in ("icc_profile", "xmp", "dpi"):
        if image.info.get(key):
            metadata[key] = image.info[key]
    return metadata


def _cmyk_to_rgb(image, profile):
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # A damaged profile: convert without it.
    return image.convert("RGB")


def _to_8_bits(image):
    """Grey of 16 bits (or 32-bit integers and floats that hold 16-bit values) to 8."""
    values = np.asarray(image)
    if image.mode.startswith("F") and values.max(initial=0) <= 1:
        return Image.fromarray(np.uint8(np.clip(values, 0, 1) * 255 + 0.5))
    return Image.fromarray(np.uint8(np.clip(values, 0, 65535).astype(np.uint32) >> 8))
