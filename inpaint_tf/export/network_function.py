"""The generator as one function of an image and a mask: what LiteRT and ONNX files are made from.

LiteRT files take floats (`network_function`): `image` float32 [1, H, W, 3] RGB in [-1, 1] and `mask` float32
[1, H, W, 1] (1 = hole), and give `completed` float32 [1, H, W, 3] (known pixels as they came), `coarse` float32
[1, H, W, 3] and, for models with attention, `offsets` int32 [1, H/8, W/8, 2], absolute (row, column). Guided models
take a third input, `guide` float32 [1, H, W, 1] (1 = line; all 0 leaves the model free).

ONNX files take and give pixels (`levels_function`): everything above as uint8, with thresholds, rounding and, where the
size is open, the padding to multiples of 8 inside.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.graph_pixels import (
    composite,
    is_hole,
    is_line,
    mirror_pad,
    reverse_channels,
    to_float,
    to_levels,
)
from inpaint_tf.models.generator import Generator
from inpaint_tf.pixels import SIZE_MULTIPLE

ANY = "any"
# Height and width in pixels.
Size = tuple[int, int]


def network_function(model: Generator, channel_order: str, size: Size | None = None) -> Any:
    """A `tf.function` of image, mask and, for a guided model, guide, see above.

    Args:
        model: A generator of the registry.
        channel_order: "RGB" or "BGR", what the weights were trained with.
        size: (height, width), multiples of 8; None leaves both open.
    """

    def swap(image: tf.Tensor) -> tf.Tensor:
        return reverse_channels(image) if channel_order == "BGR" else image

    def inpaint(image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        outputs = model(swap(image), mask) if guide is None else model(swap(image), mask, guide)
        stages = {"completed": composite(image, mask, swap(outputs["refined"])), "coarse": swap(outputs["coarse"])}
        return {**stages, **{name: outputs[name] for name in ("offsets",) if name in outputs}}

    return tf.function(inpaint, input_signature=_signature(model, size, tf.float32), autograph=False)


def levels_function(model: Generator, channel_order: str, size: Size | None = None) -> Any:
    """A `tf.function` of uint8 pixels, with everything around the network inside.

    Args:
        model, channel_order, size: As of `network_function`; with an open size any size from one pixel up is right.

    Returns:
        A function of `image` uint8 [1, H, W, 3] RGB, `mask` uint8 [1, H, W, 1] (above 127 = hole) and, for a guided
        model, `guide` uint8 [1, H, W, 1] (above 153 = line) that gives `completed` uint8 [1, H, W, 3], known pixels
        bit-identical, `coarse` uint8 [1, H, W, 3] and, with attention, `offsets` int32 [1, ceil(H/8), ceil(W/8), 2].
    """
    network = network_function(model, channel_order, size).python_function

    def inpaint(image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        inputs = [to_float(image), tf.cast(is_hole(mask), tf.float32)]
        if guide is not None:
            inputs.append(tf.cast(is_line(guide), tf.float32))
        if size is None:
            inputs = [mirror_pad(x) for x in inputs]
        outputs = network(*inputs)
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        stages = {name: outputs[name][:, :height, :width] for name in ("completed", "coarse")}
        # Rounding brings known levels back exactly; a selection would have to be broadcast, which ONNX does otherwise.
        levels = {name: to_levels(stage) for name, stage in stages.items()}
        return {**levels, **{name: outputs[name] for name in ("offsets",) if name in outputs}}

    return tf.function(inpaint, input_signature=_signature(model, size, tf.uint8), autograph=False)


def batch_of_one(image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None, guided: bool) -> dict[str, np.ndarray]:
    """Input name -> [1, H, W, C] of what an exported file takes. A guided one without a guide gets a black one.

    Raises:
        UserError: for a guide that the file does not take.
    """
    if guide is not None and not guided:
        raise UserError("this file takes no guide; leave it out, or export a guided model (deepfill_v2_guided).")
    inputs = {"image": image, "mask": mask}
    if guided:
        inputs["guide"] = np.zeros_like(mask) if guide is None else guide
    return {name: value[np.newaxis] for name, value in inputs.items()}


def _signature(model: Generator, size: Size | None, dtype: tf.DType) -> list[tf.TensorSpec]:
    height, width = size or (None, None)
    inputs = model.network.inputs
    return [tf.TensorSpec((1, height, width, channels), dtype, name=name) for name, channels in inputs.items()]


def parse_size(text: str) -> Size | None:
    """(height, width) of "640x480" (width first, as people say it), or None of "any".

    Raises:
        UserError: for anything else, or sides that are no multiples of 8.
    """
    if text == ANY:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise UserError(f"size {text!r} is not understood; give WIDTHxHEIGHT, for example 512x384, or {ANY}.")
    width, height = map(int, match.groups())
    if width % SIZE_MULTIPLE or height % SIZE_MULTIPLE or not width or not height:
        near = "x".join(str(max(1, round(side / SIZE_MULTIPLE)) * SIZE_MULTIPLE) for side in (width, height))
        raise UserError(f"size {text}: both sides must be multiples of {SIZE_MULTIPLE}, for example {near}.")
    return height, width


def size_name(size: Size | None) -> str:
    """ "640x480" of (480, 640), "any" of None."""
    return ANY if size is None else f"{size[1]}x{size[0]}"


def layers_with(function: Any, op_types: Iterable[str]) -> dict[str, list[str]]:
    """Which layers some operations come from: {"ExtractImagePatches": ["contextual_attention"]}.

    Args:
        function: A `tf.function` with an input signature.
        op_types: TensorFlow names of operations.
    """
    found: dict[str, list[str]] = {op_type: [] for op_type in op_types}
    for operation in function.get_concrete_function().graph.get_operations():
        if operation.type in found:
            scopes = [re.sub(r"_\d+$", "", scope) for scope in operation.name.split("/")[:-1]]
            layer = "/".join(scopes[1:] or scopes) or "the function itself"
            if layer not in found[operation.type]:
                found[operation.type].append(layer)
    return found


def unsupported(format_name: str, function: Any, op_types: Iterable[str]) -> UserError:
    """The `UserError` for operations that a format lacks; names the layers they come from."""
    layers = layers_with(function, op_types)
    listed = "; ".join(f"{name} (layer {', '.join(where) or 'unknown'})" for name, where in layers.items())
    return UserError(f"{format_name} has no operation for {listed}; this model cannot be exported to it.")
