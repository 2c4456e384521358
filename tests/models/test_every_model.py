"""What holds for every name of the registry: files round trip, and what belongs to another model is refused."""

import json

import keras
import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import load_preset, save_preset
from inpaint_tf.models.registry import MODELS, build_model

NAMES = sorted(MODELS)
GUIDED = [name for name in NAMES if build_model(name, width=4).guided]


def given(model, rng):
    """Float image, hole and, for a guided model, sketch."""
    image = rng.uniform(-1, 1, (1, 32, 40, 3)).astype(np.float32)
    hole = np.zeros((1, 32, 40, 1), np.float32)
    hole[:, 8:24, 10:30] = 1
    sketch = np.zeros_like(hole)
    sketch[:, 16] = 1
    return (image, hole, sketch) if model.guided else (image, hole)


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """Name -> preset folder."""
    folder = tmp_path_factory.mktemp("presets")
    for name in NAMES:
        save_preset(folder / name, build_model(name, width=4), name, {"width": 4}, "RGB", source="a test")
    return {name: folder / name for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_keras_file_and_preset_round_trips(name, presets, tmp_path, rng):
    model, _ = load_preset(presets[name])
    inputs = given(model, rng)
    outputs = model(*inputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    save_preset(tmp_path / "preset", model, name, {"width": 4}, "RGB", source="a test")
    for other in (again, load_preset(tmp_path / "preset")[0]):
        assert {**other.get_config(), "name": model.name} == model.get_config()
        for key, value in other(*inputs).items():
            np.testing.assert_array_equal(value, outputs[key])


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_given_to_another_model(name, presets, tmp_path):
    """Refused, naming variables, unless both have the very same ones."""
    config = json.loads((presets[name] / "config.json").read_text())
    shapes = {other: _shapes(build_model(other, width=4)) for other in NAMES}
    for other in NAMES:
        folder = tmp_path / other
        folder.mkdir()
        (folder / "weights.npz").write_bytes((presets[name] / "weights.npz").read_bytes())
        (folder / "config.json").write_text(json.dumps({**config, "model": other}))
        if shapes[other] == shapes[name]:
            assert load_preset(folder)[1].model == other
            continue
        with pytest.raises(UserError, match="does not fit the model: .*(is missing|is not of this model|has shape)"):
            load_preset(folder)


def _shapes(model):
    return {variable.path.split("/", 1)[1]: tuple(variable.shape) for variable in model.variables}


@pytest.mark.parametrize("name", NAMES)
def test_guides(name, rng):
    """A guide leads guided models, is refused by others, and must have the photo's size."""
    inpainter = Inpainter(build_model(name, width=4))
    image = rng.integers(0, 256, (30, 44, 3), dtype=np.uint8)
    hole, guide = np.zeros((30, 44), bool), np.zeros((30, 44), bool)
    hole[5:25, 8:36] = guide[12:15] = True
    if name not in GUIDED:
        with pytest.raises(UserError, match="this model takes no guide"):
            inpainter(image, hole, guide)
        return
    assert not np.array_equal(inpainter(image, hole, guide), inpainter(image, hole))
    with pytest.raises(UserError, match="the image is 44x30, the guide 44x29"):
        inpainter(image, hole, guide[:-1])
