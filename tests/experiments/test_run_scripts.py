"""Scripts of experiments take folders relative to where they are called from: run with a stand-in for Python."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
STAND_IN = """#!{python}
import json, os, pathlib, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + chr(10))
for word in sys.argv[1:]:
    if word.startswith("--run_dir="):
        run = pathlib.Path(word.split("=", 1)[1])
        (run / "preset").mkdir(parents=True, exist_ok=True)
        (run / "metrics.jsonl").touch()
"""
SCRIPTS = {
    "ablation": ["photos", "kodak", "out"],
    "campaign": ["photos", "kodak", "out", "first"],
    "glcic_toy": ["photos", "out"],
    "table1": ["kodak", "out", "mine", "open_small_baseline"],
}


@pytest.fixture
def called(tmp_path):
    """Function: name of an experiment, arguments -> the words that it called Python with."""
    shutil.copytree(ROOT / "experiments", tmp_path / "repository/experiments", ignore=shutil.ignore_patterns("*.png"))
    shutil.copytree(ROOT / "flags", tmp_path / "repository/flags")
    here = tmp_path / "here"
    for name in ("photos", "kodak", "first", "mine"):
        (here / name).mkdir(parents=True)
    python, log = tmp_path / "python", tmp_path / "log"
    python.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
    python.chmod(0o755)

    def call(name, *words):
        script = tmp_path / "repository/experiments" / name / "run.sh"
        subprocess.run([script, *words], cwd=here, env={**os.environ, "PYTHON": str(python)}, check=True, timeout=300)
        return [json.loads(line) for line in log.read_text().splitlines()], here

    return call


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_folders_are_relative_to_the_caller(name, called):
    calls, here = called(name, *SCRIPTS[name])
    words = [word for call in calls for word in call]
    folders = [word.split("=", 1)[1] for word in words if word.startswith(("--run_dir", "--images", "--output"))]
    folders = [folder for folder in folders if not folder.startswith("experiments/")]
    assert folders and all(folder.startswith(f"{here}/") for folder in folders)
    assert not any((here.parent / "repository" / given).exists() for given in SCRIPTS[name])
    if name == "table1":
        (methods,) = (word for word in words if word.startswith("--methods="))
        assert f"preset:{here}/mine," in methods and "preset:open_small_baseline," in methods


def test_every_script_is_tested_or_stays_where_it_is_called():
    for script in (ROOT / "experiments").glob("*/run.sh"):
        text = script.read_text()
        assert script.parent.name in SCRIPTS or "cd " not in text or "realpath" in text
