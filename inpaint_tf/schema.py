"""Checks what a JSON file holds against what it should hold: presets, manifests, configurations, results.

A schema is a function (value, where) -> value that raises `Mismatch` naming the place, what is needed and what is
there. Small ones are combined:

    ENTRY = record({"file": relative_path, "size": list_of(integer(1, 65536), 2), "image": optional(IMAGE)})
    entry = read_json(path, "a manifest", ENTRY)
"""

import contextlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from inpaint_tf.errors import printable, reading
from inpaint_tf.files import regular_bytes

Schema = Callable[[Any, str], Any]
# A file that should hold settings or a list, and is larger, is something else.
MOST_BYTES = 256 * 2**20
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


class Mismatch(ValueError):
    """A value is not what its schema says."""


def read_json(path: str | os.PathLike, what: str, schema: Schema, advice: str = "") -> Any:
    """What a JSON file holds, checked.

    Args:
        path: The file.
        what: What it should be, e.g. "a preset's configuration"; for the error.
        schema: What it should hold.
        advice: What to do if it does not.

    Raises:
        UserError: if it is missing, no JSON, or does not match.
    """
    with reading(path, what, advice):
        return parse_json(regular_bytes(path, MOST_BYTES), schema)


def parse_json(content: bytes | str, schema: Schema) -> Any:
    """What JSON text holds, checked. Raises ValueError."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise Mismatch("it is nested too deeply") from None
    return schema(value, "")


def any_value(value: Any, where: str) -> Any:
    """Whatever there is."""
    return value


def text(value: Any, where: str) -> str:
    """Text, also empty."""
    return value if isinstance(value, str) else _refuse(where, "text", value)


def boolean(value: Any, where: str) -> bool:
    """True or false."""
    return value if isinstance(value, bool) else _refuse(where, "true or false", value)


def scalar(value: Any, where: str) -> Any:
    """Text, a finite number, true, false or null."""
    fits = value is None or isinstance(value, str | bool | int) or (type(value) is float and math.isfinite(value))
    return value if fits else _refuse(where, "text, a number, true, false or null", value)


def integer(low: int | None = None, high: int | None = None) -> Schema:
    """A whole number from `low` to `high`."""

    def check(value, where):
        fits = type(value) is int and (low is None or value >= low) and (high is None or value <= high)
        return value if fits else _refuse(where, f"a whole number{_limits(low, high)}", value)

    return check


def finite(low: float | None = None, high: float | None = None) -> Schema:
    """A finite number from `low` to `high`."""

    def check(value, where):
        fits = type(value) in (int, float) and math.isfinite(value)
        fits = fits and (low is None or value >= low) and (high is None or value <= high)
        return value if fits else _refuse(where, f"a number{_limits(low, high)}", value)

    return check


def one_of(*choices: Any) -> Schema:
    """One of some values."""

    def check(value, where):
        # Of the same type: true is not 1.
        known = any(type(value) is type(choice) and value == choice for choice in choices)
        return value if known else _refuse(where, f"one of {', '.join(map(str, choices))}", value)

    return check


def either(*schemas: Schema) -> Schema:
    """What matches one of some schemas; the last one says what is wrong."""

    def check(value, where):
        for schema in schemas[:-1]:
            with contextlib.suppress(Mismatch):
                return schema(value, where)
        return schemas[-1](value, where)

    return check


def matching(pattern: str, what: str) -> Schema:
    """Text that matches a regular expression as a whole."""

    def check(value, where):
        return value if isinstance(value, str) and re.fullmatch(pattern, value) else _refuse(where, what, value)

    return check


def relative_path(value: Any, where: str) -> str:
    """A path below the file's own folder, see `is_below`."""
    return value if is_below(text(value, where)) else _refuse(where, 'a path below this folder, without ".."', value)


def is_below(path: str) -> bool:
    """Whether a path stays below its folder: not absolute, no "..", nothing that a system might take for either."""
    parts = path.replace("\\", "/").split("/")
    outside = not parts[0] or parts[0].startswith("~") or ":" in parts[0] or ".." in parts or "\0" in path
    return not outside


def list_of(item: Schema, length: int | None = None) -> Schema:
    """A list whose items match, of a certain length if one is given."""

    def check(value, where):
        if not isinstance(value, list) or (length is not None and len(value) != length):
            _refuse(where, "a list" if length is None else f"a list of {length}", value)
        return [item(one, f"{where}[{index}]") for index, one in enumerate(value)]

    return check


def mapping(item: Schema) -> Schema:
    """An object with any names, whose values match."""

    def check(value, where):
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        return {name: item(one, _below(where, name)) for name, one in value.items()}

    return check


def optional(item: Schema) -> Schema:
    """As a field of a `record`, one that may be missing; if it is there it matches."""

    def check(value, where):
        return item(value, where)

    check.is_optional = True  # type: ignore[attr-defined]
    return check


def nullable(item: Schema) -> Schema:
    """The same, or null. As a field of a `record` it must be there; `optional(nullable(...))` need not."""

    def check(value, where):
        return None if value is None else item(value, where)

    return check


def record(fields: Mapping[str, Schema], others: bool = False) -> Schema:
    """An object with certain fields; `others` allows more, which are passed on unchecked."""

    def check(value, where):
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        missing = [name for name, field in fields.items() if name not in value and not hasattr(field, "is_optional")]
        if missing:
            raise Mismatch(f"{_at(where)}{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        unknown = sorted(set(value) - set(fields))
        if unknown and not others:
            known = ", ".join(fields)
            raise Mismatch(f"{_at(where)}{printable(', '.join(unknown[:5]))} is unknown; known: {known}")
        checked = {name: field(value[name], _below(where, name)) for name, field in fields.items() if name in value}
        return {**value, **checked}

    return check


def _below(where, name):
    return f"{where}.{printable(name)}" if where else printable(name)


def _at(where):
    return f"{where}: " if where else ""


def _limits(low, high):
    if low is None and high is None:
        return ""
    return f" of {low} or more" if high is None else f" up to {high}" if low is None else f" from {low} to {high}"


def _refuse(where, needed, value):
    shown = printable(json.dumps(value, ensure_ascii=False, default=str))
    shown = shown if len(shown) <= 60 else _NAMES.get(type(value), "something else") + " like " + shown[:50] + "..."
    raise Mismatch(f"{where or 'it'} must be {needed}, not {shown}")
