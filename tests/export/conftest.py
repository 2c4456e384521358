"""One small preset and one export of it, shared by the tests of this folder: making them takes most of the time."""

import json
import pathlib

import keras
import numpy as np
import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="session")
def preset(tmp_path_factory):
    """Folder of a preset of width 4 that wants BGR, with weights large enough that its photos are not grey."""
    keras.utils.set_random_seed(0)
    model = build_model("deepfill_v1", width=4)
    for variable in model.variables:
        variable.assign(variable * 1.3 if variable.path.endswith("kernel") else variable + 0.05)
    folder = tmp_path_factory.mktemp("preset") / "small"
    save_preset(folder, model, "deepfill_v1", {"width": 4}, "BGR", "random weights")
    return folder


@pytest.fixture(scope="session")
def inpainter(preset):
    return Inpainter.from_preset(preset, plan="full")


@pytest.fixture(scope="session")
def exported(preset, tmp_path_factory):
    """Folder that `inpaint-tf export --format=all` wrote."""
    folder = tmp_path_factory.mktemp("export") / "out"
    words = [f"--preset={preset}", "--format=all", "--size=64x48,any", "--weights=float32", "--runs=1"]
    assert main(["export", *words, f"--output={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def report(exported):
    return json.loads((exported / "export.json").read_text())


@pytest.fixture
def photo(rng):
    """A function of (height, width): uint8 [H, W, 3] noise on a ramp, and a uint8 mask [H, W, 1] with a box hole."""

    def make(height, width):
        ramp = np.linspace(0, 200, height * width * 3).reshape(height, width, 3)
        mask = np.zeros((height, width, 1), np.uint8)
        mask[height // 4 : -(-height // 2), width // 3 : -(-2 * width // 3)] = 255
        return (ramp + rng.uniform(0, 55, ramp.shape)).astype(np.uint8), mask

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What needs an export is slow: whichever test comes first waits for it to be made."""
    for item in items:
        if item.path.parent == pathlib.Path(__file__).parent and {"exported", "guided_export"} & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
