"""Amounts of memory and numbers of pixels as people write them."""

import re

from inpaint_tf.errors import UserError

_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "k": 2**10, "m": 2**20, "g": 2**30}
_UNITS |= {"kb": 10**3, "mb": 10**6, "gb": 10**9}


def parse_bytes(text, flag):
    """ "1.5GiB", "800MB", "2g" or plain bytes -> int; None stays None. Raises UserError naming the flag."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)\s*([a-zA-Z]*)", text.strip())
    if match is None or match[2].lower() not in _UNITS or float(match[1]) == 0:
        raise UserError(f"--{flag}={text} is no amount of memory; write for example 800MiB, 1.5GiB or plain bytes.")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def parse_pixels(text: str | None, flag: str) -> int | None:
    """ "200M", "64e6" or plain pixels -> int; None stays None. Raises UserError naming the flag."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?(?:e[0-9]{1,2})?)\s*([kmg]?)(?:px|pixels|p)?", text.strip().lower())
    pixels = float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[match[2]] if match else 0
    if not 1 <= pixels <= 1e15:
        raise UserError(f"--{flag}={text} is no number of pixels; write for example 200M or 200000000.")
    return int(pixels)
