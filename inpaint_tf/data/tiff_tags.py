"""Directories of TIFF tags, as they stand in TIFF files and, in the same form, in EXIF blocks.

Entries are kept as the raw bytes that the file holds. Nothing is decoded and encoded again, so a resolution that is
text, a signed fraction where an unsigned one belongs, or a tag that nobody knows is carried as it is, or left out as a
whole, but never an exception.
"""

import dataclasses
import struct
from collections.abc import Iterable

# TIFF type -> bytes of one value, and bytes of what is swapped as one between byte orders.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WORDS = {**_SIZES, 5: 4, 10: 4}
_INTEGERS = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}
_ASCII, _LONG = 2, 4
# A directory with more entries than this is damaged.
_MOST_ENTRIES = 4096
# Tags whose value is the place of a directory.
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005


@dataclasses.dataclass(frozen=True)
class Entry:
    """One tag's value.

    Attributes:
        kind: TIFF type, 1 to 18.
        count: Number of values.
        data: The values as bytes, in the directory's byte order.
    """

    kind: int
    count: int
    data: bytes


@dataclasses.dataclass(frozen=True)
class Directory:
    """Tags and the directories below them.

    Attributes:
        order: "<" or ">", the byte order of all entries.
        entries: Tag -> `Entry`.
        below: Tag (EXIF, GPS, INTEROPERABILITY) -> `Directory`.
        next: Where the next directory stands in the file; 0 if this is the last.
    """

    order: str
    entries: dict[int, Entry] = dataclasses.field(default_factory=dict)
    below: dict[int, "Directory"] = dataclasses.field(default_factory=dict)
    next: int = 0

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a tag; empty if it is missing or holds anything else."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        return struct.unpack(f"{self.order}{entry.count}{_INTEGERS[entry.kind]}", entry.data)

    def number(self, tag: int, default: int) -> int:
        """The first integer of a tag, or the default."""
        return next(iter(self.numbers(tag)), default)

    def fraction(self, tag: int) -> float | None:
        """The value of an unsigned fraction; None if it is missing, of another type, or divides by 0."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind != 5 or entry.count < 1:
            return None
        above, below = struct.unpack(f"{self.order}2L", entry.data[:8])
        return above / below if below else None

    def raw(self, tag: int) -> bytes | None:
        """The bytes of a tag of bytes; None if it is missing or of another type."""
        entry = self.entries.get(tag)
        return entry.data if entry is not None and _SIZES[entry.kind] == 1 else None

    def without(self, tags: Iterable[int]) -> "Directory":
        """The directory without some tags."""
        tags = set(tags)
        return dataclasses.replace(
            self,
            entries={tag: entry for tag, entry in self.entries.items() if tag not in tags},
            below={tag: directory for tag, directory in self.below.items() if tag not in tags},
        )

    def to_bytes(self, offset: int) -> bytes:
        """The directory with all below it, to stand at `offset` of a file (an even number); the next one is none."""
        fixed: list[tuple[int, Entry | Directory]] = sorted([*self.entries.items(), *self.below.items()])
        place = offset + 2 + 12 * len(fixed) + 4
        head, tail = struct.pack(f"{self.order}H", len(fixed)), b""
        for tag, value in fixed:
            if isinstance(value, Directory):
                head += struct.pack(f"{self.order}HHLL", tag, _LONG, 1, place + len(tail))
                tail += value.to_bytes(place + len(tail))
                continue
            head += struct.pack(f"{self.order}HHL", tag, value.kind, value.count)
            if len(value.data) <= 4:
                head += value.data.ljust(4, b"\0")
            else:
                head += struct.pack(f"{self.order}L", place + len(tail))
                tail += value.data + b"\0" * (len(value.data) % 2)
        return head + b"\0" * 4 + tail

    def in_order(self, order: str) -> "Directory":
        """The same in another byte order."""
        if order == self.order:
            return self
        entries = {
            tag: dataclasses.replace(entry, data=_swapped(entry.data, _WORDS[entry.kind]))
            for tag, entry in self.entries.items()
        }
        return Directory(order, entries, {tag: below.in_order(order) for tag, below in self.below.items()}, self.next)


def text_entry(text: str) -> Entry:
    """A text as an entry."""
    data = text.encode() + b"\0"
    return Entry(_ASCII, len(data), data)


def bytes_entry(data: bytes, kind: int = 1) -> Entry:
    """Bytes as an entry of a one-byte type."""
    return Entry(kind, len(data), data)


def read_block(block: bytes, where: int = 0) -> Directory:
    """Directory number `where` of a TIFF file or an EXIF block, with its EXIF and GPS directories.

    Args:
        block: The bytes, from "II" or "MM" on; a leading "Exif" mark is skipped. BigTIFF is read too.
        where: Number of the directory in the chain.

    Returns:
        What can be read of it: entries that point beyond the end are left out.

    Raises:
        ValueError: if this is no TIFF structure, or there is no such directory.
    """
    while block[:6] == b"Exif\0\0":
        block = block[6:]
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None or len(block) < 8:
        raise ValueError("no TIFF structure")
    big = struct.unpack(f"{order}H", block[2:4])[0] == 43
    if big and len(block) < 16:
        raise ValueError("no TIFF structure")
    offset = struct.unpack(f"{order}Q", block[8:16])[0] if big else struct.unpack(f"{order}L", block[4:8])[0]
    for _ in range(where):
        offset = _read(block, offset, order, big).next
        if offset == 0:
            raise ValueError("no such directory")
    return _read(block, offset, order, big, (EXIF, GPS))


def _read(block: bytes, offset: int, order: str, big: bool, followed: tuple[int, ...] = ()) -> Directory:
    counter, entry_form, size = ("Q", "HHQ8s", 20) if big else ("H", "HHL4s", 12)
    start = offset + struct.calcsize(f"{order}{counter}")
    if not 0 < offset < start <= len(block):
        raise ValueError("the directory lies outside the file")
    count = struct.unpack(f"{order}{counter}", block[offset:start])[0]
    entries, below = {}, {}
    for number in range(min(count, _MOST_ENTRIES)):
        packed = block[start + number * size : start + (number + 1) * size]
        if len(packed) < size:
            break
        tag, kind, values, inline = struct.unpack(f"{order}{entry_form}", packed)
        length = values * _SIZES.get(kind, 0)
        if length == 0:
            continue
        if length <= len(inline):
            data = inline[:length]
        else:
            place = struct.unpack(f"{order}{'Q' if big else 'L'}", inline)[0]
            data = bytes(block[place : place + length])
        if len(data) != length:
            continue
        entry = Entry(kind, values, data)
        if tag in followed and kind in _INTEGERS:
            place = Directory(order, {tag: entry}).number(tag, 0)
            try:
                # Only EXIF has a further directory, and none of these goes on, so a loop of links ends here.
                below[tag] = _read(block, place, order, big, (INTEROPERABILITY,) if tag == EXIF else ())
            except ValueError:
                continue
        else:
            entries[tag] = entry
    end = start + count * size
    link = block[end : end + (8 if big else 4)]
    following = struct.unpack(f"{order}{'Q' if big else 'L'}", link)[0] if len(link) == (8 if big else 4) else 0
    return Directory(order, entries, below, following)


def _swapped(data: bytes, word: int) -> bytes:
    if word == 1:
        return data
    swapped = bytearray(len(data))
    for place in range(word):
        swapped[place::word] = data[word - 1 - place :: word]
    return bytes(swapped)
