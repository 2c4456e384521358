"""ONNX files by tf2onnx, the exporter that Keras itself uses for the TensorFlow backend.

Two things are put right afterwards. tf2onnx writes SAME padding as `auto_pad`, which onnxruntime refuses for dilated
convolutions as soon as a size is open; the padding of these networks does not depend on the size (all sizes are
multiples of 8), so it is written out. And the file says where it comes from.
"""

import collections
import importlib.util
import logging
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.export.network_function import batch_of_one, unsupported

# What tf2onnx knows at most, and every onnxruntime since 1.14 runs.
OPSET = 18
PACKAGES = {"tf2onnx": "tf2onnx", "onnx": "onnx", "onnxruntime": "onnxruntime"}


def check_installed() -> None:
    """Raises UserError if what makes, checks or runs ONNX files is missing."""
    missing = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UserError(f"ONNX files need {', '.join(missing)}: pip install inpaint_tf[onnx].")


def to_onnx(function: Any, metadata: Mapping[str, str] | None = None) -> bytes:
    """Converts a function and checks the result with onnx's own checker.

    Args:
        function: `tf.function` with an input signature and a dictionary of outputs, see `levels_function`.
        metadata: Name -> text to store in the file.

    Returns:
        The file's bytes.

    Raises:
        UserError: if ONNX has no operation for something, naming the layer.
    """
    import onnx

    model = _converted(function)
    known = {(domain.domain, domain.version) for domain in model.opset_import}
    missing = {
        node.op_type
        for node in model.graph.node
        if not any(onnx.defs.has(node.op_type, version, domain) for domain, version in known if domain == node.domain)
    }
    if missing:
        raise unsupported("ONNX", function, sorted(missing))
    explicit_padding(model)
    used = {node.domain for node in model.graph.node} | {""}
    imports = [domain for domain in model.opset_import if domain.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    onnx.helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _converted(function: Any) -> Any:
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    try:
        import tf2onnx

        # It lists operations it does not know as errors; `to_onnx` says the same in one line.
        logger.setLevel(logging.CRITICAL)
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
        return model
    finally:
        logger.setLevel(level)


def explicit_padding(model: Any) -> None:
    """Replaces SAME `auto_pad` of all convolutions by numbers, as TensorFlow pads sizes that the stride divides.

    Args:
        model: `onnx.ModelProto`, changed in place.
    """
    import onnx

    for node in model.graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type != "Conv" or "auto_pad" not in attributes or attributes["auto_pad"].s != b"SAME_UPPER":
            continue
        kernel = list(attributes["kernel_shape"].ints)
        strides = list(attributes["strides"].ints) if "strides" in attributes else [1] * len(kernel)
        dilations = list(attributes["dilations"].ints) if "dilations" in attributes else [1] * len(kernel)
        total = [max(d * (k - 1) + 1 - s, 0) for k, s, d in zip(kernel, strides, dilations)]
        pads = [pad // 2 for pad in total] + [pad - pad // 2 for pad in total]
        node.attribute.remove(attributes["auto_pad"])
        if "pads" in attributes:
            node.attribute.remove(attributes["pads"])
        node.attribute.append(onnx.helper.make_attribute("pads", pads))


def onnx_ops(content: bytes) -> collections.Counter[str]:
    """Operation -> count of an ONNX file's bytes."""
    import onnx

    return collections.Counter(node.op_type for node in onnx.load_from_string(content).graph.node)


class OnnxRunner:
    """Runs an ONNX file on the CPU.

    Args:
        path: The file.
        threads: Processor threads; None is all.

    Call arguments:
        image: uint8 [H, W, 3] RGB.
        mask: uint8 [H, W, 1], above 127 = hole.
        guide: uint8 [H, W, 1], above 153 = line, for a guided model; None draws none.

    Returns:
        Name -> array without the batch: "completed", "coarse", uint8 [H, W, 3], and "offsets" where there are any.

    Raises:
        UserError: if the package is missing, the file is none, or it is for photos of another size.
    """

    def __init__(self, path: str | os.PathLike, threads: int | None = None) -> None:
        check_installed()
        import onnxruntime

        self.path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count()
        options.log_severity_level = 4
        # Threads that wait in a loop take the processor from everybody else on a busy machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen classes of errors without a common one.
            raise UserError(f"{path} is not an ONNX file that can be run: {' '.join(str(error).split())}.") from error
        self._names = [output.name for output in self._session.get_outputs()]
        self._guided = "guide" in {value.name for value in self._session.get_inputs()}

    def complete(self, image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None = None) -> np.ndarray:
        """The completed photo alone, uint8 [H, W, 3]."""
        return self(image, mask, guide)["completed"]

    def __call__(self, image: np.ndarray, mask: np.ndarray, guide: np.ndarray | None = None) -> dict[str, np.ndarray]:
        for given, taken in zip(image.shape, self._session.get_inputs()[0].shape[1:3]):
            if isinstance(taken, int) and given != taken:
                height, width = self._session.get_inputs()[0].shape[1:3]
                raise UserError(
                    f"{self.path} takes photos of {width}x{height}; got {image.shape[1]}x{image.shape[0]}: "
                    "scale or crop."
                )
        values = batch_of_one(image, mask, guide, self._guided)
        outputs: list[Any] = list(self._session.run(self._names, values))
        return {name: value[0] for name, value in zip(self._names, outputs)}
