import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf import Inpainter
from inpaint_tf.convert.authors_checkpoint import preset_to_checkpoint
from inpaint_tf.errors import UserError
from inpaint_tf.models import GLCIC
from inpaint_tf.models.glcic import COMPLETION, JointCritic
from inpaint_tf.models.presets import load_preset, save_preset
from inpaint_tf.models.registry import build_model


def image_and_hole(rng, height=32, width=48):
    mask = np.zeros((1, height, width, 1), np.float32)
    mask[:, 8:20, 8:30] = 1
    return rng.uniform(-1, 1, size=(1, height, width, 3)).astype(np.float32), mask


def test_layers_are_those_of_the_paper():
    kernels = {conv.name: (conv.kernel, conv.stride, conv.dilation, conv.filters(64)) for conv in COMPLETION}
    assert kernels["conv1"] == (5, 1, 1, 64) and kernels["conv4_downsample"] == (3, 2, 1, 256)
    assert [conv.dilation for conv in COMPLETION if conv.dilation > 1] == [2, 4, 8, 16]
    assert kernels["conv13_upsample"] == (4, 1, 1, 128) and kernels["conv16"] == (3, 1, 1, 32)
    # 17 kernels, biases, and four numbers of batch normalisation for every channel but the last three; mean colour.
    expected, channels = 3, 4
    for conv in COMPLETION:
        filters = conv.filters(64)
        expected += (conv.kernel**2 * channels + 1) * filters + (4 * filters if conv.batch_norm else 0)
        channels = filters
    assert build_model("glcic", width=64).count_params() == expected == 6_078_086


def test_one_stage_counts_as_both(rng):
    outputs = GLCIC(4)(*image_and_hole(rng))
    assert set(outputs) == {"coarse", "refined"} and np.array_equal(outputs["coarse"], outputs["refined"])
    assert outputs["refined"].shape == (1, 32, 48, 3) and np.max(np.abs(outputs["refined"])) < 1


def test_the_hole_is_filled_with_the_mean_colour(rng):
    model = GLCIC(4)
    image, mask = image_and_hole(rng)
    grey = model(image, mask)["refined"]
    model.mean_colour.assign([0.5, -0.25, 0.0])
    seen = np.concatenate([np.where(mask > 0, np.float32([0.5, -0.25, 0.0]), image), mask], axis=-1)
    expected = 2 * tf.sigmoid(model.completion(seen)) - 1
    assert np.allclose(model(image, mask)["refined"], expected, atol=1e-6)
    assert not np.allclose(grey, expected, atol=1e-6)


def test_the_mean_colour_follows_training_photos_only(rng):
    model = GLCIC(4)
    image = np.tile(np.float32([0.8, 0.1, -0.6]), (1, 16, 16, 1))
    mask = np.zeros((1, 16, 16, 1), np.float32)
    model(image, mask)
    assert np.array_equal(model.mean_colour, [0, 0, 0])
    for _ in range(10):
        model(image, mask, training=True)
    # 1 - 0.99^10 = 0.0956 of the way.
    assert np.allclose(model.mean_colour, 0.0956 * image[0, 0, 0], atol=1e-4)


def test_keras_file_and_preset_round_trips(tmp_path, rng):
    model = GLCIC(4)
    image, mask = image_and_hole(rng)
    model(image, mask, training=True)
    before = model(image, mask)["refined"]
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras")(image, mask)["refined"], before)
    save_preset(tmp_path / "preset", model, "glcic", {"width": 4}, "RGB", source="a test")
    again, _ = load_preset(tmp_path / "preset", attention_form="fast")
    assert np.array_equal(again(image, mask)["refined"], before)
    with pytest.raises(UserError, match="authors' code has no glcic"):
        save_preset(tmp_path / "bgr", model, "glcic", {"width": 4}, "BGR", source="a test")
        preset_to_checkpoint(tmp_path / "bgr", tmp_path / "snap-0")


@pytest.mark.parametrize("height,width", [(1, 2), (37, 61)])
def test_any_size_through_the_inpainter(height, width, rng):
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    hole = np.zeros((height, width), bool)
    hole[: height // 2 + 1, : width // 2] = True
    result = Inpainter(build_model("glcic", width=4), blend="poisson").run(image, hole)
    assert np.array_equal(result.completed[~hole], image[~hole]) and result.offsets is None
    assert list(result.plan.segments) == ["completion"]


def test_a_preset_of_another_model_is_refused(tmp_path):
    import json

    save_preset(tmp_path / "p", build_model("glcic", width=4), "glcic", {"width": 4}, "RGB", source="a test")
    config = json.loads((tmp_path / "p" / "config.json").read_text())
    for model in ("deepfill_v1", "deepfill_v2"):
        (tmp_path / "p" / "config.json").write_text(json.dumps({**config, "model": model}))
        with pytest.raises(UserError, match="does not fit the model: .* is missing"):
            load_preset(tmp_path / "p")


def test_both_discriminators_count_in_one_decision(rng):
    critic = JointCritic(2, image_size=64, box_size=32)
    images, boxes = (rng.normal(size=(2, side, side, 3)).astype(np.float32) for side in (64, 32))
    score = critic(images, boxes)
    assert tuple(score.shape) == (2, 1) and score.dtype == tf.float32
    assert np.all(critic(images, boxes + 1) != score) and np.all(critic(images + 1, boxes) != score)
    shapes = {v.path.split("/", 1)[1]: tuple(v.shape) for v in critic.trainable_variables}
    assert shapes["local_features/kernel"] == (1 * 1 * 16, 32) and shapes["decision/kernel"] == (64, 1)
    assert shapes["global/conv6/kernel"] == (5, 5, 16, 16) and "local/conv6/kernel" not in shapes
