"""The single stage that the paper argues against: the coarse network alone, by configuration."""

import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.models import DeepFillV1
from inpaint_tf.models.presets import load_preset, named_variables, save_preset
from inpaint_tf.models.registry import build_model


def test_it_is_the_coarse_network(rng):
    both, single = build_model("deepfill_v1", width=4), build_model("deepfill_v1_single_stage", width=4)
    weights = named_variables(both)
    assert set(named_variables(single)) == {name for name in weights if name.startswith("coarse/")}
    for name, variable in named_variables(single).items():
        variable.assign(weights[name])
    image = rng.uniform(-1, 1, size=(1, 32, 40, 3)).astype(np.float32)
    mask = np.zeros((1, 32, 40, 1), np.float32)
    mask[:, 8:20, 8:30] = 1
    outputs, expected = single(image, mask), both(image, mask)["coarse"]
    assert np.array_equal(outputs["coarse"], expected) and np.array_equal(outputs["refined"], expected)


def test_attention_needs_the_second_stage():
    with pytest.raises(ValueError, match="attention_branch=False"):
        DeepFillV1(4, refinement_stage=False)


def test_preset_and_inpainter(tmp_path, rng):
    model = build_model("deepfill_v1_single_stage", width=4)
    save_preset(tmp_path / "p", model, "deepfill_v1_single_stage", {"width": 4}, "RGB", source="a test")
    model, config = load_preset(tmp_path / "p")
    image = rng.integers(0, 256, (21, 30, 3), dtype=np.uint8)
    hole = np.zeros((21, 30), bool)
    hole[5:11, 7:19] = True
    result = Inpainter(model, config.channel_order).run(image, hole)
    assert np.array_equal(result.completed[~hole], image[~hole]) and result.offsets is None
    assert list(result.plan.segments) == ["coarse"]
    assert not np.array_equal(result.completed[hole], image[hole])
