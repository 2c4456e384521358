"""Many photos on several processes of one machine: each has its own model and its share of processors and memory.

The parent hands out one job at a time over a pipe to each worker, so that nothing waits in a queue that a killed
process could leave locked. If a worker dies (out of memory, `kill -9`), another takes its place, and its photo is tried
once more; what other workers do is not touched.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from inpaint_tf.errors import UserError
from inpaint_tf.machine_memory import free_memory

# Share of the free memory that all workers together plan with.
SHARE_OF_FREE = 0.6
# Times that a photo may take its process down; and deaths in a row after which no further worker is started.
MOST_DEATHS, MOST_DEATHS_IN_A_ROW = 2, 10
# What TensorFlow and its convolution library read.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


class Outcome(NamedTuple):
    """What became of a job.

    Attributes:
        notes: What its owner may want to know, a sentence each.
        kinds: What is worth mentioning in the summary, see `one_photo.Decoded`.
        error: Why it failed; None if it is done.
    """

    notes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    error: str | None = None


def parse_shard(text: str | None) -> tuple[int, int]:
    """ "2/5" -> (2, 5), the second of five parts; None is (1, 1).

    Raises:
        UserError: for another form, or a number out of range.
    """
    if text is None:
        return 1, 1
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit()) or not 1 <= int(part) <= int(parts):
        raise UserError(f"--shard={text} is no part; write I/N with I from 1 to N, for example --shard=2/5.")
    return int(part), int(parts)


def memory_share(workers: int) -> int:
    """Bytes that each of several workers may plan with."""
    return int(free_memory() * SHARE_OF_FREE / workers)


class Workers:
    """Processes that do jobs.

    Args:
        count: How many.
        make: Picklable function without arguments that gives, in the worker, the function from a job to its `Outcome`.
        share_processors: Whether each computes with its share of the processors' threads, which is faster; else with as
            many as a process alone. Their number decides on how sums are rounded: a few values of a picture are 1 more
            or less.

    Call arguments:
        jobs: The jobs, picklable.

    Yields:
        Pairs of job and `Outcome`, as they are done.

    Raises:
        UserError: if one worker after the other dies.
    """

    def __init__(self, count: int, make: Callable[[], Callable[[Any], Outcome]], share_processors: bool = True):
        self._count, self._make = count, make
        self._threads = _threads_for_each(count) if share_processors else contextlib.nullcontext()
        self._context = multiprocessing.get_context("spawn")

    def __call__(self, jobs: Sequence[Any]) -> Iterator[tuple[Any, Outcome]]:
        waiting = list(range(len(jobs)))[::-1]
        deaths = dict.fromkeys(waiting, 0)
        at_work: dict[Any, tuple[Any, int]] = {}  # Connection -> process, number of its job.
        deaths_in_a_row = 0
        with self._threads:
            try:
                while waiting or at_work:
                    while waiting and len(at_work) < self._count:
                        connection, process = self._start()
                        at_work[connection] = process, waiting.pop()
                        _send(connection, jobs[at_work[connection][1]])
                    for connection in multiprocessing.connection.wait(list(at_work)):
                        process, index = at_work.pop(connection)
                        outcome = _receive(connection)
                        if outcome is None:
                            process.join()
                            deaths[index] += 1
                            deaths_in_a_row += 1
                            if deaths[index] < MOST_DEATHS:
                                waiting.append(index)
                                continue
                            if deaths_in_a_row >= MOST_DEATHS_IN_A_ROW:
                                raise UserError(f"one worker after the other ends ({_end(process)}); try --workers=1.")
                            yield jobs[index], Outcome(error=_death(process))
                            continue
                        deaths_in_a_row = 0
                        if waiting:
                            at_work[connection] = process, waiting.pop()
                            _send(connection, jobs[at_work[connection][1]])
                        else:
                            _send(connection, None)
                            process.join()
                        yield jobs[index], outcome
            finally:
                for process, _ in at_work.values():
                    process.terminate()
                for process, _ in at_work.values():
                    process.join(10)

    def _start(self):
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._make), daemon=True)
        process.start()
        theirs.close()
        return ours, process


def _work(connection, make) -> None:
    # The parent ends its workers; Ctrl+C reaches all processes of a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before a job is received: to unpickle one may import TensorFlow, which `make` does quietly, for the right device.
    do = make()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while (job := connection.recv()) is not None:
            connection.send(do(job))


def _send(connection, job) -> None:
    # A worker that is dead already is noticed when its answer is waited for.
    with contextlib.suppress(OSError):
        connection.send(job)


def _receive(connection) -> Outcome | None:
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None


def _death(process) -> str:
    return f"its process ended twice ({_end(process)}); out of memory? Try fewer --workers or a --memory_budget."


def _end(process) -> str:
    code = process.exitcode
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


@contextlib.contextmanager
def _threads_for_each(count: int) -> Iterator[None]:
    """Processes that start within share the processors evenly."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(max(1, usable // count))))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
