import json

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import (
    BUNDLED,
    bundled_presets,
    load_preset,
    named_variables,
    preset_folder,
    read_config,
    save_preset,
)
from inpaint_tf.models.registry import build_model


@pytest.fixture
def preset(tmp_path):
    model = build_model("deepfill_v1", width=4)
    save_preset(tmp_path / "preset", model, "deepfill_v1", {"width": 4}, "RGB", source="a test")
    return tmp_path / "preset", model


def test_round_trip_is_exact(preset):
    folder, model = preset
    again, config = load_preset(folder, attention_form="literal")
    assert (config.model, config.config, config.channel_order) == ("deepfill_v1", {"width": 4}, "RGB")
    assert again.attention_form == "literal"
    for name, variable in named_variables(model).items():
        assert np.array_equal(variable, named_variables(again)[name])


def test_float16_halves_the_file_and_keeps_eleven_bits(preset, tmp_path):
    folder, model = preset
    save_preset(tmp_path / "half", model, "deepfill_v1", {"width": 4}, "RGB", source="a test", dtype="float16")
    again, _ = load_preset(tmp_path / "half")
    for name, variable in named_variables(model).items():
        assert np.allclose(variable, named_variables(again)[name], rtol=2**-11, atol=1e-7)
    sizes = [(path / "weights.npz").stat().st_size for path in (tmp_path / "half", folder)]
    assert sizes[0] < 0.65 * sizes[1]


def test_unknown_preset_lists_those_there_are():
    with pytest.raises(UserError, match="bundled preset") as error:
        preset_folder("nonsense")
    assert all(name in str(error.value) for name in bundled_presets())


def test_corrupt_weights_are_refused(preset):
    folder, _ = preset
    content = bytearray((folder / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "weights.npz").write_bytes(content)
    with pytest.raises(UserError, match="is corrupt: its SHA-256"):
        load_preset(folder)


@pytest.mark.parametrize("change", [{"model": "deepfill_v9"}, {"channel_order": "HSV"}, {"colour": 1}])
def test_a_configuration_that_is_not_understood_is_refused(preset, change):
    folder, _ = preset
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(UserError, match="config.json"):
        load_preset(folder)


def test_weights_of_another_model_are_named_with_both_shapes(preset, tmp_path):
    _, model = preset
    weights = {name: variable.numpy() for name, variable in named_variables(model).items()}
    weights["coarse/conv5/kernel"] = np.zeros((3, 3, 8, 16), np.float32)
    del weights["decoder/allconv17/bias"]
    weights["decoder/allconv99/bias"] = np.zeros(3, np.float32)
    with pytest.raises(UserError) as error:
        save_preset(tmp_path / "x", model, "deepfill_v1", {"width": 4}, "RGB", source="", weights=weights)
    message = str(error.value)
    assert "coarse/conv5/kernel has shape (3, 3, 8, 16), the model needs (3, 3, 16, 16)" in message
    assert "decoder/allconv17/bias (3,) is missing" in message
    assert "decoder/allconv99/bias (3,) is not of this model" in message
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(preset):
    folder, model = preset
    before = (folder / "weights.npz").read_bytes()
    with pytest.raises(UserError, match="not empty"):
        save_preset(folder, model, "deepfill_v1", {"width": 4}, "RGB", source="again")
    assert (folder / "weights.npz").read_bytes() == before


@pytest.mark.parametrize("name", bundled_presets())
def test_bundled_presets_load_and_have_a_card(name):
    model, config = load_preset(name)
    assert model.count_params() > 100_000 and config.summary
    assert (BUNDLED / name / "weights.npz").stat().st_size <= 8e6
    card = (BUNDLED / name / "MODEL_CARD.md").read_text()
    assert all(word in card for word in ("Data", "Terms", "kodak24_center128"))
    assert read_config(BUNDLED / name) == config


def test_an_argument_that_the_name_fixes_is_refused():
    with pytest.raises(UserError, match="fixes attention_branch"):
        build_model("deepfill_v1", attention_branch=False)
    with pytest.raises(UserError, match="has no depth; it takes attention_form, width"):
        build_model("deepfill_v1", depth=3)
