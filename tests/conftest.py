"""What the tests share."""

import collections
import os
import pathlib
import random
import sys
import zlib

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


@pytest.fixture(autouse=True)
def seeds(request):
    """Every test draws the same numbers whenever and wherever it runs, and other numbers than its fixtures."""
    _seed(request.node.nodeid)


@pytest.fixture(autouse=True)
def environment():
    """What a test leaves in the environment (`--device=cpu` hides GPUs from children, say) no other test sees."""
    before = dict(os.environ)
    yield
    for name in {*before, *os.environ} - {"PYTEST_CURRENT_TEST"}:
        if name not in before:
            del os.environ[name]
        elif os.environ.get(name) != before[name]:
            os.environ[name] = before[name]


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """The same for fixtures that several tests share, whichever of them comes first."""
    if fixturedef.scope != "function":
        _seed(f"{fixturedef.baseid} {fixturedef.argname}")


def _seed(name):
    seed = zlib.crc32(name.encode())
    random.seed(seed)
    np.random.seed(seed)
    if "keras" in sys.modules:  # Which seeds TensorFlow too. A process that has not loaded it has no generator to seed.
        sys.modules["keras"].utils.set_random_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Files with the most slow tests come first, so that no process is left with them alone at the end."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n`, one process runs all tests of a file, and one all of the exports, which share what takes long to make.

    `--dist loadgroup` would do the same, but pytest-xdist 3.8 does not see its groups under pytest 9.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "export" if nodeid.startswith("tests/export/") else nodeid.split("::")[0]

    config.option.loadscopereorder = False  # The order is that of `pytest_collection_modifyitems`.
    return ByFile(config, log)
