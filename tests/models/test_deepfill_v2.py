import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.convert.authors_checkpoint import authors_names
from inpaint_tf.models import DeepFillV2
from inpaint_tf.models.presets import named_variables
from inpaint_tf.models.registry import build_model
from tests.conftest import DATA

GOLDEN = DATA / "golden" / "v2"


@pytest.fixture(scope="module", params=["fast", "literal"])
def authors_small(request):
    """The authors' seeded weights, width 12, in our generator."""
    model = build_model("deepfill_v2", width=12, attention_form=request.param)
    reader = tf.train.load_checkpoint(str(GOLDEN / "snap-0"))
    names = authors_names(model)
    for name, variable in named_variables(model).items():
        variable.assign(reader.get_tensor(names[name]))
    return model


def image_and_hole(rng, height=32, width=48):
    mask = np.zeros((1, height, width, 1), np.float32)
    mask[:, 8:20, 8:30] = 1
    return rng.uniform(-1, 1, size=(1, height, width, 3)).astype(np.float32), mask


@pytest.mark.parametrize("case", ["irregular128x216", "nohole64"])
def test_equals_the_authors_outputs(authors_small, case):
    with np.load(GOLDEN / f"small_{case}.npz") as expected:
        image = (expected["image_bgr_u8"] / np.float32(127.5) - 1)[None]
        mask = (expected["mask_u8"] > 127).astype(np.float32)[None, ..., None]
        outputs = authors_small(image, mask)
        assert np.max(np.abs(outputs["coarse"][0] - expected["x1"])) < 1e-4
        assert np.max(np.abs(outputs["refined"][0] - expected["x2"])) < 1e-4
        clear = expected["offset_margin"] > 0.05
        assert clear.mean() > 0.9
        assert np.array_equal(outputs["offsets"][0].numpy()[clear], expected["offset_abs"][clear])


def test_has_the_authors_number_of_parameters():
    # reference: the published checkpoints' inpaint_net variables.
    assert build_model("deepfill_v2", width=48).count_params() == 4_052_478


def test_a_guided_model_differs_by_one_input_channel_of_the_first_layer():
    plain, guided = (build_model(name, width=8) for name in ("deepfill_v2", "deepfill_v2_guided"))
    shapes = [{n: tuple(v.shape) for n, v in named_variables(model).items()} for model in (plain, guided)]
    different = {name for name in shapes[0] if shapes[0][name] != shapes[1][name]}
    assert set(shapes[0]) == set(shapes[1]) and different == {"coarse/conv1/kernel"}
    assert shapes[1]["coarse/conv1/kernel"] == (5, 5, 6, 8)


def test_the_sketch_counts_inside_the_hole_only(rng):
    model = DeepFillV2(8, guided=True)
    image, mask = image_and_hole(rng)
    sketch = (rng.random((1, 32, 48, 1)) < 0.2).astype(np.float32)
    nothing = model(image, mask)["refined"]
    assert np.array_equal(model(image, mask, np.zeros_like(sketch))["refined"], nothing)
    assert np.array_equal(model(image, mask, sketch * (1 - mask))["refined"], nothing)
    followed = model(image, mask, sketch)["refined"]
    assert np.max(np.abs(followed - nothing)) > 1e-5
    assert np.array_equal(model(image, mask, sketch * mask)["refined"], followed)


def test_a_guide_needs_a_guided_model(rng):
    image, mask = image_and_hole(rng)
    with pytest.raises(ValueError, match="follow a guide"):
        DeepFillV2(8)(image, mask, mask)


def test_width_must_be_a_multiple_of_four():
    with pytest.raises(ValueError, match="must be a multiple of 4"):
        DeepFillV2(6)


def test_what_lies_in_the_hole_is_not_looked_at(rng):
    model = DeepFillV2(8)
    image, mask = image_and_hole(rng)
    assert np.array_equal(model(image, mask)["refined"], model(np.where(mask > 0, 0.7, image), mask)["refined"])


def test_keras_file_round_trip(tmp_path, rng):
    image, mask = image_and_hole(rng)
    for model in (DeepFillV2(8), DeepFillV2(8, guided=True)):
        before = model(image, mask)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        assert again.get_config() == model.get_config()
        assert np.array_equal(again(image, mask)["refined"], before["refined"])


def test_gradients_reach_every_variable(rng):
    model = DeepFillV2(8, guided=True)
    model.build(None)
    image, mask = (tf.constant(x) for x in image_and_hole(rng))
    with tf.GradientTape() as tape:
        outputs = model(image, mask, mask)
        loss = tf.reduce_mean(tf.abs(outputs["refined"] - image) + tf.abs(outputs["coarse"] - image))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert len(gradients) == 84
    for variable, gradient in zip(model.trainable_variables, gradients):
        assert np.max(np.abs(gradient)) > 1e-6, variable.path


def test_xla_agrees(rng):
    model = DeepFillV2(8)
    image, mask = (tf.constant(x) for x in image_and_hole(rng, 24, 32))
    plain = model(image, mask)["refined"]
    compiled = tf.function(lambda: model(image, mask)["refined"], jit_compile=True)()
    assert np.max(np.abs(plain - compiled)) < 1e-4


def test_fresh_weights_keep_a_signal_alive(rng):
    """Gates that are half open at the start must not let it die: at Glorot's weights it falls below 1e-6 here."""
    x = rng.uniform(-1, 1, size=(1, 64, 64, 5)).astype(np.float32)
    features = [x]
    for block in build_model("deepfill_v2", width=24).coarse.blocks:
        features.append(block(features[-1]).numpy())
    root_mean_squares = [np.sqrt(np.mean(np.square(y))) for y in features]
    assert min(root_mean_squares) > 0.03 and max(root_mean_squares) < 3
