"""The whole generator on the whole image: simple, and the reference that the planned run is compared with."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from inpaint_tf.errors import OutOfMemory
from inpaint_tf.machine_memory import ADVICE, ran_out_of_memory
from inpaint_tf.models.generator import Generator


class FullRun:
    """Runs a generator on one image of any size without building a new graph for each.

    Args:
        model: A `Generator`.

    Call:
        image: float32 [H, W, 3] in [-1, 1], the model's channel order; H and W multiples of 8.
        hole_mask: float32 [H, W, 1], 1 = hole.
        guide: float32 [H, W, 1], 1 = line, for a guided model; None means that nothing is sketched.
        report: Called with 1 at the end: a full run has no parts.

    Returns:
        A dictionary of NumPy arrays: "coarse" and "refined", float32 [H, W, 3], before pasting; with attention also
        "offsets", int32 [H/8, W/8, 2].

    Raises:
        OutOfMemory: when called, if memory runs out, the GPU's included.
    """

    def __init__(self, model: Generator) -> None:
        self._guided = model.guided
        channels = model.network.inputs.values()

        def run(*inputs):
            return model(*inputs)

        self._graph = tf.function(run, input_signature=[tf.TensorSpec((1, None, None, c)) for c in channels])

    def __call__(
        self,
        image: np.ndarray,
        hole_mask: np.ndarray,
        guide: np.ndarray | None = None,
        report: Callable[[float], object] | None = None,
    ) -> dict[str, np.ndarray]:
        inputs = [image, hole_mask]
        if self._guided:
            inputs.append(np.zeros_like(hole_mask) if guide is None else guide)
        try:
            outputs = self._graph(*(x[None] for x in inputs))
            arrays = {name: output[0].numpy() for name, output in outputs.items()}
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"memory ran out on a photo of {image.shape[1]}x{image.shape[0]} in a full run, which holds it "
                f"all at once: run it in parts (--plan=hole with the fast attention), or {ADVICE}."
            ) from None
        if report is not None:
            report(1.0)
        return arrays

    @property
    def traces(self) -> int:
        """How many graphs were built so far."""
        return self._graph.experimental_get_tracing_count()
