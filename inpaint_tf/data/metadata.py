"""What a photo's file says besides its pixels, and what of it is carried into the result's.

Carried: descriptive EXIF (camera, exposure, place, author, copyright), colour profile, XMP, IPTC, comments, the text
of PNG files, resolution. Not carried: what describes how the old file stored its pixels, and previews, which show the
photo before. What a format cannot hold is dropped and named; it never keeps the pixels from being written.
"""

import dataclasses
import re
import struct

from inpaint_tf.data import tiff_tags
from inpaint_tf.data.decoding import DecodedFile
from inpaint_tf.data.file_structure import iptc_in_resource, png_chunks, raw_profile
from inpaint_tf.data.tiff_tags import EXIF, INTEROPERABILITY, Directory, Entry

_ORIENTATION = 0x0112
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
XMP, IPTC = 700, 33723
# Tags of the first directory that describe the photo and not its storage.
_DESCRIPTIVE = {
    269, 270, 271, 272, 285, 305, 306, 315, 316, 33432,  # Names, dates, people, copyright.
    18246, 18249, 40091, 40092, 40093, 40094, 40095,  # Rating, and what Windows writes.
    42033, 42034, 42035, 42036, 42037, 50708, 50735, 36867, 36868, 37510,  # Cameras and lenses, also here.
    33434, 33437, 34850, 34855, 37377, 37378, 37379, 37380, 37381, 37382, 37383, 37384, 37385, 37386,  # Exposure.
}  # fmt: skip
# Tags of the EXIF directory about the old pixels: components, compression, width, height.
_ABOUT_PIXELS = {37121, 37122, 40962, 40963}
# TIFF types of classic files.
_CLASSIC_KINDS = range(1, 14)
_TEXT_OF_PROGRAMS = (
    "XML:com.adobe.xmp",
    *(f"Raw profile type {name}" for name in ("exif", "APP1", "iptc", "xmp")),
)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What is carried from a photo's file to that of the result.

    Attributes:
        exif: Descriptive tags; None if there are none.
        icc_profile: Colour profile.
        xmp: XMP packet.
        iptc: IPTC-NAA records.
        comment: Comment of a JPEG or GIF.
        text: (keyword, text) pairs of a PNG.
        colour_chunks: (name, data) of a PNG's gAMA, cHRM, cICP, sRGB.
        dpi: Horizontal and vertical resolution, dots per inch.
        lost: What the file had and was not carried, whatever the format: names.
    """

    exif: Directory | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    text: tuple[tuple[str, str], ...] = ()
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    dpi: tuple[float, float] | None = None
    lost: tuple[str, ...] = ()

    def without_profile(self) -> "Metadata":
        """For pixels that were converted to sRGB: the old profile and colour chunks are true no longer."""
        return dataclasses.replace(self, icc_profile=None, colour_chunks=())


def orientation_of(file: DecodedFile) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is missing or nonsense. XMP's counts where EXIF has none."""
    if file.tags is not None and _ORIENTATION in file.tags.entries:
        number = file.tags.number(_ORIENTATION, 1)
    else:
        found = re.search(rb'tiff:Orientation(?:="|>)([0-9])', _xmp_of(file) or b"")
        number = int(found[1]) if found else 1
    return number if 1 <= number <= 8 else 1


def metadata_of(file: DecodedFile) -> Metadata:
    """What of a file's metadata is carried over. Damaged parts are left out and named in `lost`."""
    lost: list[str] = []
    exif = _descriptive(file, lost)
    xmp = _xmp_of(file)
    if xmp is not None:  # The pixels are upright now; the same length keeps the packet whole.
        xmp = re.sub(rb'(tiff:Orientation(?:="|>))[0-9]', rb"\g<1>1", xmp)
    profile = file.info.get("icc_profile") or None
    chunks = tuple(
        (name, data)
        for name, data in (png_chunks(file.content) if file.format == "PNG" else ())
        if name in (b"gAMA", b"cHRM", b"cICP", b"sRGB")
    )
    text = tuple(
        (str(key), str(value))
        for key, value in (file.info.get("text") or {}).items()
        if key not in _TEXT_OF_PROGRAMS and key != "icc_profile"
    )
    comment = file.info.get("comment")
    if isinstance(comment, str):
        comment = comment.encode()
    return Metadata(exif, profile, xmp, _iptc_of(file), comment or None, text, chunks, _dpi_of(file, lost), tuple(lost))


def _descriptive(file: DecodedFile, lost: list[str]) -> Directory | None:
    tags = file.tags
    if tags is None:
        if (file.info.get("exif") or b"").replace(b"Exif\0\0", b""):
            lost.append("EXIF that cannot be read")
        return None
    entries = {tag: entry for tag, entry in tags.entries.items() if tag in _DESCRIPTIVE and _classic(entry)}
    below = {}
    for tag, directory in tags.below.items():
        kept = {t: e for t, e in directory.entries.items() if _classic(e) and not (tag == EXIF and t in _ABOUT_PIXELS)}
        deeper = {t: d for t, d in directory.below.items() if t == INTEROPERABILITY and d.entries}
        if kept or deeper:
            below[tag] = Directory(tags.order, kept, deeper)
    orientation = tags.entries.get(_ORIENTATION)
    if orientation is not None and not tags.numbers(_ORIENTATION):
        lost.append("EXIF Orientation that is no number")
    if file.format != "TIFF" and tags.next and _has_preview(file):
        lost.append("EXIF preview, which shows the photo before")
    return Directory(tags.order, entries, below) if entries or below else None


def _classic(entry: Entry) -> bool:
    return entry.kind in _CLASSIC_KINDS


def _has_preview(file: DecodedFile) -> bool:
    try:
        return bool(tiff_tags.read_block(file.info["exif"], 1).entries)
    except (ValueError, KeyError, struct.error):
        return False


def _xmp_of(file: DecodedFile) -> bytes | None:
    xmp = raw_profile(file.info, "xmp")
    xmp = file.info.get("xmp") or file.info.get("XML:com.adobe.xmp") or xmp
    if xmp is None and file.format == "TIFF" and file.tags is not None:
        xmp = file.tags.raw(XMP)
    return xmp.encode() if isinstance(xmp, str) else xmp or None


def _iptc_of(file: DecodedFile) -> bytes | None:
    resources = file.info.get("photoshop")
    if isinstance(resources, dict):
        return resources.get(0x0404) or None
    if file.format == "TIFF" and file.tags is not None and IPTC in file.tags.entries:
        return file.tags.entries[IPTC].data  # Written as LONG by many, bytes all the same.
    profile = raw_profile(file.info, "iptc")
    return None if profile is None else iptc_in_resource(profile)


def _dpi_of(file: DecodedFile, lost: list[str]) -> tuple[float, float] | None:
    tags = file.tags
    found = None
    if tags is not None and X_RESOLUTION in tags.entries:
        x, y = tags.fraction(X_RESOLUTION), tags.fraction(Y_RESOLUTION)
        factor = {2: 1.0, 3: 2.54}.get(tags.number(RESOLUTION_UNIT, 2))
        if x is None:
            lost.append("EXIF resolution that is no fraction")
        elif factor is not None:
            found = (x * factor, (y or x) * factor)
    if found is None:
        found = file.info.get("dpi")
    try:
        pair = (float(found[0]), float(found[1])) if found else None
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return pair if pair and all(0 < side < 65535 for side in pair) else None
