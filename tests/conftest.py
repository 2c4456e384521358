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
