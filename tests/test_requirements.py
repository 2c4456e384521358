"""The ranges of setup.py and the versions that CI installs agree."""

import pathlib
import re
import sys
import types

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = pathlib.Path(__file__).parents[1]


@pytest.fixture
def arguments(monkeypatch):
    """What setup.py gives to `setup`."""
    given = {}
    stand_in = types.SimpleNamespace(setup=given.update, find_packages=lambda **_: [])
    monkeypatch.setitem(sys.modules, "setuptools", stand_in)
    monkeypatch.chdir(REPOSITORY)
    source = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    exec(compile(source, "setup.py", "exec"), {"__file__": str(REPOSITORY / "setup.py"), "__name__": "__main__"})
    return given


def locked():
    lines = (REPOSITORY / "requirements" / "ci.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def test_ci_installs_what_the_ranges_allow(arguments):
    pins = locked()
    for text in [*arguments["install_requires"], *arguments["extras_require"]["dev"]]:
        needed = Requirement(text)
        assert canonicalize_name(needed.name) in pins, (
            f"{needed} is not in requirements/ci.txt; requirements/lock.sh writes it anew"
        )
        assert needed.specifier.contains(pins[canonicalize_name(needed.name)]), needed


def test_every_dependency_has_an_upper_bound(arguments):
    """A new major version may break what was tested; tools that only make test files may be newer."""
    extras = [text for name, texts in arguments["extras_require"].items() if name != "dev" for text in texts]
    for text in [*arguments["install_requires"], *extras]:
        assert any(bound.operator in ("<", "<=", "==", "~=") for bound in Requirement(text).specifier), text


def test_the_lock_names_no_place():
    text = (REPOSITORY / "requirements" / "ci.txt").read_text(encoding="utf-8")
    assert not re.search(r"^-|file:|https?:", text, re.MULTILINE)
