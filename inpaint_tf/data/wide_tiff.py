"""TIFF files of more than 8 bits per channel, or of floats, which Pillow shortens to 8 or refuses: OpenCV decodes them.

OpenCV turns pictures by itself, knows no CIELAB of 16 bits, and mixes up planes that are stored one after the other.
So the file's tags are rewritten first, which is cheap: the pixels stay where they are in the file.
"""

import contextlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from inpaint_tf.data.tiff_tags import Directory, Entry

BITS_PER_SAMPLE, PHOTOMETRIC, ORIENTATION, SAMPLES = 258, 262, 274, 277
WIDTH, HEIGHT, SAMPLE_FORMAT, EXTRA_SAMPLES = 256, 257, 339, 338
PLANAR, _STRIPS_AND_TILES = 284, (273, 279, 324, 325)
_BIG = (b"+\0", b"\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CIELAB = 0, 1, 2, 8


class WidePixels(NamedTuple):
    """Pixels of a TIFF as stored, not turned.

    Attributes:
        image: 8-bit pixels, if the file's could only be had so; else None.
        values: [H, W] or [H, W, 3 or 4] RGB(A) of more than 8 bits; None if there is an image.
        notes: What its owner should know, one sentence each.
    """

    image: Image.Image | None
    values: np.ndarray | None
    notes: tuple[str, ...]


def is_wide(tags: Directory) -> bool:
    """Whether a TIFF has more than 8 bits per channel, or floats, in a kind of colours that is read here."""
    bits = tags.numbers(BITS_PER_SAMPLE) or (1,)
    photometric = tags.number(PHOTOMETRIC, _BLACK_IS_ZERO)
    wide = max(bits) > 8 or tags.number(SAMPLE_FORMAT, 1) != 1
    return wide and photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CIELAB)


def wide_pixels(content: bytes, tags: Directory) -> WidePixels | None:
    """Decodes a TIFF that `is_wide`; None if OpenCV cannot.

    Args:
        content: The whole file.
        tags: Its first directory.
    """
    bits = tags.numbers(BITS_PER_SAMPLE) or (1,)
    photometric = tags.number(PHOTOMETRIC, _BLACK_IS_ZERO)
    plain = with_number(content, tags, ORIENTATION, 1)
    if photometric == _CIELAB:
        plain = with_number(plain, tags, PHOTOMETRIC, _RGB)  # The raw three channels.
    separate = tags.number(PLANAR, 1) == 2 and tags.number(SAMPLES, 1) > 1
    values = _planes(content, tags) if separate else opencv_values(plain)
    if values is None:
        return None
    if values.ndim == 3 and not separate:
        values = values[..., [2, 1, 0, 3][: values.shape[-1]]]  # OpenCV's order is BGR.
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    notes = []
    if tags.next:
        notes.append("only the first of several pages was taken.")
    if tags.number(SAMPLES, 1) == 2:
        notes.append("its transparency cannot be read and was dropped.")
    image = None
    if photometric == _CIELAB:
        levels = (values // 256).astype(np.uint8) if values.dtype == np.uint16 else values.astype(np.uint8)
        image = Image.frombytes("LAB", levels.shape[1::-1], np.ascontiguousarray(levels[..., :3]).tobytes())
    elif values.dtype == np.uint8 and max(bits) > 8:
        if values.ndim != 2:
            return None
        notes.append("16 bits a channel were brought to 8.")
        image = Image.fromarray(values)
    elif photometric == _WHITE_IS_ZERO and values.dtype.kind == "u":
        values = np.invert(values)
    return WidePixels(image, None if image is not None else values, tuple(notes))


def opencv_values(content: bytes) -> np.ndarray | None:
    """Pixels as OpenCV decodes them, unchanged, channels in its own order BGR(A); None if it cannot."""
    with _quiet_opencv():
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def _planes(content: bytes, tags: Directory) -> np.ndarray | None:
    """A TIFF that stores red, green and blue one after the other: every plane is read as a grey picture of its own."""
    count = tags.number(SAMPLES, 1)
    if content[2:4] in _BIG or count not in (3, 4):
        return None
    planes = []
    for plane in range(count):
        entries = dict(tags.entries)
        for tag in (BITS_PER_SAMPLE, SAMPLE_FORMAT, *_STRIPS_AND_TILES):
            numbers = tags.numbers(tag)
            if not numbers:
                continue
            part = len(numbers) // count
            numbers = numbers[plane * part : (plane + 1) * part]
            form = "H" if tag in (BITS_PER_SAMPLE, SAMPLE_FORMAT) else "L"
            data = struct.pack(f"{tags.order}{part}{form}", *numbers)
            entries[tag] = Entry(3 if form == "H" else 4, part, data)
        for tag, number in ((SAMPLES, 1), (PLANAR, 1), (PHOTOMETRIC, _BLACK_IS_ZERO), (ORIENTATION, 1)):
            entries[tag] = Entry(3, 1, struct.pack(f"{tags.order}H", number))
        entries.pop(EXTRA_SAMPLES, None)
        start = len(content) + len(content) % 2
        head = content[:4] + struct.pack(f"{tags.order}L", start)
        single = head + content[8:].ljust(start - 8, b"\0") + Directory(tags.order, entries).to_bytes(start)
        planes.append(opencv_values(single))
    if any(plane is None or plane.ndim != 2 for plane in planes):
        return None
    return np.dstack(planes)


def with_number(content: bytes, tags: Directory, tag: int, number: int) -> bytes:
    """A TIFF file's bytes with another number under a tag of the first directory that holds one short number."""
    entry = tags.entries.get(tag)
    if entry is None or entry.kind != 3 or entry.count != 1:
        return content
    old = struct.pack(f"{tags.order}HH", tag, 3)
    big = content[2:4] in _BIG
    count = struct.pack(f"{tags.order}{'Q' if big else 'L'}", 1)
    start = struct.unpack(f"{tags.order}{'Q' if big else 'L'}", content[8:16] if big else content[4:8])[0]
    place = content.find(old + count + entry.data, start)
    if place < 0:
        return content
    place += len(old) + len(count)
    return content[:place] + struct.pack(f"{tags.order}H", number) + content[place + 2 :]


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Within, OpenCV prints nothing of its own on standard error."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
