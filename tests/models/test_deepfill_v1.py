import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.convert.authors_checkpoint import authors_names
from inpaint_tf.models import DeepFillV1
from inpaint_tf.models.presets import named_variables
from inpaint_tf.models.registry import build_model
from inpaint_tf.visualize.flow import flow_colours, relative_offsets


@pytest.fixture(scope="module", params=["fast", "literal"])
def authors_small(request):
    """The authors' seeded weights, width 8, in our generator."""

    model = build_model("deepfill_v1", width=8, attention_form=request.param)
    golden = pathlib.Path(__file__).parents[1] / "data" / "golden" / "v1"
    reader = tf.train.load_checkpoint(str(golden / "snap-0"))
    names = authors_names(model)
    for name, variable in named_variables(model).items():
        variable.assign(reader.get_tensor(names[name]))
    return model


@pytest.mark.parametrize("case", ["centre256", "irregular128x216", "nohole64"])
def test_equals_the_authors_outputs(authors_small, case, golden):
    with np.load(golden / f"small_{case}.npz") as expected:
        image = (expected["image_bgr_u8"] / np.float32(127.5) - 1)[None]
        mask = (expected["mask_u8"] > 127).astype(np.float32)[None, ..., None]
        outputs = authors_small(image, mask)
        assert np.max(np.abs(outputs["coarse"][0] - expected["x1"])) < 1e-4
        assert np.max(np.abs(outputs["refined"][0] - expected["x2"])) < 1e-4
        offsets = outputs["offsets"][0].numpy()
        clear = expected["offset_margin"] > 0.05
        assert clear.any()
        assert np.array_equal(offsets[clear], expected["offset_abs"][clear])
        if clear.all():
            drawn = flow_colours(relative_offsets(offsets)).repeat(2, axis=0).repeat(2, axis=1)
            assert np.array_equal(drawn, expected["flow_img_u8"])


def test_has_the_authors_number_of_parameters():
    assert build_model("deepfill_v1", width=32).count_params() == 3_601_542


def test_baseline_has_no_attention():
    model = build_model("deepfill_v1_baseline", width=4)
    outputs = model(np.zeros((1, 32, 40, 3), np.float32), np.zeros((1, 32, 40, 1), np.float32))
    assert set(outputs) == {"coarse", "refined"}
    assert not any("attention" in name or "pmconv" in name for name in named_variables(model))
    # The decoder's first layer sees one branch (16 channels at width 4), not two.
    assert named_variables(model)["decoder/allconv11/kernel"].shape == (3, 3, 16, 16)


def test_without_fusion_the_same_weights_attend_differently(rng):
    image = rng.uniform(-1, 1, size=(1, 64, 64, 3)).astype(np.float32)
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, 16:48, 16:48] = 1
    fused, plain = build_model("deepfill_v1", width=4), build_model("deepfill_v1_no_fusion", width=4)
    for name, variable in named_variables(plain).items():
        variable.assign(named_variables(fused)[name])
    outputs, others = fused(image, mask), plain(image, mask)
    assert np.array_equal(outputs["coarse"], others["coarse"])
    assert not np.allclose(outputs["refined"], others["refined"], atol=1e-6)
    fused.attention.fuse = False
    np.testing.assert_allclose(fused(image, mask)["refined"], others["refined"], atol=1e-6)


@pytest.mark.parametrize("height,width", [(8, 8), (8, 64), (72, 40), (136, 24)])
@pytest.mark.parametrize("attention_branch", [True, False])
def test_any_multiple_of_eight(height, width, attention_branch, rng):
    image = rng.uniform(-1, 1, size=(2, height, width, 3)).astype(np.float32)
    mask = (rng.random((2, height, width, 1)) < 0.3).astype(np.float32)
    outputs = DeepFillV1(4, attention_branch=attention_branch)(image, mask)
    assert outputs["coarse"].shape == outputs["refined"].shape == image.shape
    assert np.max(np.abs(outputs["refined"])) <= 1
    if attention_branch:
        assert outputs["offsets"].shape == (2, height // 8, width // 8, 2)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        DeepFillV1(4)(np.zeros((1, 60, 64, 3), np.float32), np.zeros((1, 60, 64, 1), np.float32))


def test_odd_width_is_refused():
    with pytest.raises(ValueError, match="must be even"):
        DeepFillV1(5)


def test_what_lies_in_the_hole_is_not_looked_at(rng):
    model = DeepFillV1(4)
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, 20:50, 10:30] = 1
    image = rng.uniform(-1, 1, size=(1, 64, 64, 3)).astype(np.float32)
    first = model(image, mask)["refined"]
    second = model(np.where(mask > 0, 0.7, image).astype(np.float32), mask)["refined"]
    assert np.array_equal(first, second)


def test_one_mask_serves_a_batch_and_samples_do_not_mix(rng):
    model = DeepFillV1(4)
    images = rng.uniform(-1, 1, size=(2, 32, 48, 3)).astype(np.float32)
    mask = np.zeros((1, 32, 48, 1), np.float32)
    mask[:, 8:20, 8:30] = 1
    together = model(images, mask)["refined"]
    apart = np.concatenate([model(images[i : i + 1], mask)["refined"] for i in (0, 1)])
    assert np.max(np.abs(together - apart)) < 1e-5


def test_keras_file_round_trip(tmp_path, rng):
    image = rng.uniform(-1, 1, size=(1, 32, 32, 3)).astype(np.float32)
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:20, 8:20] = 1
    for model in (DeepFillV1(4), DeepFillV1(6, attention_branch=False)):
        before = model(image, mask)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        assert again.get_config() == model.get_config()
        after = again(image, mask)
        assert set(after) == set(before)
        assert np.array_equal(after["refined"], before["refined"])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy, rng):
    image = rng.uniform(-1, 1, size=(1, 32, 32, 3)).astype(np.float32)
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:20, 8:20] = 1
    full = DeepFillV1(4)
    previous = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        mixed = DeepFillV1(4)
        mixed.build(None)
    finally:
        keras.mixed_precision.set_global_policy(previous)
    expected = full(image, mask)["refined"]
    mixed.set_weights(full.get_weights())
    outputs = mixed(image, mask)
    assert mixed.variables[0].dtype == "float32"
    assert outputs["refined"].dtype == tf.float32
    assert np.max(np.abs(outputs["refined"] - expected)) < 0.05


@pytest.mark.slow
def test_gradients_reach_every_variable_and_xla_agrees(rng):
    model = DeepFillV1(4)
    model.build(None)
    image = tf.constant(rng.uniform(-1, 1, size=(1, 32, 32, 3)), tf.float32)
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:20, 8:20] = 1

    def gradients():
        with tf.GradientTape() as tape:
            outputs = model(image, tf.constant(mask))
            loss = tf.reduce_mean(tf.abs(outputs["refined"] - image) + tf.abs(outputs["coarse"] - image))
        return tape.gradient(loss, model.trainable_variables)

    graph, compiled = tf.function(gradients)(), tf.function(gradients, jit_compile=True)()
    assert len(graph) == 84
    for variable, plain, fused in zip(model.trainable_variables, graph, compiled):
        assert np.max(np.abs(plain)) > 0, variable.path
        assert np.max(np.abs(plain - fused)) < 1e-4 * max(1, np.max(np.abs(plain))), variable.path
