"""Files of a guided model take a guide, and with it give the Inpainter's pixels."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.export.litert import LiteRTRunner
from inpaint_tf.export.onnx_file import OnnxRunner
from inpaint_tf.export.saved_model import SavedModelRunner
from inpaint_tf.export.verify import difference_of_floats, difference_of_levels, float_inputs
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model

FILES = {"1": SavedModelRunner, "inpaint_64x48_float32.tflite": LiteRTRunner, "inpaint_64x48.onnx": OnnxRunner}


@pytest.fixture(scope="module")
def guided_preset(tmp_path_factory):
    """A preset of width 4; larger weights would make ties of the attention fall either way."""
    keras.utils.set_random_seed(0)
    model = build_model("deepfill_v2_guided", width=4)
    folder = tmp_path_factory.mktemp("preset") / "guided"
    save_preset(folder, model, "deepfill_v2_guided", {"width": 4}, "BGR", "random weights")
    return folder


@pytest.fixture(scope="module")
def guided_export(guided_preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "out"
    words = [f"--preset={guided_preset}", "--format=all", "--size=64x48", "--weights=float32", "--runs=1"]
    assert main(["export", *words, f"--output={folder}"]) == 0
    return folder


@pytest.fixture
def sketched(photo):
    """Image, mask and a guide with a line across the hole; 153 is no line yet."""
    image, mask = photo(48, 64)
    guide = np.full_like(mask, 153)
    guide[20] = 255
    return image, mask, guide


@pytest.mark.parametrize("name", FILES)
def test_pixels_of_the_inpainter(name, guided_preset, guided_export, sketched):
    inpainter, runner = Inpainter.from_preset(guided_preset, plan="full"), FILES[name](guided_export / name)
    if isinstance(runner, OnnxRunner):
        assert difference_of_levels(runner.complete, inpainter, [sketched, sketched[:2]]).levels <= 1
        led, free = runner(*sketched), runner(*sketched[:2])
        assert np.abs(led["coarse"].astype(int) - free["coarse"]).max() > 1
        return
    difference, _ = difference_of_floats(runner, inpainter, [sketched, sketched[:2]])
    assert difference.largest < 1e-4
    led, free = runner(*float_inputs(*sketched)), runner(*float_inputs(*sketched[:2]))
    assert np.abs(led["coarse"] - free["coarse"]).max() > 1e-2


@pytest.mark.parametrize("size", [(48, 64), (21, 35)])
def test_levels_of_the_inpainter(size, guided_preset, guided_export, photo):
    image, mask = photo(*size)
    guide = np.zeros_like(mask)
    guide[size[0] // 3] = 255
    inpainter = Inpainter.from_preset(guided_preset, plan="full")
    assert not np.array_equal(inpainter(image, mask, guide[..., 0]), inpainter(image, mask))
    assert difference_of_levels(SavedModelRunner(guided_export).complete, inpainter, [(image, mask, guide)]).levels <= 1


def test_every_signature_takes_the_guide(guided_export, sketched):
    loaded = tf.saved_model.load(str(guided_export / "1"))
    levels = {name: tf.constant(x[None]) for name, x in zip(("image", "mask", "guide"), sketched)}
    completed = loaded.signatures["serving_default"](**levels)["completed"]
    files = {f"{name}_bytes": tf.io.encode_png(x[0])[tf.newaxis] for name, x in levels.items()}
    encoded = loaded.signatures["encoded"](**files)["completed_bytes"]
    np.testing.assert_array_equal(tf.io.decode_png(encoded[0]), completed[0])
    assert loaded.signatures["attention"](**levels)["offsets"].shape.as_list() == [1, 6, 8, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="the guide must have the image"):
        loaded.signatures["serving_default"](**{**levels, "guide": levels["guide"][:, :-1]})


def test_warmup_requests_hold_a_guide(guided_export):
    from tensorflow_serving.apis import prediction_log_pb2

    loaded = tf.saved_model.load(str(guided_export / "1"))
    for record in tf.data.TFRecordDataset(str(guided_export / "1" / "assets.extra" / "tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        assert {"guide", "guide_bytes"} & set(inputs)
        assert loaded.signatures[request.model_spec.signature_name](**inputs)


def test_report(guided_export, report):
    found = json.loads((guided_export / "export.json").read_text())
    assert found["guided"] and not report["guided"]
    assert all(entry["difference"]["largest"] < 1e-2 for entry in found["files"])


@pytest.mark.parametrize(("name", "runner"), [("1", SavedModelRunner), *list(FILES.items())[1:]])
def test_a_guide_for_a_file_without(name, runner, exported, sketched):
    with pytest.raises(UserError, match="this file takes no guide"):
        runner(exported / name)(*float_inputs(*sketched))
