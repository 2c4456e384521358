"""The whole generator on the whole image: simple, and the reference that the planned run is held against."""

import tensorflow as tf


class FullRun:
    """Runs a two-stage generator on one image of any size without building a new graph for each.

    Args:
        model: A `TwoStageGenerator`.

    Call:
        image: float32 [H, W, 3] in [-1, 1], the model's channel order; H and W multiples of 8.
        hole_mask: float32 [H, W, 1], 1 = hole.

    Returns:
        A dictionary of NumPy arrays: "coarse" and "refined", float32 [H, W, 3], before pasting; with attention also
        "offsets", int32 [H/8, W/8, 2].
    """

    def __init__(self, model):
        self._graph = tf.function(
            lambda image, hole_mask: model(image, hole_mask),
            input_signature=[tf.TensorSpec((1, None, None, 3)), tf.TensorSpec((1, None, None, 1))],
        )

    def __call__(self, image, hole_mask):
        outputs = self._graph(image[None], hole_mask[None])
        return {name: output[0].numpy() for name, output in outputs.items()}

    @property
    def traces(self):
        """How many graphs were built so far."""
        return self._graph.experimental_get_tracing_count()
