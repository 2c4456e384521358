"""The SavedModel: any size, four signatures, in the layout that TensorFlow Serving watches.

`serving_default`
    `image` uint8 [B, H, W, 3] RGB, `mask` uint8 [B or 1, H, W, 1], above 127 = hole
    -> `completed` uint8 [B, H, W, 3]
`predict_float`
    `image` float32 [B, H, W, 3] RGB in [-1, 1], `mask` float32 [B or 1, H, W, 1], 1 = hole
    -> `coarse`, `refined` float32 [B, H, W, 3], before pasting: to be looked at inside the hole only
`attention` (models that have it)
    as `serving_default`
    -> `offsets` int32 [B, ceil(H/8), ceil(W/8), 2], absolute (row, column), -1 where none was computed;
    `flow` uint8 [B, H, W, 3]
`encoded`
    `image_bytes`, `mask_bytes` string [B]: JPEG, PNG, GIF or BMP files
    -> `completed_bytes` string [B]: PNG files

Names that end in `_bytes` are what TensorFlow Serving's REST interface carries as base64.
"""

import collections
import pathlib

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.export.flow_graph import draw_hole_flow
from inpaint_tf.export.graph import MASK_THRESHOLD, InpaintingGraph
from inpaint_tf.export.warmup import write_warmup

# TensorFlow Serving counts versions from here.
VERSION = "1"


def write_saved_model(folder, model, channel_order, **attention):
    """Writes a SavedModel with its warm-up requests.

    Args:
        folder: Folder of one version; must not exist.
        model: A generator of the registry.
        channel_order: "RGB" or "BGR", what the weights were trained with. The signatures are RGB all the same.
        **attention: See `graph_attention.HoleAttention`.
    """
    graph = InpaintingGraph(model, channel_order, **attention)
    archive = keras.export.ExportArchive()
    for name, (function, signature) in signatures(graph).items():
        archive.add_endpoint(name, function, input_signature=signature)
    archive.write_out(str(folder), verbose=False)
    write_warmup(pathlib.Path(folder), with_attention=graph.attention is not None)


def signatures(graph):
    """Name -> (function, input signature) of every signature."""

    def serving_default(image, mask):
        return {"completed": graph.complete_levels(image, mask)}

    def predict_float(image, mask):
        outputs = graph.run(image, mask)
        return {"coarse": outputs["coarse"], "refined": outputs["refined"]}

    def attention(image, mask):
        hole = mask > MASK_THRESHOLD
        offsets = graph.run_levels(image, mask)["offsets"]
        return {"offsets": offsets, "flow": draw_hole_flow(offsets, hole)}

    def encoded(image_bytes, mask_bytes):
        completed = tf.map_fn(
            lambda pair: _complete_files(graph, *pair),
            (image_bytes, mask_bytes),
            fn_output_signature=tf.TensorSpec([], tf.string),
            parallel_iterations=1,
        )
        return {"completed_bytes": completed}

    levels = [_image_spec("image", 3, tf.uint8), _image_spec("mask", 1, tf.uint8)]
    floats = [_image_spec("image", 3, tf.float32), _image_spec("mask", 1, tf.float32)]
    files = [tf.TensorSpec([None], tf.string, name) for name in ("image_bytes", "mask_bytes")]
    found = {"serving_default": (serving_default, levels), "predict_float": (predict_float, floats)}
    if graph.attention is not None:
        found["attention"] = (attention, levels)
    return {**found, "encoded": (encoded, files)}


def _complete_files(graph, image_file, mask_file):
    """One encoded photo and mask -> a PNG file."""
    image = tf.io.decode_image(image_file, channels=3, expand_animations=False)
    mask = tf.io.decode_image(mask_file, channels=1, expand_animations=False)
    image, mask = tf.ensure_shape(image, [None, None, 3]), tf.ensure_shape(mask, [None, None, 1])
    return tf.io.encode_png(graph.complete_levels(image[tf.newaxis], mask[tf.newaxis])[0])


def _image_spec(name, channels, dtype):
    return tf.TensorSpec([None, None, None, channels], dtype, name)


class SavedModelRunner:
    """Runs a SavedModel through its signatures.

    Args:
        path: Folder of one version, or of a model with versions (the newest is taken).

    Call:
        image: float32 [H, W, 3] RGB in [-1, 1].
        hole_mask: float32 [H, W, 1], 1 = hole.

    Returns:
        "coarse" and "refined", float32 [H, W, 3].

    Raises:
        UserError: if there is no such SavedModel.
    """

    def __init__(self, path):
        folder = pathlib.Path(path)
        versions = [int(child.name) for child in folder.glob("*") if child.name.isdigit()] if folder.is_dir() else []
        if versions and not (folder / "saved_model.pb").is_file():
            folder = folder / str(max(versions))
        try:
            self._loaded = tf.saved_model.load(str(folder))
            self._predict_float = self._loaded.signatures["predict_float"]
            self._complete = self._loaded.signatures["serving_default"]
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path} is not a SavedModel of `inpaint-tf export`: {error}.") from error

    def __call__(self, image, hole_mask):
        outputs = self._predict_float(image=tf.constant(image[np.newaxis]), mask=tf.constant(hole_mask[np.newaxis]))
        return {name: output[0].numpy() for name, output in outputs.items()}

    def complete(self, image, mask):
        """uint8 [H, W, 3] RGB and uint8 [H, W, 1] (above 127 = hole) -> completed uint8 [H, W, 3]."""
        outputs = self._complete(image=tf.constant(image[np.newaxis]), mask=tf.constant(mask[np.newaxis]))
        return outputs["completed"][0].numpy()


def saved_model_ops(folder):
    """Operation -> count of a SavedModel's whole graph, all functions once. All are TensorFlow's own."""
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((pathlib.Path(folder) / "saved_model.pb").read_bytes())
    graph = proto.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return collections.Counter(node.op for node in nodes)
