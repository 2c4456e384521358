"""LiteRT and ONNX files: builtin operations only, the Keras model's numbers, sizes fixed and open."""

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.export.litert import LiteRTRunner, litert_ops, to_litert
from inpaint_tf.export.network_function import network_function, parse_size
from inpaint_tf.export.onnx_file import OPSET, OnnxRunner, to_onnx
from inpaint_tf.export.verify import difference_of_floats, photos
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import load_preset

FILES = ("inpaint_{}_float32.tflite", "inpaint_{}.onnx")


def runner_of(path):
    return (LiteRTRunner if path.suffix == ".tflite" else OnnxRunner)(path, threads=2)


@pytest.mark.parametrize(("size", "shapes"), [("64x48", [(48, 64)]), ("any", [(48, 64), (80, 56), (8, 16)])])
def test_numbers_of_the_keras_model(size, shapes, exported, inpainter, photo):
    runner = runner_of(exported / FILES[0].format(size))
    difference, moved = difference_of_floats(runner, inpainter, [photo(*shape) for shape in shapes])
    # Measured: 1e-6.
    assert difference.largest < 1e-4
    assert moved == 0


@pytest.mark.parametrize(("size", "shapes"), [("64x48", [(48, 64)]), ("any", [(48, 64), (75, 53), (1, 9), (8, 16)])])
def test_onnx_takes_and_gives_pixels_of_any_size(size, shapes, exported, inpainter, photo):
    runner = runner_of(exported / FILES[1].format(size))
    for shape in shapes:
        image, mask = photo(*shape)
        outputs, expected = runner(image, mask), inpainter.run(image, mask[..., 0])
        assert outputs["completed"].dtype == outputs["coarse"].dtype == np.uint8
        assert np.abs(outputs["completed"].astype(int) - expected.completed).max() <= 1
        np.testing.assert_array_equal(outputs["completed"][mask[..., 0] == 0], image[mask[..., 0] == 0])
        np.testing.assert_array_equal(outputs["offsets"], expected.offsets)


def test_known_pixels_leave_as_they_came(exported, photo):
    image, mask = photo(48, 64)
    image, hole = image.astype(np.float32) / 127.5 - 1, (mask > 0).astype(np.float32)
    completed = runner_of(exported / FILES[0].format("64x48"))(image, hole)["completed"]
    np.testing.assert_array_equal(completed[mask[..., 0] == 0], image[mask[..., 0] == 0])


@pytest.mark.parametrize("name", FILES)
def test_another_size_is_refused(name, exported, photo):
    with pytest.raises(UserError, match="takes photos of 64x48; got 64x56"):
        runner_of(exported / name.format("64x48"))(*(x.astype(np.float32) for x in photo(56, 64)))


@pytest.mark.parametrize("size", ["64x48", "any"])
def test_litert_has_builtin_operations_only(size, exported):
    ops = litert_ops((exported / FILES[0].format(size)).read_bytes())
    assert ops["CONV_2D"] == 39 and ops["TRANSPOSE_CONV"] == 4 and ops["BATCH_MATMUL"] == 2
    assert not [name for name in ops if name.startswith("custom:")]


@pytest.mark.slow
def test_int8_weights_are_a_quarter_and_close(tmp_path):
    """The bundled weights on real photos: random ones are no example of what quantising does."""
    model, config = load_preset()
    function = network_function(model, config.channel_order, (64, 64))
    inpainter = Inpainter(model, config.channel_order, plan="full")
    path = tmp_path / "int8.tflite"
    path.write_bytes(to_litert(function, "int8"))
    difference, _ = difference_of_floats(LiteRTRunner(path), inpainter, photos((64, 64)))
    # Measured at 256x256: 44 dB. A file with float weights would be nearer than 1e-5.
    assert difference.psnr > 25 and difference.largest > 1e-3
    # One byte a parameter, and the graph.
    assert path.stat().st_size < 1.5 * model.count_params()


def test_onnx_file_says_what_it_is(exported, preset):
    model = onnx.load(exported / FILES[1].format("any"))
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert {entry.key: entry.value for entry in model.metadata_props}["model"] == "deepfill_v1"
    # Padding in numbers: with auto_pad, onnxruntime refuses dilated convolutions of open size.
    assert not [node for node in model.graph.node if node.op_type == "Conv" and _same_padding(node)]


def _same_padding(node):
    return any(attribute.name == "auto_pad" and attribute.s != b"NOTSET" for attribute in node.attribute)


@pytest.mark.parametrize(("convert", "name"), [(to_litert, "LiteRT"), (to_onnx, "ONNX")])
def test_unsupported_operation_is_named_with_its_layer(convert, name):
    @keras.saving.register_keras_serializable(package="tests")
    class Odd(keras.layers.Layer):
        def call(self, x):
            return x * tf.linalg.qr(x)[0]

    layer = Odd(name="odd_layer")
    function = tf.function(
        lambda image: {"result": layer(image)}, input_signature=[tf.TensorSpec((1, 4, 4), name="image")]
    )
    with pytest.raises(UserError, match=rf"^{name} has no operation for Qr \(layer odd_layer\)"):
        convert(function)


def test_sizes():
    assert parse_size("640x480") == (480, 640)
    assert parse_size("any") is None
    with pytest.raises(UserError, match="500x300: both sides must be multiples of 8, for example 496x304"):
        parse_size("500x300")
    with pytest.raises(UserError, match="WIDTHxHEIGHT"):
        parse_size("256")
