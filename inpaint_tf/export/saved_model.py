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
    `image_bytes`, `mask_bytes` string [B]: JPEG, PNG, GIF or BMP files, turned upright as their EXIF says; transparent
    parts of a mask are no hole
    -> `completed_bytes` string [B]: PNG files, upright

A guided model takes a guide in every signature, its sketch of the hole: `guide` as its mask (above 153, or 1, = line),
`guide_bytes` in `encoded`. A black guide leaves the model free.

Names that end in `_bytes` are what TensorFlow Serving's REST interface carries as base64.
"""

import collections
import os
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.export.encoded_files import decode_levels, decode_photo
from inpaint_tf.export.flow_graph import draw_hole_flow
from inpaint_tf.export.graph import InpaintingGraph
from inpaint_tf.export.network_function import batch_of_one
from inpaint_tf.export.warmup import write_warmup
from inpaint_tf.graph_pixels import is_hole
from inpaint_tf.models.generator import Generator

# TensorFlow Serving counts versions from here.
VERSION = "1"


def write_saved_model(folder: str | os.PathLike, model: Generator, channel_order: str, **attention: Any) -> None:
    """Writes a SavedModel with its warm-up requests.

    Args:
        folder: Folder of one version; must not exist.
        model: A generator of the registry.
        channel_order: "RGB" or "BGR", what the weights were trained with. The signatures are RGB all the same.
        **attention: See `attention.in_graph.HoleAttention`.
    """
    graph = InpaintingGraph(model, channel_order, **attention)
    archive: Any = keras.export.ExportArchive()  # Typed as if other backends were possible.
    for name, (function, signature) in signatures(graph).items():
        archive.add_endpoint(name, function, input_signature=signature)
    archive.write_out(str(folder), verbose=False)
    write_warmup(pathlib.Path(folder), with_attention=bool(graph.attentions), guided=model.guided)


def signatures(graph: InpaintingGraph) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], list[tf.TensorSpec]]]:
    """Name -> (function, input signature) of every signature."""

    def serving_default(image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        return {"completed": graph.complete_levels(image, mask, guide)}

    def predict_float(image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        outputs = graph.run(image, mask, guide)
        return {"coarse": outputs["coarse"], "refined": outputs["refined"]}

    def attention(image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        hole = is_hole(mask)
        offsets = graph.run_levels(image, mask, guide)["offsets"]
        return {"offsets": offsets, "flow": draw_hole_flow(offsets, hole)}

    def encoded(
        image_bytes: tf.Tensor, mask_bytes: tf.Tensor, guide_bytes: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        files = (image_bytes, mask_bytes) if guide_bytes is None else (image_bytes, mask_bytes, guide_bytes)
        completed = tf.map_fn(
            lambda each: _complete_files(graph, *each),
            files,
            fn_output_signature=tf.TensorSpec([], tf.string),
            parallel_iterations=1,
        )
        return {"completed_bytes": completed}

    channels = graph.model.network.inputs
    levels = [_image_spec(name, count, tf.uint8) for name, count in channels.items()]
    floats = [_image_spec(name, count, tf.float32) for name, count in channels.items()]
    files = [tf.TensorSpec([None], tf.string, f"{name}_bytes") for name in channels]
    found = {"serving_default": (serving_default, levels), "predict_float": (predict_float, floats)}
    if graph.attentions:
        found["attention"] = (attention, levels)
    return {**found, "encoded": (encoded, files)}


def _complete_files(graph: InpaintingGraph, image_file: tf.Tensor, *mask_files: tf.Tensor) -> tf.Tensor:
    """One encoded photo, mask and, for a guided model, guide -> a PNG file."""
    image, masks = decode_photo(image_file)[tf.newaxis], [decode_levels(file)[tf.newaxis] for file in mask_files]
    return tf.io.encode_png(graph.complete_levels(image, *masks)[0])


def _image_spec(name: str, channels: int, dtype: tf.DType) -> tf.TensorSpec:
    return tf.TensorSpec([None, None, None, channels], dtype, name)


class SavedModelRunner:
    """Runs a SavedModel through its signatures.

    Args:
        path: Folder of one version, or of a model with versions (the newest is taken).

    Call:
        image: float32 [H, W, 3] RGB in [-1, 1].
        hole_mask: float32 [H, W, 1], 1 = hole.
        guide: For a guided model, float32 [H, W, 1], 1 = line; None is no line.

    Returns:
        "coarse" and "refined", float32 [H, W, 3].

    Raises:
        UserError: if there is no such SavedModel.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        folder = pathlib.Path(path)
        versions = [int(child.name) for child in folder.glob("*") if child.name.isdigit()] if folder.is_dir() else []
        if versions and not (folder / "saved_model.pb").is_file():
            folder = folder / str(max(versions))
        try:
            self._loaded = tf.saved_model.load(str(folder))
            self._predict_float = self._loaded.signatures["predict_float"]
            self._complete = self._loaded.signatures["serving_default"]
            self._guided = "guide" in self._complete.structured_input_signature[1]
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path} is not a SavedModel of `inpaint-tf export`: {error}.") from error

    def __call__(
        self, image: np.ndarray, hole_mask: np.ndarray, guide: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        outputs = self._predict_float(**self._inputs(image, hole_mask, guide))
        return {name: output[0].numpy() for name, output in outputs.items()}

    def complete(self, image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None = None) -> np.ndarray:
        """uint8 [H, W, 3] RGB and uint8 [H, W, 1] (above 127 = hole)[, guide likewise] -> completed uint8 [H, W, 3]."""
        return self._complete(**self._inputs(image, mask, guide))["completed"][0].numpy()

    def _inputs(self, image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None) -> dict[str, tf.Tensor]:
        return {name: tf.constant(x) for name, x in batch_of_one(image, mask, guide, self._guided).items()}


def saved_model_ops(folder: str | os.PathLike) -> collections.Counter[str]:
    """Operation -> count of a SavedModel's whole graph, all functions once. All are TensorFlow's own."""
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((pathlib.Path(folder) / "saved_model.pb").read_bytes())
    graph = proto.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return collections.Counter(node.op for node in nodes)
