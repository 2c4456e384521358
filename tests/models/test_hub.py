"""Presets on the hub, against a stand-in on loopback; every case in a process of its own, as the client reads its
addresses when it is imported."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.models.hub import HubPlace, parse_place
from inpaint_tf.models.presets import BUNDLED

STAND_IN = pathlib.Path(__file__).parent / "hub_stand_in.py"
spec = importlib.util.spec_from_file_location("hub_stand_in", STAND_IN)
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)
PRESET = BUNDLED / "open_small_baseline"


@pytest.fixture
def hub():
    served = stand_in.HubStandIn()
    yield served
    served.close()


@pytest.fixture
def presets(hub, tmp_path):
    """A function: words of `inpaint-tf presets` -> the finished process."""

    def run(*words, **environment):
        variables = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache")}
        variables |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
        command = [sys.executable, "-m", "inpaint_tf", "presets", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=300, check=False)

    return run


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_preset_is_fetched_once_and_then_found_without_the_hub(hub, presets):
    hub.repositories["us/lakes"] = {**files_of(PRESET), "notes.txt": b"not part of a preset"}
    first = presets("show", "hf://us/lakes")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("hf://us/lakes: deepfill_v1_baseline, width 16")
    assert not any("notes.txt" in path for path in hub.asked)
    hub.asked.clear()
    again = presets("show", "hf://us/lakes", HF_HUB_OFFLINE="1")
    assert again.returncode == 0 and again.stdout == first.stdout and not hub.asked


def test_pushing_and_fetching_gives_the_same_files(hub, presets):
    pushed = presets("push", PRESET, "hf://us/mine", HF_TOKEN="hf_made_up")
    assert pushed.returncode == 0, pushed.stderr
    assert "/us/mine/commit/" in pushed.stdout
    there = hub.repositories["us/mine"]
    assert {name: there[name] for name in files_of(PRESET)} == files_of(PRESET)
    assert there["README.md"] == there["MODEL_CARD.md"]
    assert presets("show", "hf://us/mine").returncode == 0


@pytest.mark.parametrize(
    "words, environment, said",
    [
        (("show", "hf://us/none"), {}, "there is no such preset"),
        (("show", "hf://us/lakes@v9"), {}, "there is no such preset"),
        (("show", "hf://us/lakes"), {"HF_HUB_OFFLINE": "1"}, "not in the cache"),
        (("show", "hf://us/lakes"), {"HF_ENDPOINT": "http://127.0.0.1:9"}, "the hub cannot be reached"),
        (("show", "hf://us/empty"), {}, "it has no config.json"),
        (("push", PRESET, "hf://us/mine"), {}, "log in with `hf auth login`"),
        (("show", "hf://lakes"), {}, "write hf://organisation/name"),
        (("pull", "hf://us/lakes"), {}, "show PRESET, or push FOLDER"),
    ],
)
def test_what_goes_wrong_is_one_line(hub, presets, words, environment, said):
    hub.repositories |= {"us/lakes": files_of(PRESET), "us/empty": {"README.md": b"nothing"}}
    done = presets(*words, **environment)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_weights_without_a_card_are_not_shared(presets, tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("config.json", "weights.npz"):
        (folder / name).write_bytes((PRESET / name).read_bytes())
    assert "has no MODEL_CARD.md" in presets("push", folder, "hf://us/mine", HF_TOKEN="hf_made_up").stderr


def test_a_changed_file_on_the_hub_is_refused_by_its_hash(hub, presets, tmp_path):
    files = files_of(PRESET)
    config = json.loads(files["config.json"])
    files["config.json"] = json.dumps({**config, "sha256": "0" * 64}).encode()
    (tmp_path / "other").mkdir()
    for name, content in files.items():
        (tmp_path / "other" / name).write_bytes(content)
    done = presets("push", tmp_path / "other", "hf://us/mine", HF_TOKEN="hf_made_up")
    assert done.returncode == 2 and "is corrupt" in done.stderr and "us/mine" not in hub.repositories


def test_places():
    assert parse_place("hf://us/lakes") == HubPlace("us/lakes", None)
    assert parse_place("hf://us/lakes.v2@refs/pr/1") == HubPlace("us/lakes.v2", "refs/pr/1")
    for text in ("hf://", "hf://us", "hf://us/a/b", "hf://us/la kes", "us/lakes"):
        with pytest.raises(UserError, match="names no preset on the hub"):
            parse_place(text)
