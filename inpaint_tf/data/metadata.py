"""What a photo's file says besides its pixels, and how it is carried into another file, of another format too.

Carried: descriptive EXIF (camera, exposure, place, author, copyright), colour profile, XMP, IPTC, comments, the text
of PNG files, resolution. Not carried: what describes how the old file stored its pixels, and previews, which show the
photo before. What a format cannot hold is dropped and named; it never keeps the pixels from being written.
"""

import dataclasses
import re
import struct
from collections.abc import Callable

from PIL import ExifTags, PngImagePlugin, TiffTags

from inpaint_tf.data import tiff_tags
from inpaint_tf.data.decoding import DecodedFile, png_chunks, raw_profile
from inpaint_tf.data.tiff_tags import EXIF, GPS, INTEROPERABILITY, Directory, Entry, bytes_entry, text_entry

_ORIENTATION = 0x0112
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
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
# A JPEG segment holds so many bytes, its length included.
_SEGMENT = 65535
_XMP_MARK, _IPTC_MARK = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
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
        xmp = file.tags.raw(_XMP)
    return xmp.encode() if isinstance(xmp, str) else xmp or None


def _iptc_of(file: DecodedFile) -> bytes | None:
    resources = file.info.get("photoshop")
    if isinstance(resources, dict):
        return resources.get(0x0404) or None
    if file.format == "TIFF" and file.tags is not None and _IPTC in file.tags.entries:
        return file.tags.entries[_IPTC].data  # Written as LONG by many, bytes all the same.
    profile = raw_profile(file.info, "iptc")
    if profile is not None and profile.startswith(b"8BIM\x04\x04\0\0"):
        length = int.from_bytes(profile[8:12], "big")
        return profile[12 : 12 + length] or None
    return profile


def _dpi_of(file: DecodedFile, lost: list[str]) -> tuple[float, float] | None:
    tags = file.tags
    found = None
    if tags is not None and _X_RESOLUTION in tags.entries:
        x, y = tags.fraction(_X_RESOLUTION), tags.fraction(_Y_RESOLUTION)
        factor = {2: 1.0, 3: 2.54}.get(tags.number(_RESOLUTION_UNIT, 2))
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


def save_options(metadata: Metadata, kind: str) -> tuple[dict, list[str]]:
    """Metadata as Pillow's `save` takes it; for TIFF all but the profile goes in by `add_tiff_tags`.

    Args:
        metadata: What to carry.
        kind: Pillow's name of the format.

    Returns:
        Keyword arguments, and the names of what the format cannot hold.
    """
    options: dict = {}
    lost: list[str] = []
    writers: dict[str, Callable[[Metadata, dict, list[str]], None]] = {
        "PNG": _for_png,
        "JPEG": _for_jpeg,
        "WEBP": _for_webp,
        "TIFF": _for_tiff,
        "BMP": _for_bmp,
    }
    writers[kind](metadata, options, lost)
    return options, lost


def _for_png(metadata: Metadata, options: dict, lost: list[str]) -> None:
    chunks = PngImagePlugin.PngInfo()
    for name, data in metadata.colour_chunks:
        chunks.add(name, data)
    texts = list(metadata.text)
    if metadata.comment:
        texts.append(("Comment", _as_text(metadata.comment)))
    for keyword, text in texts:
        try:
            latin = text.isascii() and keyword.isascii()
            (chunks.add_text if latin else chunks.add_itxt)(keyword[:79], text.replace("\0", " "), zip=len(text) > 2048)
        except (ValueError, UnicodeError):
            lost.append(f"text {keyword}")
    if metadata.xmp:
        chunks.add_itxt("XML:com.adobe.xmp", _as_text(metadata.xmp))
    if metadata.iptc:
        lost.append("IPTC")
    options["pnginfo"] = chunks
    _add_exif(metadata, options)
    _add(metadata, options, "icc_profile", "dpi")


def _for_jpeg(metadata: Metadata, options: dict, lost: list[str]) -> None:
    directory, dropped = _fitting(metadata.exif, _SEGMENT - 2 - 6 - 64)
    lost += dropped
    _add_exif(dataclasses.replace(metadata, exif=directory), options)
    _add(metadata, options, "icc_profile", "dpi")
    extra = b""
    for data, mark, name in (
        (metadata.xmp, _XMP_MARK, "XMP"),
        (None if metadata.iptc is None else _photoshop_resource(metadata.iptc), _IPTC_MARK, "IPTC"),
    ):
        if not data:
            continue
        if len(data) + len(mark) + 2 > _SEGMENT:
            lost.append(f"{name} of {len(data) / 1000:.0f} kB")
            continue
        marker = b"\xff\xe1" if mark == _XMP_MARK else b"\xff\xed"
        extra += marker + struct.pack(">H", len(data) + len(mark) + 2) + mark + data
    if extra:
        options["extra"] = extra
    comment = metadata.comment or next((t.encode() for k, t in metadata.text if k.lower() == "comment"), None)
    if comment and len(comment) + 2 > _SEGMENT:
        lost.append(f"comment of {len(comment) / 1000:.0f} kB")
    elif comment:
        options["comment"] = comment
    lost += _text_and_chunks(metadata, with_comment=False)


