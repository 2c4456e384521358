"""One bounded queue in front of one thread: fills run one after another, and everybody knows their place."""

import collections
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from inpaint_tf.errors import OutOfMemory, UserError
from inpaint_tf.machine_memory import ran_out_of_memory
from inpaint_tf.serve.errors import RequestError

Report = Callable[[str, float], None]
# Finished jobs are remembered so long, and so many of them.
_REMEMBERED_SECONDS = 600
_REMEMBERED = 1000


class JobResult(NamedTuple):
    """What work returns whose client is told by and by.

    Attributes:
        said: Words and numbers, to be told as JSON.
        pictures: Name -> PNG, to be fetched.
    """

    said: dict[str, Any]
    pictures: Mapping[str, bytes] = MappingProxyType({})


class Cancelled(Exception):
    """Raised inside work whose job was cancelled."""


class Job:
    """One piece of work.

    Attributes:
        id: Unguessable.
        state: "waiting", "running", "done", "failed" or "cancelled".
        stage, fraction: What it does now and how far that is, in [0, 1].
        result: What the work returned.
        error: The `RequestError` of a failed job.
        seconds: From its start to its end, or to now.
    """

    def __init__(self, work: Callable[[Report], Any], most_seconds: float):
        self.id = secrets.token_urlsafe(16)
        self.state = "waiting"
        self.stage, self.fraction = "", 0.0
        self.result: Any = None
        self.error: RequestError | None = None
        self.finished = threading.Event()
        self._work: Callable[[Report], Any] | None = work
        self._most_seconds = most_seconds
        self._cancelled = threading.Event()
        self._started = self._ended = None
        self._when_finished: list[Callable[[], None]] = []

    @property
    def seconds(self) -> float:
        if self._started is None:
            return 0.0
        return (self._ended or time.monotonic()) - self._started

    def cancel(self) -> None:
        """Ends the job: at once if it waits, at its next report if it runs."""
        self._cancelled.set()

    def report(self, stage: str, fraction: float) -> None:
        """Called by the work as it goes on. Raises what ends it."""
        self.stage, self.fraction = stage, float(min(1.0, max(0.0, fraction)))
        if self._cancelled.is_set():
            raise Cancelled
        if self.seconds > self._most_seconds:
            raise RequestError(
                504, f"the fill took longer than {self._most_seconds:g} s; mark less, or choose a smaller working size."
            )

    def run(self) -> None:
        self._started = time.monotonic()
        self.state = "running"
        try:
            self.report("starting", 0.0)
            assert self._work is not None
            self.result = self._work(self.report)
            state = "done"
        except Cancelled:
            state = "cancelled"
        except RequestError as error:
            self.error, state = error, "failed"
        except OutOfMemory as error:
            self.error, state = RequestError(503, str(error), 30), "failed"
        except UserError as error:
            self.error, state = RequestError(400, str(error)), "failed"
        except Exception as error:  # The thread must live on, whatever happened in it.
            state = "failed"
            if ran_out_of_memory(error):
                self.error = RequestError(503, "memory ran out; try again, or a smaller photo.", 30)
            else:
                traceback.print_exc()
                self.error = RequestError(500, "the fill failed; the server's log says why.")
        self.finish(state)

    def finish(self, state: str, error: RequestError | None = None) -> None:
        self.error = error or self.error
        self._ended = time.monotonic()
        self._work = None  # It holds the photo.
        self.state = state
        self.finished.set()
        for callback in self._when_finished:
            callback()

    def when_finished(self, callback: Callable[[], None]) -> None:
        """Calls back from the queue's thread, or at once if the job is over. May be called twice; must not raise."""
        self._when_finished.append(callback)
        if self.finished.is_set():
            callback()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()


class JobQueue:
    """Runs jobs in the order in which they came.

    Args:
        most_waiting: How many may wait; further ones are turned away.
        most_seconds: Of one job's run.
    """

    def __init__(self, most_waiting: int, most_seconds: float):
        self.most_waiting = most_waiting
        self._most_seconds = most_seconds
        self._waiting: collections.deque[Job] = collections.deque()
        self._jobs: collections.OrderedDict[str, Job] = collections.OrderedDict()
        self._running: Job | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="fills", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Report], Any]) -> Job:
        """Queues `work(report)`. Raises RequestError (503) if the queue is full or the server stops."""
        with self._changed:
            if self._closed:
                raise RequestError(503, "the server is stopping; try again later.", 30)
            if len(self._waiting) >= self.most_waiting:
                raise RequestError(503, f"{len(self._waiting)} fills are waiting already; try again in a minute.", 60)
            job = Job(work, self._most_seconds)
            self._forget_old()
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._changed.notify_all()
            return job

    def find(self, identity: str) -> Job:
        """The job of that id. Raises RequestError (404)."""
        job = self._jobs.get(identity)
        if job is None:
            raise RequestError(404, "there is no such job, or it ended more than ten minutes ago.")
        return job

    def cancel(self, job: Job) -> None:
        """Cancels a job; one that waits makes room at once."""
        job.cancel()
        with self._changed:
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        job.finish("cancelled")

    def place(self, job: Job) -> int:
        """0 if it runs or is over, else 1 for the next one, 2 for the one after it, ..."""
        with self._changed:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> bool:
        return self._running is not None

    def close(self) -> None:
        """Takes no more work and turns away what waits; what runs goes on."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = list(self._waiting), collections.deque()
            self._changed.notify_all()
        for job in waiting:
            job.finish("failed", RequestError(503, "the server is stopping; try again later.", 30))

    def drain(self, seconds: float | None = None) -> bool:
        """Waits until the thread has ended after `close`; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                self._running = self._waiting.popleft()
            self._running.run()
            self._running = None

    def _forget_old(self) -> None:
        now = time.monotonic()
        for identity, job in list(self._jobs.items()):
            if not job.finished.is_set():
                continue
            if len(self._jobs) > _REMEMBERED or (job._ended and now - job._ended > _REMEMBERED_SECONDS):  # noqa: SLF001
                del self._jobs[identity]
