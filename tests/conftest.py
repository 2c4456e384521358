"""What the tests share."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest

DATA = pathlib.Path(__file__).parent / "data"


@pytest.fixture
def golden():
    """Folder with the outputs of the authors' v1 code; its README says what is what."""
    return DATA / "golden" / "v1"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """With `-n 2 --dist loadgroup`, one process runs all tests of a file, and one all of the exports.

    Exports share what takes half a minute to make.
    """
    for item in items:
        room = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("export" if room == "export" else str(item.path)))
