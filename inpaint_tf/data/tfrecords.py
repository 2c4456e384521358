"""Records of a TFRecord file by their places, with both checksums verified.

A record is its length (8 bytes), a masked CRC-32C of that (4), the content, and a masked CRC-32C of the content (4).
"""

import os
import pathlib
import struct
from collections.abc import Iterator

import google_crc32c

from inpaint_tf.errors import UserError, printable

_HEADER, _FOOTER = 12, 4


def places(path: str | os.PathLike) -> Iterator[tuple[int, int]]:
    """(offset, length) of every record's content, found by hopping from header to header.

    Raises:
        UserError: if the file is damaged or no TFRecord file.
        OSError: if it cannot be read.
    """
    size, position = pathlib.Path(path).stat().st_size, 0
    with open(path, "rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(_HEADER)
            if len(header) < _HEADER or header[8:] != _checksum(header[:8]):
                raise UserError(
                    f"{printable(path)} is damaged or no TFRecord file: at byte {position} no record begins."
                )
            length = struct.unpack("<Q", header[:8])[0]
            if position + _HEADER + length + _FOOTER > size:
                raise UserError(f"{printable(path)} is damaged or cut off: the record at byte {position} does not end.")
            yield position + _HEADER, length
            position += _HEADER + length + _FOOTER


def begins_with_record(path: str | os.PathLike) -> bool:
    """Whether the first bytes are a record's header: a length with its checksum. Raises OSError."""
    with open(path, "rb") as file:
        header = file.read(_HEADER)
    return len(header) == _HEADER and header[8:] == _checksum(header[:8])


def read(path: str | os.PathLike, offset: int, length: int) -> bytes:
    """A record's content. Raises OSError, or ValueError if it is damaged."""
    with open(path, "rb") as file:
        file.seek(offset)
        content, footer = file.read(length), file.read(_FOOTER)
    if len(content) < length or footer != _checksum(content):
        raise ValueError("the record is damaged: its checksum does not match")
    return content


def _checksum(content):
    """The masked CRC-32C as it stands in the file."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
