"""The precision of inference is what was asked for, and nothing of it stays behind."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.precision import building_with
from inpaint_tf.models.registry import build_model
from inpaint_tf.planned import run as planned_run


@pytest.fixture(autouse=True)
def as_before():
    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    tf.config.experimental.enable_tensor_float_32_execution(enabled)


def test_float32_means_float32():
    tf.config.experimental.enable_tensor_float_32_execution(True)
    with building_with("float32"):
        model = build_model("deepfill_v1", width=4)
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert model.coarse.blocks[0].compute_dtype == "float32"


def test_tf32_is_switched_on_and_bfloat16_is_of_the_models_built_within():
    before = keras.config.dtype_policy().name
    with building_with("tf32"):
        assert tf.config.experimental.tensor_float_32_execution_enabled()
    with building_with("bfloat16"):
        model = build_model("deepfill_v1", width=4)
    assert model.coarse.blocks[0].compute_dtype == "bfloat16" and keras.config.dtype_policy().name == before


def test_bfloat16_gives_nearly_the_same_picture(rng):
    image = rng.integers(0, 256, (48, 64, 3), np.uint8)
    hole = np.zeros((48, 64), bool)
    hole[16:32, 20:40] = True
    settings = {"detail": "none", "working_size": "full", "blend": "none"}
    exact, rough = (
        Inpainter.from_preset("open_small_baseline", precision=precision, **settings).run(image, hole)
        for precision in ("float32", "bfloat16")
    )
    difference = np.abs(exact.refined - rough.refined)[hole]
    assert 0 < difference.max() < 0.2


def test_an_unknown_word_is_refused():
    with pytest.raises(UserError, match="precision 'half' is unknown; known: float32, tf32, bfloat16"):
        Inpainter.from_preset("open_small_baseline", precision="half")


def test_a_run_on_a_gpu_plans_with_the_gpus_memory(monkeypatch):
    engine = planned_run.PlannedRun(build_model("deepfill_v1", width=4))
    monkeypatch.setattr(planned_run, "free_memory", lambda: 100)
    monkeypatch.setattr(planned_run, "free_gpu_memory", lambda: 1000)
    assert engine._budget() == int(engine.tuning.free_memory_share * 1000)
    monkeypatch.setattr(planned_run, "free_gpu_memory", lambda: None)
    assert engine._budget() == int(engine.tuning.free_memory_share * 100)
