"""Which process made a file, and whether that process still lives.

A process is known by its number, its start time (numbers are used again) and the machine it runs on: start of the
machine, host name and number space, because in another container the same number means another process.
"""

import functools
import hashlib
import os
import pathlib
import socket

_PROC = pathlib.Path("/proc")


def token(pid: int | None = None) -> str:
    """ "PID-START-MACHINE" of a process, this one by default; characters that a file name may hold."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}-{_started(pid) or 0}-{_machine()}"


def is_dead(owner: str) -> bool | None:
    """Whether the process of a `token` has ended; None if that cannot be known (another machine, no token)."""
    try:
        number, started, machine = owner.split("-")
        pid = int(number)
    except ValueError:
        return None
    if machine != _machine():
        return None
    if started == "0" or not (_PROC / "self" / "stat").exists():
        return not _answers(pid)
    return str(_started(pid)) != started


def _started(pid):
    """Start time of a process in clock ticks since the machine's start; None if it has ended or cannot be asked."""
    try:
        # The name in brackets may hold anything; after it, the start is the 20th word and the state the first.
        words = (_PROC / str(pid) / "stat").read_bytes().rsplit(b")", 1)[1].split()
        return None if words[0] in (b"Z", b"X") else int(words[19])
    except (OSError, IndexError, ValueError):
        return None


def _answers(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@functools.cache
def _machine():
    parts = [socket.gethostname()]
    for read in (
        lambda: (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii"),
        lambda: os.readlink(_PROC / "self/ns/pid"),
    ):
        try:
            parts.append(read())
        except OSError:
            parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
