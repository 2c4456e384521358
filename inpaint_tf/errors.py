"""Errors that are written for people, and names that are safe to show them."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence

# Of a parser's own words, this many characters go into an error.
_MOST_WORDS = 240
# Where in TensorFlow something happened says nothing to people.
_TENSORFLOWS_OWN = re.compile(r"\{\{.*?\}\}|\[Op:\w+\]")
# Unicode categories that are not shown as they are: control, format (right-to-left marks and the like), surrogates of
# bytes that are not UTF-8, line and paragraph separators; but for the two that join letters and emoji.
_HIDDEN, _JOINERS = ("Cc", "Cf", "Cs", "Zl", "Zp"), "\u200c\u200d"


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was given, what is accepted, what to do. Commands print it and exit with `exit_code`.
    """

    exit_code = 2


class NoSuchDevice(UserError):
    """A processor was asked for that the machine does not have, or that TensorFlow cannot use."""

    exit_code = 1


class OutOfMemory(UserError):
    """The machine's memory, or that of its GPU, was not enough. The message says what takes less."""


def printable(name: object, keep: str = "") -> str:
    r"""A name as it may be shown: what would move a terminal's cursor, break a line or hide is written as "\x1b".

    Args:
        name: Anything; its text is taken.
        keep: Characters that stay all the same, e.g. line ends.
    """
    hidden = {c for c in set(str(name)) if unicodedata.category(c) in _HIDDEN and c not in _JOINERS + keep}
    return "".join(_escaped(c) if c in hidden else c for c in str(name))


def name_some(names: Sequence[object], most: int = 10) -> str:
    """ "a, b" or "a, b, c and 12 more", all printable."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def shortened(value: object, most: int = 80) -> str:
    """A value as Python writes it, printable and no longer than so many characters."""
    shown = printable(repr(value))
    return shown if len(shown) <= most else shown[: most - 4] + " ..."


def reason(error: BaseException) -> str:
    """What an exception says, on one printable line without a full stop; its type's name if it says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    words = printable(" ".join(_TENSORFLOWS_OWN.sub("", str(error)).split()))
    if isinstance(error, KeyError):
        words = f"{words} is missing"
    if len(words) > _MOST_WORDS:
        # What happened stands at the beginning or, after a long path, at the end.
        words = f"{words[: _MOST_WORDS // 2]} ... {words[-_MOST_WORDS // 2 :]}"
    return words.rstrip(".") or type(error).__name__


@contextlib.contextmanager
def reading(path: str | os.PathLike, what: str, advice: str = "") -> Iterator[None]:
    """Context at the edge of a reader: whatever a parser throws becomes one line that names the file.

    Args:
        path: The file.
        what: What it should be, e.g. "a preset's weights".
        advice: What to do about it.

    Raises:
        UserError: instead of any other exception; a `UserError` passes through.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{printable(path)} does not exist.{advice and ' ' + advice}") from error
    except Exception as error:
        raise UserError(
            f"{printable(path)} cannot be read as {what}: {reason(error)}.{advice and ' ' + advice}"
        ) from error


def _escaped(character):
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # A byte of a file name that is not UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
