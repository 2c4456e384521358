"""An evaluation's rows computed by several processes, or by several machines, a part each.

Rows are kept in the output folder (`runner`), so whoever computes one need not be the one who reports on it: the
evaluation that comes after finds all of them there.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.method import Method
from inpaint_tf.evaluation.protocols import ImageSource
from inpaint_tf.evaluation.runner import EntryRunner
from inpaint_tf.masks.manifest import Manifest, read_manifest
from inpaint_tf.progress import progress


class EntryJob(NamedTuple):
    """One row to compute: a method's name and the number of an entry."""

    method: str
    entry: int


class EntryFailure(NamedTuple):
    """Why a row is not there.

    Attributes:
        text: One line.
        input_is_bad: Whether image or mask cannot be used, which ends an evaluation; else the row is given up.
    """

    text: str
    input_is_bad: bool


# From jobs to pairs of job and failure (None if its row is there), as they are done.
Engine = Callable[[Sequence[EntryJob]], Iterator[tuple[EntryJob, EntryFailure | None]]]


@dataclasses.dataclass(frozen=True)
class Share:
    """What of an evaluation is computed here, and how.

    Attributes:
        part, parts: Every `parts`-th entry from the `part`-th on, counted from 1.
        engine: Does the jobs on other processes; None does them here.
    """

    part: int = 1
    parts: int = 1
    engine: Engine | None = None

    def entries(self, manifest: Manifest) -> range:
        """Numbers of the entries."""
        return range(self.part - 1, len(manifest.entries), self.parts)


class PartDone(NamedTuple):
    """What a part of an evaluation came to.

    Attributes:
        computed: Rows that were not there before.
        given_up: Method -> number of an entry -> why there is no row: its process ended, twice.
        errors: Rows that say that the method failed.
    """

    computed: int
    given_up: Mapping[str, Mapping[int, str]]
    errors: int


def compute_part(
    methods: Sequence[Method], manifest: Manifest, source: ImageSource, output: str | pathlib.Path, share: Share
) -> PartDone:
    """Computes the rows of a part that are not there yet; the mask set must be in the output folder.

    Raises:
        UserError: if an image or mask is missing or not the manifest's, or the folder cannot be written.
    """
    runners = {method.name: EntryRunner(method, manifest, source, output, output) for method in methods}
    jobs = [
        EntryJob(name, entry)
        for name, runner in runners.items()
        for entry in share.entries(manifest)
        if runner.kept(entry) is None
    ]
    given_up: dict[str, dict[int, str]] = {method.name: {} for method in methods}
    errors = 0
    done = ((job, _here(runners, job)) for job in jobs) if share.engine is None or not jobs else share.engine(jobs)
    for job, failure in progress(done, len(jobs), "mask"):
        if failure is None:
            errors += runners[job.method].kept(job.entry) is None
        elif failure.input_is_bad:
            raise UserError(failure.text)
        else:
            given_up[job.method][job.entry] = failure.text
    return PartDone(len(jobs) - sum(map(len, given_up.values())), given_up, errors)


class EntryWork:
    """What a process does with jobs: computes their rows, with one method in memory at a time.

    Args:
        make: From a method's name to the `Method`.
        source: `ImageSource`.
        output: The evaluation's folder, with its mask set.
        workers: How many processes there are.
    """

    def __init__(
        self, make: Callable[[str], Method], source: ImageSource, output: str | pathlib.Path, workers: int
    ) -> None:
        self._make, self._source, self._output, self._workers = make, source, output, workers
        self._manifest = read_manifest(output)
        self._name, self._runner = "", None

    def __call__(self, job: EntryJob) -> EntryFailure | None:
        try:
            if self._runner is None or self._name != job.method:
                self._runner = None  # Its memory goes before the next one's comes.
                method = self._make(job.method)
                folders = self._output, self._output
                self._runner = EntryRunner(method, self._manifest, self._source, *folders, workers=self._workers)
                self._name = job.method
            self._runner.compute(job.entry)
        except UserError as error:
            return EntryFailure(str(error), input_is_bad=True)
        return None


def _here(runners: Mapping[str, EntryRunner], job: EntryJob) -> Any:
    runners[job.method].compute(job.entry)
