"""Seeded damage: bytes that are flipped, cut, moved and repeated, and JSON whose values become other values."""

import copy
import json
import zlib

import numpy as np

# What programs write where something else was meant.
_ODD_BYTES = (
    b"\x00" * 8,
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xd8\xff",
    b"\n",
    b'"',
    b"\x1b[2J",
)
_ODD_VALUES = (
    None, True, False, 0, -1, 1e308, 10**400, float("nan"), float("inf"), "", "4", "../x", "/etc/passwd", "\x1b[31m\n",
    "\ud800", "a" * 10_000, [], [None], {}, {"": 1}, [[]] * 100,
)  # fmt: skip


def mutate_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Content with one to four kinds of damage, mostly one; a function of the generator alone."""
    changed = bytearray(content)
    for _ in range(1 + rng.integers(4) * rng.integers(2)):
        size = len(changed)
        if not size:
            break
        at, kind = int(rng.integers(size)), rng.integers(7)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            for position in rng.integers(size, size=rng.integers(1, 9)):
                changed[position] ^= 1 << rng.integers(8)
        elif kind == 2:
            changed[at : at + rng.integers(1, 65)] = b""
        elif kind == 3:
            changed[at:at] = rng.bytes(int(rng.integers(1, 65)))
        elif kind == 4:
            odd = _ODD_BYTES[rng.integers(len(_ODD_BYTES))]
            changed[at : at + len(odd)] = odd
        elif kind == 5:
            other, length = int(rng.integers(size)), int(rng.integers(1, 257))
            changed[at:at] = changed[other : other + length]
        else:
            # Heads of files hold what decoders trust.
            changed[rng.integers(min(size, 64))] = rng.integers(256)
    return bytes(changed)


def mutate_png(content: bytes, rng: np.random.Generator) -> bytes:
    """The same, in half of all cases with the chunks' checksums made right again, so that decoders look at them."""
    changed, at = bytearray(mutate_bytes(content, rng)), 8
    if rng.integers(2):
        return bytes(changed)
    while at + 12 <= len(changed):
        end = at + 8 + int.from_bytes(changed[at : at + 4])
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = zlib.crc32(changed[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(changed)


def mutate_json(content: bytes, rng: np.random.Generator) -> bytes:
    """JSON text with one to three of its values replaced, removed, doubled or moved under another name."""
    value = json.loads(content)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(value))
        if not places:
            break
        holder, key = places[rng.integers(len(places))]
        kind = rng.integers(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[f"{key}\x1b"] = holder.pop(key)
        elif kind == 2 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(_ODD_VALUES[rng.integers(len(_ODD_VALUES))])
    return json.dumps(value).encode()


def _places(value):
    """(container, key or index) of everything inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)