def _for_webp(metadata: Metadata, options: dict, lost: list[str]) -> None:
    if metadata.dpi:  # WebP has no place of its own for it.
        exif = metadata.exif or Directory("<")
        form = f"{exif.order}2L"
        pairs = zip((_X_RESOLUTION, _Y_RESOLUTION), metadata.dpi)
        added = {tag: Entry(5, 1, struct.pack(form, round(dpi * 1000), 1000)) for tag, dpi in pairs}
        added[_RESOLUTION_UNIT] = Entry(3, 1, struct.pack(f"{exif.order}H", 2))
        metadata = dataclasses.replace(metadata, exif=dataclasses.replace(exif, entries={**exif.entries, **added}))
    _add_exif(metadata, options)
    _add(metadata, options, "icc_profile", "xmp")
    lost += ["IPTC"] * bool(metadata.iptc) + ["comment"] * bool(metadata.comment) + _text_and_chunks(metadata)


def _for_tiff(metadata: Metadata, options: dict, lost: list[str]) -> None:
    _add(metadata, options, "icc_profile", "dpi")
    if metadata.comment and metadata.exif is not None and 270 in metadata.exif.entries:
        lost.append("comment")
    lost += _text_and_chunks(metadata)


def _for_bmp(metadata: Metadata, options: dict, lost: list[str]) -> None:
    _add(metadata, options, "dpi")
    for name, value in (
        ("exif", metadata.exif),
        ("icc_profile", metadata.icc_profile),
        ("XMP", metadata.xmp),
        ("IPTC", metadata.iptc),
        ("comment", metadata.comment),
    ):
        lost += [name] * (value is not None)
    lost += _text_and_chunks(metadata)


def add_tiff_tags(encoded: bytes, metadata: Metadata) -> bytes:
    """Adds EXIF, GPS, XMP, IPTC and comment to a TIFF file that was just written, in a new first directory."""
    tags = tiff_tags.read_block(encoded)
    entries, below = dict(tags.entries), {}
    if metadata.exif is not None:
        exif = metadata.exif.in_order(tags.order)
        entries = {**exif.entries, **entries}
        below = exif.below
    if metadata.xmp:
        entries[_XMP] = bytes_entry(metadata.xmp)
    if metadata.iptc:
        entries[_IPTC] = bytes_entry(metadata.iptc, kind=7)
    if metadata.comment:
        entries.setdefault(270, text_entry(_as_text(metadata.comment)))
    if entries == tags.entries and not below:
        return encoded
    start = len(encoded) + len(encoded) % 2
    directory = Directory(tags.order, entries, below).to_bytes(start)
    head = encoded[:4] + struct.pack(f"{tags.order}L", start)
    return head + encoded[8:].ljust(start - 8, b"\0") + directory


def _add(metadata: Metadata, options: dict, *names: str) -> None:
    for name in names:
        if getattr(metadata, name):
            options[name] = getattr(metadata, name)


def _add_exif(metadata: Metadata, options: dict) -> None:
    if metadata.exif is not None and (metadata.exif.entries or metadata.exif.below):
        options["exif"] = _exif_block(metadata.exif)


def _exif_block(directory: Directory) -> bytes:
    head = b"II*\0" if directory.order == "<" else b"MM\0*"
    return b"Exif\0\0" + head + struct.pack(f"{directory.order}L", 8) + directory.to_bytes(8)


def _fitting(directory: Directory | None, most: int) -> tuple[Directory | None, list[str]]:
    """The directory without its largest entries, so that its block keeps within `most` bytes, and their names."""
    lost = []
    while directory is not None and len(_exif_block(directory)) > most:
        places = [(None, directory), *directory.below.items()]
        sizes = [(len(e.data), where, tag) for where, d in places for tag, e in d.entries.items()]
        if not sizes:
            return None, [*lost, "EXIF"]
        size, where, tag = max(sizes, key=lambda found: found[0])
        lost.append(f"EXIF {_tag_name(where, tag)} of {size / 1000:.0f} kB")
        if where is None:
            directory = directory.without([tag])
        else:
            below = {**directory.below, where: directory.below[where].without([tag])}
            directory = dataclasses.replace(directory, below=below)
    return directory, lost


def _tag_name(where: int | None, tag: int) -> str:
    if where == GPS:
        return ExifTags.GPSTAGS.get(tag, f"GPS tag {tag}")
    return ExifTags.TAGS.get(tag) or TiffTags.lookup(tag).name


def _text_and_chunks(metadata: Metadata, with_comment: bool = True) -> list[str]:
    keywords = [k for k, _ in metadata.text if with_comment or k.lower() != "comment"]
    lost = [f"text {', '.join(keywords)}"] if keywords else []
    # sRGB is what pixels without a profile are taken for anyway.
    names = [name.decode() for name, _ in metadata.colour_chunks if name != b"sRGB"]
    return lost + ([f"colour description {', '.join(names)}"] if names else [])


def _photoshop_resource(iptc: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHL", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def _as_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
