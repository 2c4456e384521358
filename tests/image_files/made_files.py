"""Files with metadata, made byte by byte where Pillow would refuse to."""

import io
import struct

from PIL import Image, PngImagePlugin


def exif_block(entries, order="<"):
    """An EXIF block of (tag, type, count, data of at most 4 bytes) entries, as they are."""
    body = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, data in entries:
        body += struct.pack(f"{order}HHL", tag, kind, count) + data.ljust(4, b"\0")
    head = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + head + struct.pack(f"{order}L", 8) + body + b"\0" * 4


def camera_exif():
    """EXIF as a camera writes it: with EXIF and GPS directories and a maker note."""
    exif = Image.Exif()
    exif[0x010F], exif[0x8298], exif[0x0112] = "a camera", "somebody", 1
    exif.get_ifd(0x8769).update({0x829A: (1, 50), 0x9003: "2024:05:06 07:08:09", 0x927C: b"\1\2\3\4" * 20})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return exif


def jpeg(rgb, exif=None, segments=(), **options):
    """A JPEG's bytes with further segments (marker, data) after its start."""
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, "JPEG", quality=95, **options)
    content = encoded.getvalue()
    extra = b"" if exif is None else b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    for marker, data in segments:
        extra += bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
    return content[:2] + extra + content[2:]


def png(rgb, chunks=(), **options):
    """A PNG's bytes with further chunks (name, data)."""
    info = PngImagePlugin.PngInfo()
    for name, data in chunks:
        info.add(name, data)
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, "PNG", pnginfo=info, **options)
    return encoded.getvalue()
