"""Pixels of more than 8 bits to 8: integers of any width and floats, by the range that they are found to have.

No file says reliably on what scale its values are: scanners write 12 bits into 16, renderers floats from 0 to 1 with
highlights beyond, converters floats from 0 to 255. So the scale is chosen from the values, and said.
"""

import numpy as np

from inpaint_tf.errors import UserError

# Bytes of an integer -> scales that are told apart by the largest value: bits per channel.
_BIT_SCALES = {2: (8, 10, 12, 14, 15, 16), 4: (8, 10, 12, 14, 16, 24, 31, 32)}
# A share of values below 0 that may be cut off, with a note; more are no picture.
_MOST_NEGATIVE = 0.05
# Floats of which at least this share lies within 0 to 1 are on that scale; what is brighter is cut off.
_WITHIN_UNIT = 0.5


def to_8_bits(values: np.ndarray, bits: int | None = None) -> tuple[np.ndarray, str]:
    """Values of any kind to levels.

    Args:
        values: Integers or floats, [H, W] or [H, W, C], all channels on one scale.
        bits: Significant bits that the file declares; None if it declares none.

    Returns:
        uint8 of the same shape, and a sentence that says what was done.

    Raises:
        UserError: for values that are not finite, or many below 0. The message begins with "holds".
    """
    kind = {"u": "unsigned", "i": "signed", "f": "floating-point"}[values.dtype.kind]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise UserError("holds values that are not numbers or infinite; replace them before it is used.")
    notes = []
    lowest, highest = float(values.min()), float(values.max())
    if lowest < 0:
        share = float(np.mean(values < 0))
        if share > _MOST_NEGATIVE:
            raise UserError(f"holds {share:.0%} negative values, down to {lowest:g}; shift them to 0 and above.")
        values = np.maximum(values, 0)
        notes.append(f"negative values, down to {lowest:g}, became 0")
    if values.dtype.kind == "f":
        top, scale = _float_scale(values, highest)
    else:
        top, scale = _integer_scale(highest, bits, values.dtype)
    if top == 65535 and values.dtype.kind == "u":
        levels = (values >> 8).astype(np.uint8)  # As most software does; differs from rounding by less than a level.
    else:
        levels = np.empty(values.shape, np.uint8)
        factor = np.float32(255 / top)
        for row in range(0, len(values), 256):  # By parts: float copies of a large photo need much memory.
            with np.errstate(over="ignore"):
                part = values[row : row + 256].astype(np.float32) * factor
            levels[row : row + 256] = np.clip(part + np.float32(0.5), 0, 255).astype(np.uint8)
    if highest > top:
        notes.append(f"brighter values, up to {highest:g}, became white")
    if top == 65535 and values.dtype.itemsize == 2:
        return levels, "; ".join(["16 bits a channel were brought to 8", *notes]) + "."
    return levels, "; ".join([f"its {kind} values were read {scale}", *notes]) + "."


def alpha_to_8_bits(values: np.ndarray) -> np.ndarray:
    """Opacity of any kind, on a scale of its own, to uint8: 255 is opaque."""
    if values.dtype.kind == "f":
        return np.clip(np.nan_to_num(values) * 255 + 0.5, 0, 255).astype(np.uint8)
    top, _ = _integer_scale(float(values.max(initial=0)), None, values.dtype)
    return np.clip(values.astype(np.float32) * np.float32(255 / top) + 0.5, 0, 255).astype(np.uint8)


def _integer_scale(highest: float, bits: int | None, dtype: np.dtype) -> tuple[float, str]:
    if bits is None or highest >= 2**bits:
        bits = next(
            b for b in _BIT_SCALES.get(dtype.itemsize, (8,)) if highest < 2**b and (b != 15 or dtype.kind == "i")
        )
    return float(2**bits - 1), f"as {bits} bits a channel, 0 to {2**bits - 1}"


def _float_scale(values: np.ndarray, highest: float) -> tuple[float, str]:
    if highest <= 1:
        return 1.0, "from 0 to 1"
    sample = values[:: max(1, len(values) // 512)]
    whole = bool((sample == np.rint(sample)).all())
    if not whole and float(np.mean(sample <= 1)) >= _WITHIN_UNIT:
        return 1.0, "from 0 to 1"
    if highest <= 255:
        return 255.0, "from 0 to 255"
    if whole and highest <= 65535:
        return _integer_scale(highest, None, np.dtype(np.uint16))
    return highest, f"from 0 to their largest, {highest:g}"
