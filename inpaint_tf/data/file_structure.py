"""The bytes of picture files where no library reaches: chunks of a PNG, segments of a JPEG, blocks inside them.

Nothing here decodes pixels or knows what is carried from one file to another; damaged files give what is whole.
"""

import struct
from collections.abc import Iterator

from inpaint_tf.data.tiff_tags import Directory

PNG_MARK, JPEG_MARK = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
# A JPEG segment holds so many bytes, its length included.
JPEG_SEGMENT = 65535
# Photoshop's number of a resource that holds IPTC-NAA records.
_IPTC_RESOURCE = 0x0404


def is_heif(head: bytes) -> bool:
    """Whether a file whose first 12 bytes (or more) are these is HEIF, as phones write it."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def is_wide_png(content: bytes) -> bool:
    """Whether a file is a PNG of 16 bits per channel."""
    return content[:8] == PNG_MARK and content[24:25] == b"\x10"


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of the chunks of a PNG file, as far as they are whole; pixel data is left out."""
    position = 8
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        name = content[position + 4 : position + 8]
        if name != b"IDAT":
            yield name, content[position + 8 : position + 8 + length]
        position += 12 + length


def raw_profile(info: dict, name: str) -> bytes | None:
    """Bytes that ImageMagick writes into a PNG as text of hexadecimal digits; None if there are none."""
    text = info.get(f"Raw profile type {name}")
    if not isinstance(text, str):
        return None
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) or None
    except ValueError:
        return None


def without_metadata(content: bytes) -> bytes | None:
    """A PNG or JPEG file without what is not needed to decode it; None for other formats."""
    if content[:8] == PNG_MARK:
        kept, position = [content[:8]], 8
        while position + 8 <= len(content):
            length = int.from_bytes(content[position : position + 4], "big")
            if content[position + 4 : position + 8] in (b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"IEND"):
                kept.append(content[position : position + 12 + length])
            position += 12 + length
        return b"".join(kept)
    if content[:2] != JPEG_MARK:
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


def jpeg_segment(marker: bytes, mark: bytes, data: bytes) -> bytes | None:
    """A segment of a JPEG: its marker, its length, a mark that says whose it is, data; None if it would be too long."""
    length = len(data) + len(mark) + 2
    return None if length > JPEG_SEGMENT else marker + struct.pack(">H", length) + mark + data


def photoshop_resource(iptc: bytes) -> bytes:
    """IPTC records as Photoshop's resource, which is how a JPEG holds them."""
    return b"8BIM" + struct.pack(">HHL", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def iptc_in_resource(profile: bytes) -> bytes | None:
    """IPTC records of a block that may be Photoshop's resource of them, or the records themselves; None if empty."""
    if profile.startswith(b"8BIM" + struct.pack(">HH", _IPTC_RESOURCE, 0)):
        length = int.from_bytes(profile[8:12], "big")
        return profile[12 : 12 + length] or None
    return profile


def exif_block(directory: Directory) -> bytes:
    """The EXIF block of a JPEG, PNG or WebP that holds a directory."""
    head = b"II*\0" if directory.order == "<" else b"MM\0*"
    return b"Exif\0\0" + head + struct.pack(f"{directory.order}L", 8) + directory.to_bytes(8)
