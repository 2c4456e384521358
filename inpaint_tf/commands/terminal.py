"""What a command prints passes here: names and texts of others move no cursor, and no character is too much."""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from inpaint_tf.errors import printable

# What the program itself uses to lay out lines.
_LAYOUT = "\n\r\t"
# What progress bars of libraries (tqdm) write by itself to go up a few lines.
_MOVE = re.compile(r"\n*(\x1b\[A)*")


class PrintableStream:
    """A text stream that writes control characters, but for line ends and tabs, as `printable` does.

    A character that the stream's encoding lacks is written as "\\u2212" instead of an error. All else is the stream's.

    Args:
        stream: The stream, e.g. `sys.stdout`.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Writes text. Returns its length, as streams do."""
        shown = text if _MOVE.fullmatch(text) else printable(text, keep=_LAYOUT)
        try:
            self.stream.write(shown)
        except UnicodeEncodeError:
            encoding = self.stream.encoding or "ascii"
            self.stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def printable_output() -> Iterator[None]:
    """In its context, standard output and standard error are `PrintableStream`s."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = PrintableStream(sys.stdout), PrintableStream(sys.stderr)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
