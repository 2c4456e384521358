"""Metadata into the file of a result: what each format holds, in the way its readers expect it.

What a format cannot hold is dropped and named; it never keeps the pixels from being written.
"""

import dataclasses
import struct
from collections.abc import Callable

from PIL import ExifTags, PngImagePlugin, TiffTags

from inpaint_tf.data import tiff_tags
from inpaint_tf.data.file_structure import JPEG_SEGMENT, exif_block, jpeg_segment, photoshop_resource
from inpaint_tf.data.metadata import IPTC, RESOLUTION_UNIT, X_RESOLUTION, XMP, Y_RESOLUTION, Metadata
from inpaint_tf.data.tiff_tags import GPS, Directory, Entry, bytes_entry, text_entry

_XMP_MARK, _IPTC_MARK = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"


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
    directory, dropped = _fitting(metadata.exif, JPEG_SEGMENT - 2 - 6 - 64)
    lost += dropped
    _add_exif(dataclasses.replace(metadata, exif=directory), options)
    _add(metadata, options, "icc_profile", "dpi")
    extra = b""
    for data, mark, name in (
        (metadata.xmp, _XMP_MARK, "XMP"),
        (None if metadata.iptc is None else photoshop_resource(metadata.iptc), _IPTC_MARK, "IPTC"),
    ):
        if not data:
            continue
        segment = jpeg_segment(b"\xff\xe1" if mark == _XMP_MARK else b"\xff\xed", mark, data)
        if segment is None:
            lost.append(f"{name} of {len(data) / 1000:.0f} kB")
            continue
        extra += segment
    if extra:
        options["extra"] = extra
    comment = metadata.comment or next((t.encode() for k, t in metadata.text if k.lower() == "comment"), None)
    if comment and len(comment) + 2 > JPEG_SEGMENT:
        lost.append(f"comment of {len(comment) / 1000:.0f} kB")
    elif comment:
        options["comment"] = comment
    lost += _text_and_chunks(metadata, with_comment=False)


def _for_webp(metadata: Metadata, options: dict, lost: list[str]) -> None:
    if metadata.dpi:  # WebP has no place of its own for it.
        exif = metadata.exif or Directory("<")
        form = f"{exif.order}2L"
        pairs = zip((X_RESOLUTION, Y_RESOLUTION), metadata.dpi)
        added = {tag: Entry(5, 1, struct.pack(form, round(dpi * 1000), 1000)) for tag, dpi in pairs}
        added[RESOLUTION_UNIT] = Entry(3, 1, struct.pack(f"{exif.order}H", 2))
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
        entries[XMP] = bytes_entry(metadata.xmp)
    if metadata.iptc:
        entries[IPTC] = bytes_entry(metadata.iptc, kind=7)
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
        options["exif"] = exif_block(metadata.exif)


def _fitting(directory: Directory | None, most: int) -> tuple[Directory | None, list[str]]:
    """The directory without its largest entries, so that its block keeps within `most` bytes, and their names."""
    lost = []
    while directory is not None and len(exif_block(directory)) > most:
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


def _as_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
