"""Compiled loops where no cache can be kept, and bands."""

import importlib.util
import sys
import threading

import numba
import numpy as np
import pytest

from inpaint_tf.patchmatch.compiled import compiled, run_bands


def test_without_a_place_for_a_cache_functions_compile_all_the_same(monkeypatch):
    real = numba.njit

    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", njit)

    @compiled
    def total(values):
        found = 0.0
        for value in values:
            found += value
        return found

    # numba uses it too when it compiles.
    monkeypatch.undo()
    assert total(np.arange(10.0)) == 45


@pytest.mark.parametrize("place", ["site-packages", "source"])
def test_an_installed_package_gets_no_files_that_pip_does_not_know(place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    module = tmp_path / place / "own.py"
    module.parent.mkdir()
    module.write_text("def double(value):\n    return value * 2\n")
    spec = importlib.util.spec_from_file_location("own", module)
    own = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "own", own)
    spec.loader.exec_module(own)
    assert compiled(own.double)(21) == 42
    installed = place == "site-packages"
    assert any((tmp_path / "cache").rglob("own.double*")) == installed
    assert any(module.parent.rglob("own.double*")) != installed
    assert not numba.config.CACHE_DIR


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_bands_cover_everything_once_with_the_same_limits(threads):
    seen, lock = [], threading.Lock()

    def work(start, stop):
        with lock:
            seen.append((start, stop))

    run_bands(work, 10007, 7, threads)
    ordered = sorted(seen)
    assert ordered[0][0] == 0 and ordered[-1][1] == 10007 and len(ordered) == 7
    assert all(stop == start for (_, stop), (start, _) in zip(ordered, ordered[1:]))


def test_what_a_band_raises_is_raised():
    def work(start, stop):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_bands(work, 10000, 4, 2)
