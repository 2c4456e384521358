"""The Keras model of a `Network`: it builds the layers that the nodes name and runs them in the nodes' order."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.attention.layer import ContextualAttention
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size
from inpaint_tf.models.conv_stack import ConvStack, Shape
from inpaint_tf.models.network import IMAGE_ENDS, PHOTO, Attention, Network, Stack, View
from inpaint_tf.pixels import SIZE_MULTIPLE

# How fast the mean colour follows the batches of photos in training; ours.
MEAN_COLOUR_MOMENTUM = 0.99


class Generator(keras.Model):
    """A network that fills holes. Subclasses choose the network; an instance holds a layer for each of its nodes.

    Layers are attributes under the names of their nodes: `ConvStack`s and `ContextualAttention`s. A network whose holes
    are filled with the mean colour of the photos has this too, as a variable `mean_colour` that follows the photos that
    pass in training, so that checkpoints and presets carry it.

    Args:
        network: The `Network`.
        width: Base width ("cnum").
        attention_form: "fast" or "literal", see `ContextualAttention`.

    Call arguments:
        image: [B, H, W, 3] in [-1, 1]; H and W multiples of 8. What lies inside the hole is not
            looked at, except for the mean colour in training.
        hole_mask: [B or 1, H, W, 1], 1 = hole.
        guide: [B or 1, H, W, 1], 1 = a line of a sketch, for models that are `guided`; what lies outside the hole is
            not looked at. None means that nothing is sketched.
        training: Whether batch normalisation uses, and it and the mean colour follow, the batch.
        stages: How many stages run; None for all of them.

    Returns:
        A dictionary: "coarse" and "refined", float32 [B, H, W, 3] in [-1, 1], the images that the first and the last
        stage that ran yield, before pasting; the same one if there is one stage. With attention also "offsets", int32
        [B, h, w, 2] of the last attention, see `ContextualAttention`; its grid is H/8 x W/8 in the networks here.

    Raises:
        ValueError: for layers that would have a fraction of a channel, sizes that are no multiple of 8, or a guide for
            a model without guidance.
    """

    def __init__(self, network: Network, width: int, attention_form: str = "fast", **kwargs: Any):
        super().__init__(**kwargs)
        self.network = network
        self.width = width
        self.attention_form = attention_form
        for node in network:
            match node:
                case Stack():
                    setattr(self, node.name, ConvStack(node.convs, width, name=node.name))
                case Attention():
                    settings, name = dataclasses.asdict(node.settings), f"contextual_{node.name}"
                    setattr(self, node.name, ContextualAttention(**settings, form=attention_form, name=name))

    @property
    def guided(self) -> bool:
        """Whether the model was made to follow a sketch."""
        return self.network.guided

    @property
    def first_stage_variables(self) -> list[keras.Variable]:
        """The trainable variables of the first stage alone."""
        stacks = [node.name for node in self.network.stages[0] if isinstance(node, Stack)]
        return [variable for name in stacks for variable in getattr(self, name).trainable_variables]

    def build(
        self,
        image_shape: Shape | None = None,
        hole_mask_shape: Shape | None = None,
        guide_shape: Shape | None = None,
    ) -> None:
        if self.network.has_mean_colour:
            self.mean_colour = self.add_weight(
                name="mean_colour", shape=(3,), initializer="zeros", trainable=False, autocast=False, aggregation="mean"
            )
        channels = self.network.channels_in(self.width)
        for node in self.network.stacks:
            getattr(self, node.name).build((None, None, None, channels[node.name]))
        self.built = True

    def call(
        self,
        image: tf.Tensor,
        hole_mask: tf.Tensor,
        guide: tf.Tensor | None = None,
        training: bool = False,
        stages: int | None = None,
    ) -> dict[str, tf.Tensor]:
        return self.run(image, hole_mask, guide, training=training, stages=stages)

    def run(
        self,
        image: tf.Tensor,
        hole_mask: tf.Tensor,
        guide: tf.Tensor | None = None,
        *,
        training: bool = False,
        stages: int | None = None,
        attentions: Mapping[str, Callable] | None = None,
    ) -> dict[str, tf.Tensor]:
        """What a call does, without Keras around it.

        Args:
            image, hole_mask, guide, training, stages: See the class.
            attentions: Name of an attention -> what runs instead of the model's own layer: takes [B, H, W, C] features
                and `hole_mask` at their size, gives features and offsets.

        Returns:
            See the class.
        """
        check_sizes(image)
        if guide is not None and not self.guided:
            raise ValueError("this model was not made to follow a guide.")
        hole_mask = tf.cast(hole_mask, image.dtype)
        mean_colour = self._mean_colour_after(image) if training else None
        # Known pixels are the photo's in what every stage sees.
        known = image * (1 - hole_mask)
        features: dict[str, tf.Tensor] = {}
        images, offsets = [], {}
        for node in itertools.chain.from_iterable(self.network.stages[:stages]):
            match node:
                case View():
                    seen = image
                    if node.of != PHOTO:
                        seen = tf.cast(features[node.of], image.dtype) * hole_mask + known
                    features[node.name] = self.view(node, seen, hole_mask, guide, mean_colour)
                case Attention():
                    x = features[node.reads]
                    attention = getattr(self, node.name)
                    if attentions is not None:
                        attention = attentions.get(node.name, attention)
                    feature_mask = resize_nearest_align_corners(hole_mask, *spatial_size(x))
                    features[node.name], offsets["offsets"] = attention(x, hole_mask=feature_mask)
                case Stack():
                    parts = [features[name] for name in node.sources]
                    x = getattr(self, node.name)(parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1))
                    if node.image is not None:
                        x = to_image(x, node.image)
                        images.append(x)
                    features[node.name] = x
        return {"coarse": images[0], "refined": images[-1], **offsets}

    def view(
        self,
        node: View,
        image: tf.Tensor,
        hole_mask: tf.Tensor,
        guide: tf.Tensor | None = None,
        mean_colour: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What a stage sees, [B, H, W, C].

        Args:
            node: The `View`.
            image: [B, H, W, 3]; the photo, whatever its hole holds, or an earlier stage's image pasted into the photo.
            hole_mask: [B or 1, H, W, 1] of the image's type, 1 = hole.
            guide: As in a call.
            mean_colour: float32 [3] to fill a photo's hole with, if that is what the view takes; None is the model's.
        """
        if node.of == PHOTO:
            image = image * (1 - hole_mask)
            if node.hole_colour == "mean":
                colour = tf.convert_to_tensor(self.mean_colour) if mean_colour is None else mean_colour
                image += tf.cast(colour, image.dtype) * hole_mask
        ones = tf.ones_like(image[..., :1])
        sketch = tf.zeros_like(ones) if guide is None else tf.cast(guide, image.dtype) * hole_mask * ones
        shown = {"image": image, "ones": ones, "hole": ones * hole_mask, "guide": sketch}
        parts = [shown[part] for part in node.shows]
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)

    def _mean_colour_after(self, image: tf.Tensor) -> tf.Tensor | None:
        """The mean colour, float32 [3], after it has followed a batch [B, H, W, 3]; None if the network has none."""
        if not self.network.has_mean_colour:
            return None
        seen = tf.reduce_mean(tf.cast(image, tf.float32), axis=[0, 1, 2])
        mean = MEAN_COLOUR_MOMENTUM * tf.convert_to_tensor(self.mean_colour) + (1 - MEAN_COLOUR_MOMENTUM) * seen
        self.mean_colour.assign(mean)
        return mean


def to_image(x: tf.Tensor, end: str) -> tf.Tensor:
    """What ends a stage: [B, H, W, 3] -> float32 in [-1, 1], computed in float32 in mixed precision too.

    Args:
        x: The last layer's output.
        end: Of `network.IMAGE_ENDS`.
    """
    x = tf.cast(x, tf.float32)
    match end:
        case "clip":
            return tf.clip_by_value(x, -1.0, 1.0)
        case "tanh":
            return tf.tanh(x)
        case "sigmoid":
            return 2 * tf.sigmoid(x) - 1
    raise ValueError(f"an image cannot end in {end!r}; known: {', '.join(IMAGE_ENDS)}.")


def check_sizes(image: tf.Tensor) -> None:
    """Raises ValueError if a static size of [B, H, W, C] is no multiple of 8."""
    if any(size is not None and size % SIZE_MULTIPLE for size in image.shape[1:3]):
        raise ValueError(f"height and width must be multiples of {SIZE_MULTIPLE}; got {tuple(image.shape[1:3])}.")
