"""What the Inpainter does around the network, as TensorFlow operations: the parts that an exported graph is made of.

The Inpainter works on NumPy arrays in Python. A SavedModel has neither, so the same steps (padding by mirroring, the
two channel orders, rounding, putting known pixels back) run here on `graph_pixels`, with the same numbers.
"""

from typing import Any

import tensorflow as tf

from inpaint_tf.attention.in_graph import HoleAttention
from inpaint_tf.graph_pixels import (
    composite_levels,
    is_hole,
    is_line,
    mirror_pad,
    reverse_channels,
    to_float,
)
from inpaint_tf.models.generator import Generator


class InpaintingGraph:
    """A generator with everything around it, to be called inside a `tf.function`.

    Args:
        model: A generator of the registry.
        channel_order: "RGB" or "BGR", what the weights were trained with. Everything here is RGB all the same.
        **attention: How attention works on large photos, see `HoleAttention`.
    """

    def __init__(self, model: Generator, channel_order: str, **attention: Any) -> None:
        self.model = model
        self.channel_order = channel_order
        network, scales = model.network, model.network.scales()
        self.attentions = {
            node.name: HoleAttention(
                getattr(model, node.name), network.reach(node.name), node.settings.rate * scales[node.name], **attention
            )
            for node in network.attentions
        }
        # One graph that all signatures call: traced once, stored once.
        self._network = tf.function(
            self._run_model,
            input_signature=[tf.TensorSpec([None, None, None, c]) for c in model.network.inputs.values()],
            autograph=False,
        )

    def complete_levels(self, image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> tf.Tensor:
        """uint8 [B, H, W, 3] RGB and uint8 [B or 1, H, W, 1] (above 127 = hole) -> completed uint8 [B, H, W, 3].

        Any size from one pixel up. Known pixels leave bit-identical; the hole is rounded as the Inpainter rounds.
        A guided model takes a guide as well: uint8 [B or 1, H, W, 1], above 153 = line.
        """
        refined = self.run_levels(image, mask, guide)["refined"]
        return composite_levels(image, mask, refined)

    def run_levels(self, image: tf.Tensor, mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """`run` for uint8 image, mask and guide."""
        guide = None if guide is None else tf.cast(is_line(guide), tf.float32)
        return self.run(to_float(image), tf.cast(is_hole(mask), tf.float32), guide)

    def run(self, image: tf.Tensor, hole_mask: tf.Tensor, guide: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """The whole network at any size.

        Args:
            image: float32 [B, H, W, 3] RGB in [-1, 1].
            hole_mask: float32 [B or 1, H, W, 1], 1 = hole.
            guide: For a guided model, float32 [B or 1, H, W, 1], 1 = line; None is no line.

        Returns:
            A dictionary: "coarse" and "refined", float32 [B, H, W, 3] RGB before pasting; with attention
            also "offsets", int32 [B, ceil(H/8), ceil(W/8), 2], absolute (row, column), -1 where none was computed.
        """
        size = tf.shape(image)
        masks = [hole_mask]
        if self.model.guided:
            masks.append(tf.zeros_like(hole_mask) if guide is None else guide)
        for name, mask in zip(("mask", "guide"), masks):
            check_mask_size(image, mask, name)
        outputs = self._network(self.swap(mirror_pad(image)), *map(mirror_pad, masks))
        stages = {name: self.swap(outputs[name])[:, : size[1], : size[2]] for name in ("coarse", "refined")}
        return {**outputs, **stages}

    def _run_model(self, image: tf.Tensor, hole_mask: tf.Tensor, *guide: tf.Tensor) -> dict[str, tf.Tensor]:
        attentions = {name: attention.for_hole(hole_mask) for name, attention in self.attentions.items()}
        return self.model.run(image, hole_mask, *guide, attentions=attentions)

    def swap(self, image: tf.Tensor) -> tf.Tensor:
        """RGB <-> the model's channel order."""
        return reverse_channels(image) if self.channel_order == "BGR" else image


def check_mask_size(image: tf.Tensor, mask: tf.Tensor, name: str = "mask") -> None:
    """An assertion in the graph that image and mask (or guide) have one size and the batches fit."""
    image_size, mask_size = tf.shape(image)[:3], tf.shape(mask)[:3]
    same = tf.reduce_all(image_size[1:] == mask_size[1:])
    fits = (image_size[0] == mask_size[0]) | (mask_size[0] == 1)
    tf.debugging.assert_equal(
        same & fits, True, message=f"the {name} must have the image's size, and one {name} an image or one for all"
    )
