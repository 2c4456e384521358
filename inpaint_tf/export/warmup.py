"""Warm-up requests: what TensorFlow Serving runs through a model before it answers anybody.

TensorFlow Serving reads them from `assets.extra/tf_serving_warmup_requests`, a TFRecord file of serialised
`tensorflow.serving.PredictionLog` messages. Those protocol buffers come with the package tensorflow-serving-api; only
a few nested fields of them are needed, and writing these by hand spares the dependency (a test reads them back with
the official classes):

    PredictionLog.predict_log (6) -> PredictLog.request (1) -> PredictRequest:
        model_spec (1) -> ModelSpec: signature_name (3)
        inputs (2), a map -> key (1), value (2) a TensorProto
"""

import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from inpaint_tf.pixels import to_float

SIZE = 256


def write_warmup(folder: pathlib.Path, with_attention: bool, guided: bool = False) -> None:
    """Writes a request for every signature into a SavedModel's folder.

    Args:
        folder: `pathlib.Path` of the version.
        with_attention: Whether it has the signature `attention`.
        guided: Whether its signatures take a guide.
    """
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in warmup_inputs(with_attention, guided).items():
            writer.write(prediction_log(signature, inputs))


def warmup_inputs(with_attention: bool, guided: bool = False) -> dict[str, dict[str, np.ndarray]]:
    """Signature -> input name -> array: one grey photo of 256x256 with a hole in its middle."""
    image = np.full((1, SIZE, SIZE, 3), 127, np.uint8)
    grey = to_float(image)
    mask = np.zeros((1, SIZE, SIZE, 1), np.uint8)
    mask[:, SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4] = 255
    levels = {"image": image, "mask": mask, **({"guide": np.zeros_like(mask)} if guided else {})}
    inputs = {
        "serving_default": levels,
        "predict_float": {**{name: x.astype(np.float32) / 255 for name, x in levels.items()}, "image": grey},
        "encoded": {f"{name}_bytes": np.array([tf.io.encode_png(x[0]).numpy()]) for name, x in levels.items()},
    }
    return {**inputs, "attention": inputs["serving_default"]} if with_attention else inputs


def prediction_log(signature: str, inputs: Mapping[str, np.ndarray]) -> bytes:
    """A serialised `PredictionLog` that asks a signature for its outputs.

    Args:
        signature: Its name.
        inputs: Name -> array.
    """
    request = _field(1, _field(3, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(2, _field(1, name.encode()) + _field(2, tensor))
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field in the wire format of protocol buffers: tag (wire type 2), length, content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
