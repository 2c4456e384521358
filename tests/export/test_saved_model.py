"""The exported SavedModel gives the Inpainter's pixels, through every signature, without this package."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.export.saved_model import SavedModelRunner
from inpaint_tf.visualize.flow import draw_hole_flow


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported / "1"))


def call(loaded, signature, image, mask):
    outputs = loaded.signatures[signature](image=tf.constant(image[None]), mask=tf.constant(mask[None]))
    return {name: output[0].numpy() for name, output in outputs.items()}


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (9, 8), (3, 5)])
def test_pixels_of_the_inpainter(size, loaded, inpainter, photo):
    image, mask = photo(*size)
    completed = call(loaded, "serving_default", image, mask)["completed"]
    np.testing.assert_allclose(completed.astype(int), inpainter(image, mask), atol=1)
    np.testing.assert_array_equal(completed[mask[..., 0] == 0], image[mask[..., 0] == 0])
    assert completed[mask[..., 0] > 0].std() > 1


def test_without_a_hole_nothing_changes(loaded, photo):
    image, mask = photo(20, 30)
    np.testing.assert_array_equal(call(loaded, "serving_default", image, 0 * mask + 127)["completed"], image)


def test_one_mask_for_a_batch(loaded, inpainter, photo):
    (first, mask), (second, _) = photo(24, 40), photo(24, 40)
    completed = loaded.signatures["serving_default"](
        image=tf.constant(np.stack([first, second])), mask=tf.constant(mask[None])
    )
    for image, found in zip((first, second), completed["completed"].numpy()):
        np.testing.assert_allclose(found.astype(int), inpainter(image, mask), atol=1)


def test_float_signature(loaded, inpainter, photo):
    image, mask = photo(50, 41)
    expected = inpainter.run(image, mask)
    found = call(loaded, "predict_float", image.astype(np.float32) / 127.5 - 1, (mask > 0).astype(np.float32))
    for stage in ("coarse", "refined"):
        np.testing.assert_allclose(found[stage], getattr(expected, stage), atol=1e-4)


def test_attention_signature(loaded, inpainter, photo):
    image, mask = photo(75, 130)
    found = call(loaded, "attention", image, mask)
    offsets = inpainter.run(image, mask).offsets
    np.testing.assert_array_equal(found["offsets"], offsets)
    flow = draw_hole_flow(offsets, mask[..., 0] > 0)
    assert np.abs(found["flow"].astype(int) - flow).max() <= 1
    assert len(np.unique(flow.reshape(-1, 3), axis=0)) > 3


def test_encoded_signature(loaded, photo):
    pairs = [photo(20, 31), photo(40, 24)]
    files = [tf.stack([tf.io.encode_png(x) for x in column]) for column in zip(*pairs)]
    completed = loaded.signatures["encoded"](image_bytes=files[0], mask_bytes=files[1])["completed_bytes"]
    for (image, mask), file in zip(pairs, completed.numpy()):
        expected = call(loaded, "serving_default", image, mask)["completed"]
        np.testing.assert_array_equal(tf.io.decode_png(file), expected)


def test_mask_of_another_size_is_refused(loaded, photo):
    with pytest.raises(tf.errors.InvalidArgumentError, match="the mask must have the image"):
        call(loaded, "serving_default", photo(16, 16)[0], photo(16, 24)[1])


def test_warmup_requests_are_understood_and_run(loaded, exported):
    """The official protocol buffers read what was written by hand, and each request runs."""
    from tensorflow_serving.apis import prediction_log_pb2

    asked = []
    for record in tf.data.TFRecordDataset(str(exported / "1" / "assets.extra" / "tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        assert loaded.signatures[request.model_spec.signature_name](**inputs)
        asked.append(request.model_spec.signature_name)
    assert sorted(asked) == sorted(loaded.signatures) == ["attention", "encoded", "predict_float", "serving_default"]


def test_runs_where_this_package_is_not(exported, inpainter, photo, tmp_path):
    image, mask = photo(37, 50)
    np.savez(tmp_path / "given.npz", image=image, mask=mask)
    program = """
        import sys

        class NotHere:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "inpaint_tf":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, NotHere())
        import numpy as np
        import tensorflow as tf

        given = np.load("given.npz")
        inpaint = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
        np.save("found.npy", inpaint(image=given["image"][None], mask=given["mask"][None])["completed"][0].numpy())
        assert not any(name.split(".")[0] == "inpaint_tf" for name in sys.modules)
    """
    command = [sys.executable, "-I", "-c", textwrap.dedent(program), str(exported / "1")]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy").astype(int), inpainter(image, mask), atol=1)


def test_runner_finds_the_newest_version_and_names_what_is_none(exported, inpainter, photo, tmp_path):
    image, mask = photo(16, 24)
    runner = SavedModelRunner(exported)
    np.testing.assert_allclose(runner.complete(image, mask).astype(int), inpainter(image, mask), atol=1)
    with pytest.raises(UserError, match="is not a SavedModel"):
        SavedModelRunner(tmp_path)
