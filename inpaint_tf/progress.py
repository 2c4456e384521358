"""A progress line for long work: how far, how fast, how long still."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")


def progress(iterable: Iterable[Item], total: int, label: str, stream: TextIO | None = None) -> Iterator[Item]:
    """Yields from `iterable` and keeps a line on standard error: done, rate, time left.

    On a terminal the line is rewritten in place, at most ten times a second; elsewhere it is printed every ten
    seconds and at the end. A `total` below 2 prints nothing.

    Args:
        iterable: What to go through.
        total: Number of items.
        label: What an item is called, e.g. "photo".
        stream: Text stream; None is standard error.
    """
    out = sys.stderr if stream is None else stream
    rewritten = out.isatty()
    started = shown = time.monotonic()
    for done, item in enumerate(iterable, start=1):
        yield item
        now = time.monotonic()
        if total > 1 and (done == total or now - shown > (0.1 if rewritten else 10)):
            shown = now
            line = progress_line(done, total, label, now - started)
            end = "\n" if done == total or not rewritten else ""
            out.write(("\r" + line.ljust(70) if rewritten else line) + end)
            out.flush()


def progress_line(done: int, total: int, label: str, seconds: float) -> str:
    """For example "photo 12/40  2.4 a second  12 s left"; below one a second the rate is given as seconds each."""
    rate = done / max(seconds, 1e-9)
    speed = f"{rate:.1f} a second" if rate >= 1 else f"{1 / rate:.1f} s each"
    return f"{label} {done}/{total}  {speed}  {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 05 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
