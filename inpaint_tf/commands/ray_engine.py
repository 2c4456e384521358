"""Many photos on a Ray cluster: actors that hold an inpainter each, fed by Ray Data.

Photos, masks and outputs are read and written by the actors, so their folders must be on a disk that all machines see.
An actor that finds an output there leaves it, so that the same command again does what is missing.
"""

import importlib
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inpaint_tf.commands.workers import Outcome
from inpaint_tf.errors import UserError


def check_installed() -> None:
    """Raises UserError if Ray is missing."""
    ray_module("ray.data")


def ray_module(name: str = "ray") -> Any:
    """A module of Ray, which is an extra that the type checker need not have. Raises UserError if it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError('--engine=ray needs Ray: pip install "inpaint_tf[ray]" on every machine.') from None


class RayEngine:
    """Does jobs on a Ray cluster: the one that `RAY_ADDRESS` names, or this machine alone.

    Args:
        actors: How many inpainters there are at a time.
        make: As of `workers.Workers`.
        skip_done: Whether jobs all of whose outputs exist are left alone.

    Call arguments:
        jobs: The jobs, picklable, with `outputs()`.

    Yields:
        Pairs of job and `Outcome`, as they are done.

    Raises:
        UserError: if Ray is missing, or the cluster cannot be reached or loses an actor for good.
    """

    def __init__(self, actors: int, make: Callable[[], Callable[[Any], Outcome]], skip_done: bool):
        check_installed()
        self._actors, self._make, self._skip_done = actors, make, skip_done

    def __call__(self, jobs: Sequence[Any]) -> Iterator[tuple[Any, Outcome]]:
        ray, data, failures = ray_module(), ray_module("ray.data"), ray_module("ray.exceptions")
        try:
            quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
            ray.init(ignore_reinit_error=True, include_dashboard=False, **quiet)
            data.DataContext.get_current().enable_progress_bars = False
            logging.getLogger("ray.data").setLevel(logging.ERROR)
            rows = data.from_items([{"index": index, "job": pickle.dumps(job)} for index, job in enumerate(jobs)])
            done = rows.map_batches(
                PhotoActor,
                fn_constructor_args=(pickle.dumps(self._make), self._skip_done),
                batch_size=1,
                batch_format="numpy",
                concurrency=self._actors,
                num_cpus=1,
            )
            for row in done.iter_rows():
                yield jobs[row["index"]], pickle.loads(row["outcome"])
        except (ConnectionError, failures.RayError) as error:
            last = " ".join(str(error).split())[-200:]
            raise UserError(f"the Ray cluster did not finish ({type(error).__name__}: {last}).") from error


class PhotoActor:
    """One actor: makes its inpainter once and completes the photos that Ray Data hands to it."""

    def __init__(self, make: bytes, skip_done: bool):
        self._do, self._skip_done = pickle.loads(make)(), skip_done

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        outcomes = []
        for content in batch["job"]:
            job = pickle.loads(content)
            done = self._skip_done and all(path.exists() for path in job.outputs())
            outcomes.append(pickle.dumps(Outcome() if done else self._do(job)))
        return {"index": batch["index"], "outcome": outcomes}
