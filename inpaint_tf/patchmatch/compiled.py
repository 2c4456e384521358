"""Loops compiled by numba, and bands of work for all processors.

Loops are compiled when they are first called and kept on disk: beside the module in a source tree, in the user's cache
folder otherwise or where the tree cannot be written (`NUMBA_CACHE_DIR` names another); where neither can, every process
compiles for itself. They release Python's lock, so plain threads share the work. numba's own `parallel=True` is not
used: it takes several times as long to compile, and its built-in thread pool stops the process if two threads of a
server use it at once.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
from numba.core import config

# Work of less than this many items is not worth a second thread.
_LEAST_ITEMS_PER_THREAD = 1000


def compiled(function: Callable) -> Callable:
    """Compiles a function of arrays and numbers. Sums may be reordered, which is fast, but always in the same way."""
    # Not all of "fast": it would promise that nothing is infinite, and bounds are.
    options = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
    try:
        with _cache_outside_installed_packages(function):
            return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # There is no folder that a cache could be written to.
        return numba.njit(**options)(function)


@contextlib.contextmanager
def _cache_outside_installed_packages(function: Callable) -> Iterator[None]:
    """Meanwhile functions of installed packages get a cache in the user's folder.

    pip does not know files that appear in a package later, and leaves their folders when the package goes; a folder
    `inpaint_tf` without modules then hides an editable install of the same name.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    installed = {"site-packages", "dist-packages"} & set(function.__code__.co_filename.split(os.sep))
    settings: Any = config
    if settings.CACHE_DIR or not installed or not os.path.isabs(cache):
        yield
        return
    before, settings.CACHE_DIR = settings.CACHE_DIR, os.path.join(cache, "inpaint_tf")
    try:
        yield
    finally:
        settings.CACHE_DIR = before


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_bands(work: Callable[[int, int], None], items: int, bands: int, threads: int | None = None) -> None:
    """Calls `work(start, stop)` for every band of `items`, on several threads.

    Args:
        work: What to do with the items from `start` to `stop`; must not depend on what other bands do.
        items: How many there are.
        bands: Into how many bands of nearly equal length to split them. Their limits depend on this alone, never on
            the number of threads.
        threads: How many to use; None takes as many as there are processors.
    """
    limits = [items * band // bands for band in range(bands + 1)]
    threads = min(processors() if threads is None else threads, bands, max(1, items // _LEAST_ITEMS_PER_THREAD))
    if threads == 1:
        for start, stop in zip(limits, limits[1:]):
            work(start, stop)
        return
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work, start, stop) for start, stop in zip(limits, limits[1:])]:
            future.result()
