"""Starting from a preset's weights."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import load_preset, named_variables, save_preset
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.initial_weights import take_initial_weights
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.state import TrainingState


@pytest.fixture
def preset(tmp_path):
    """Function: model name, channel order -> a preset of width 2, and its arrays."""

    def make(name="deepfill_v1", channel_order="RGB", width=2):
        model = build_model(name, width=width)
        save_preset(tmp_path / "preset", model, name, {"width": width}, channel_order, "random")
        return tmp_path / "preset", {n: v.numpy() for n, v in named_variables(model).items()}

    return make


def state_of(config):
    return TrainingState(config, recipe_for(config.model), tf.distribute.get_strategy())


def test_all_weights_and_averages_are_taken(tiny, preset):
    folder, arrays = preset()
    config = tiny(initial_preset=str(folder))
    state = state_of(config)
    take_initial_weights(state, config)
    for name, variable in named_variables(state.generator).items():
        np.testing.assert_array_equal(variable.numpy(), arrays[name])
    for name, array in state.exported_weights().items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_narrower_preset_is_widened(tiny, preset):
    folder, arrays = preset()
    config = tiny(width=4, initial_preset=str(folder))
    state = state_of(config)
    take_initial_weights(state, config)
    name = "coarse/conv3/bias"
    np.testing.assert_array_equal(named_variables(state.generator)[name].numpy(), np.tile(arrays[name], 2))


def test_the_coarse_network_alone_serves_other_models(tiny, preset):
    folder, arrays = preset("deepfill_v1")
    config = tiny(model="deepfill_v1_baseline", initial_preset=str(folder), initial_stage="coarse")
    state = state_of(config)
    before = {name: variable.numpy() for name, variable in named_variables(state.generator).items()}
    take_initial_weights(state, config)
    for name, variable in named_variables(state.generator).items():
        expected = arrays[name] if name.startswith("coarse/") else before[name]
        np.testing.assert_array_equal(variable.numpy(), expected)


def test_an_unguided_model_begins_its_guided_form(tiny, preset, rng):
    folder, _ = preset("deepfill_v2", width=4)
    config = tiny(model="deepfill_v2_guided", width=4, initial_preset=str(folder))
    state = state_of(config)
    take_initial_weights(state, config)
    plain, _ = load_preset(folder)
    image = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    hole, sketch = np.zeros((2, 1, 64, 64, 1), np.float32)
    hole[:, 16:48, 16:48] = sketch[:, 16:48, 30] = 1
    expected = plain(image, hole)["refined"].numpy()
    np.testing.assert_allclose(state.generator(image, hole)["refined"], expected, atol=1e-5)
    assert np.abs(state.generator(image, hole, sketch)["refined"] - expected).max() > 1e-3
    kernel = named_variables(state.generator)["coarse/conv1/kernel"].numpy()
    assert 0.5 < np.std(kernel[:, :, 3]) / np.std(np.delete(kernel, 3, axis=2)) < 2


@pytest.mark.parametrize(
    "made, changes, words",
    [
        ({"name": "deepfill_v1_baseline"}, {}, "is of model deepfill_v1_baseline, the run trains --model=deepfill_v1"),
        ({"name": "deepfill_v1"}, {"model": "deepfill_v2_guided", "width": 4}, "is of model deepfill_v1"),
        ({"channel_order": "BGR"}, {}, "has BGR weights"),
        ({"width": 4}, {}, "does not fit the model"),
        ({"name": "glcic"}, {"initial_stage": "coarse"}, "has no coarse network"),
    ],
)
def test_presets_that_do_not_fit_are_refused(made, changes, words, tiny, preset):
    folder, _ = preset(**made)
    config = tiny(initial_preset=str(folder), **changes)
    with pytest.raises(UserError, match=words):
        take_initial_weights(state_of(config), config)


def test_an_unknown_preset_is_refused(tiny):
    config = tiny(initial_preset="nowhere")
    with pytest.raises(UserError, match="preset 'nowhere' is neither"):
        take_initial_weights(state_of(config), config)
