"""LiteRT (TensorFlow Lite) files with builtin operations only.

The attention's fast form is slices, paddings and matrix products, all of which LiteRT has; nothing needs
SELECT_TF_OPS. Weights are stored as float32, as float16 (half the size; computed in float32 on a CPU) or as int8 with
a scale a channel (a quarter; "dynamic range": activations are quantised on the fly, no calibration photos needed).
"""

import collections
import contextlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.export.network_function import batch_of_one, unsupported

WEIGHTS = ("float32", "float16", "int8")


def check_installed() -> None:
    """Raises UserError if what runs LiteRT files is missing."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise UserError("checking LiteRT files needs ai-edge-litert: pip install inpaint_tf[litert].")


def to_litert(function: Any, weights: str = "float32") -> bytes:
    """Converts a function.

    Args:
        function: `tf.function` with an input signature and a dictionary of outputs, see `network_function`.
        weights: One of `WEIGHTS`.

    Returns:
        The file's bytes; its signature is `serving_default`.

    Raises:
        UserError: if LiteRT has no builtin operation for something, naming the layer.
    """
    with tempfile.TemporaryDirectory() as folder, quiet():
        # By way of a SavedModel, because only its signature carries the names of inputs and outputs.
        module = tf.Module()
        module.function = function
        concrete = function.get_concrete_function()
        module.variables_kept = list(concrete.graph.variables)
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return converter.convert()
        except Exception as error:  # The converter's own class lives in a private module.
            missing = sorted(set(re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", str(error))))
            if not missing:
                raise
            raise unsupported("LiteRT", function, missing) from error


class LiteRTRunner:
    """Runs a LiteRT file.

    Args:
        path: The file.
        threads: Threads to compute with.

    Call:
        image: float32 [H, W, 3] RGB in [-1, 1].
        hole_mask: float32 [H, W, 1], 1 = hole.
        guide: For a guided model, float32 [H, W, 1], 1 = line; None is no line.

    Returns:
        Name -> array [H, W, ...], see `network_function`.

    Raises:
        UserError: if the file cannot be loaded, or is for another size.
    """

    def __init__(self, path: str | os.PathLike, threads: int | None = None) -> None:
        check_installed()
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        self._make = lambda: Interpreter(str(path), num_threads=threads or os.cpu_count())
        try:
            with quiet():
                self._inputs = self._make().get_signature_runner("serving_default").get_input_details()
        except (ValueError, OSError) as error:
            raise UserError(f"{path} is not a LiteRT file that can be run: {' '.join(str(error).split())}.") from error
        self._shapes: dict[str, tuple[int, ...]] = {}

    def __call__(
        self, image: np.ndarray, hole_mask: np.ndarray, guide: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        values = batch_of_one(image, hole_mask, guide, guided="guide" in self._inputs)
        self._resize({name: value.shape for name, value in values.items()})
        outputs = self._runner(**values)
        return {name: value[0] for name, value in outputs.items()}

    def _resize(self, shapes: dict[str, tuple[int, ...]]) -> None:
        if shapes == self._shapes:
            return
        # A fresh interpreter for every size: one that has run refuses to change while its results are in use.
        with quiet():
            interpreter = self._make()
        for name, shape in shapes.items():
            details = self._inputs[name]
            fixed = [int(side) for side in details["shape_signature"]]
            if any(side not in (-1, given) for side, given in zip(fixed, shape)):
                raise UserError(
                    f"{self.path} takes photos of {fixed[2]}x{fixed[1]}; got {shape[2]}x{shape[1]}: scale or crop."
                )
            interpreter.resize_tensor_input(details["index"], shape)
        with quiet():
            interpreter.allocate_tensors()
        self._runner, self._shapes = interpreter.get_signature_runner("serving_default"), shapes


def litert_ops(content: bytes) -> collections.Counter[str]:
    """Operation -> count of a LiteRT file's bytes, read from the file itself; custom ones as "custom:NAME"."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model: Any = schema.Model.GetRootAsModel(content, 0)  # Generated code, typed as if anything could be missing.
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    kinds = [
        "custom:" + code.CustomCode().decode()
        if code.BuiltinCode() == schema.BuiltinOperator.CUSTOM
        else names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        for code in codes
    ]
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    return collections.Counter(
        kinds[graph.Operators(index).OpcodeIndex()] for graph in graphs for index in range(graph.OperatorsLength())
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back what the converter and the runtime's C++ code write to standard error."""
    sys.stderr.flush()
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
