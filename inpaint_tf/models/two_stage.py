"""The two-stage wiring: a coarse network guesses, a refinement network looks again (paper, figures 2 and 4).

Both stages see an image whose hole is grey, a channel of ones and the mask. The coarse network fills the hole, its
result is pasted into the hole, and the refinement network reads that through two branches: one of (dilated)
convolutions that hallucinates, one with contextual attention that copies. A shared decoder joins them. There is no
stop-gradient between the stages (authors' v1.0.0 code).

The wiring knows nothing about widths and layers: a `TwoStageLayers` lists them. What a stage sees and what ends it are
methods (`coarse_input`, `refinement_input`, `to_image`), which DeepFill v2 overrides.
"""

import dataclasses

import keras
import tensorflow as tf

from inpaint_tf.layers import ContextualAttention
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size
from inpaint_tf.models.conv_stack import Conv, ConvStack
from inpaint_tf.pixels import SIZE_MULTIPLE


@dataclasses.dataclass(frozen=True)
class TwoStageLayers:
    """The layer lists of a two-stage generator.

    Attributes:
        coarse: Stage 1, from 5 channels to 3.
        convolution_branch: Stage 2, the branch that hallucinates, from 5 channels.
        attention_encoder: Stage 2, the branch that copies, up to the attention, from 5 channels.
        attention_decoder: The same branch behind the attention.
        decoder: Stage 2, from both branches' features to 3 channels.
    """

    coarse: tuple[Conv, ...]
    convolution_branch: tuple[Conv, ...]
    attention_encoder: tuple[Conv, ...]
    attention_decoder: tuple[Conv, ...]
    decoder: tuple[Conv, ...]


class TwoStageGenerator(keras.Model):
    """Coarse network and refinement network with contextual attention.

    Subclasses give `LAYERS`.

    Args:
        width: Base width ("cnum"), even.
        attention_branch: Whether stage 2 has its attention branch. Without it the network is the paper's baseline.
        attention_form: "fast" or "literal", see `ContextualAttention`.
        refinement_stage: Whether there is a second stage. Without it (and without attention) the network is the
            single stage that the paper argues against; its result counts as both "coarse" and "refined".
        fusion: Whether the attention propagates scores between neighbours, see `ContextualAttention`.

    Call arguments:
        image: [B, H, W, 3] in [-1, 1]; H and W multiples of 8. What lies inside the hole is not looked at.
        hole_mask: [B or 1, H, W, 1], 1 = hole.
        guide: [B, H, W, 1], 1 = a line of a sketch, for models that are `guided`; what lies outside the hole is not
            looked at. None means that nothing is sketched.

    Returns:
        A dictionary: "coarse" and "refined", float32 [B, H, W, 3] in [-1, 1], the outputs of the two stages before
        pasting; with the attention branch also "offsets", int32 [B, H/8, W/8, 2], see `ContextualAttention`.

    Raises:
        ValueError: for an odd width, attention without a second stage, sizes that are no multiple of 8, or a guide
            for a model without guidance.
    """

    LAYERS: TwoStageLayers
    # Whether the model was made to follow a sketch.
    guided = False

    def __init__(
        self, width, attention_branch=True, attention_form="fast", refinement_stage=True, fusion=True, **kwargs
    ):
        super().__init__(**kwargs)
        if attention_branch and not refinement_stage:
            raise ValueError("the attention branch is part of the refinement stage; set attention_branch=False too.")
        self.width = width
        self.attention_branch = attention_branch
        self.attention_form = attention_form
        self.refinement_stage = refinement_stage
        self.fusion = fusion
        self.coarse = ConvStack(self.LAYERS.coarse, width, name="coarse")
        if not refinement_stage:
            return
        self.convolution_branch = ConvStack(self.LAYERS.convolution_branch, width, name="convolution_branch")
        if attention_branch:
            self.attention_encoder = ConvStack(self.LAYERS.attention_encoder, width, name="attention_encoder")
            self.attention = ContextualAttention(form=attention_form, fuse=fusion, name="contextual_attention")
            self.attention_decoder = ConvStack(self.LAYERS.attention_decoder, width, name="attention_decoder")
        self.decoder = ConvStack(self.LAYERS.decoder, width, name="decoder")

    def build(self, image_shape, hole_mask_shape=None, guide_shape=None):
        self.built = True
        image, mask = tf.zeros((1, 8, 8, 3)), tf.zeros((1, 8, 8, 1))
        self.coarse.build((None, None, None, self.coarse_input(image, mask).shape[-1]))
        if not self.refinement_stage:
            return
        stage_input = (None, None, None, self.refinement_input(image, mask).shape[-1])
        self.convolution_branch.build(stage_input)
        features = self.convolution_branch.compute_output_shape(stage_input)
        channels = features[-1]
        if self.attention_branch:
            self.attention_encoder.build(stage_input)
            features = self.attention_encoder.compute_output_shape(stage_input)
            self.attention_decoder.build(features)
            channels += self.attention_decoder.compute_output_shape(features)[-1]
        self.decoder.build((*features[:3], channels))

    def call(self, image, hole_mask, guide=None):
        check_sizes(image)
        if guide is not None and not self.guided:
            raise ValueError("this model was not made to follow a guide.")
        hole_mask = tf.cast(hole_mask, image.dtype)
        known = image * (1 - hole_mask)
        coarse = self.run_coarse(known, hole_mask, guide)
        if not self.refinement_stage:
            return {"coarse": coarse, "refined": coarse}
        refined, offsets = self.run_refinement(tf.cast(coarse, image.dtype) * hole_mask + known, hole_mask)
        outputs = {"coarse": coarse, "refined": refined}
        return outputs if offsets is None else {**outputs, "offsets": offsets}

    def run_coarse(self, known, hole_mask, guide=None):
        """Stage 1 alone: image with a grey hole, mask, guide -> float32 [B, H, W, 3] in [-1, 1]."""
        return self.to_image(self.coarse(self.coarse_input(known, hole_mask, guide)))

    def run_refinement(self, pasted, hole_mask, attention=None):
        """Stage 2 alone: image with the coarse result in its hole, and mask -> refined, offsets (None: baseline).

        `attention` is what runs instead of the model's own attention layer; it takes and gives the same.
        """
        x = self.refinement_input(pasted, hole_mask)
        features = self.convolution_branch(x)
        offsets = None
        if self.attention_branch:
            copied = self.attention_encoder(x)
            feature_mask = resize_nearest_align_corners(hole_mask, *spatial_size(copied))
            copied, offsets = (attention or self.attention)(copied, hole_mask=feature_mask)
            features = tf.concat([features, self.attention_decoder(copied)], axis=-1)
        return self.to_image(self.decoder(features)), offsets

    def coarse_input(self, known, hole_mask, guide=None):
        """What stage 1 sees, [B, H, W, C]: image with a grey hole, a channel of ones, ones * mask."""
        return stage_input(known, hole_mask)

    def refinement_input(self, pasted, hole_mask):
        """What stage 2 sees, [B, H, W, C]: image with the coarse result in its hole, a channel of ones, ones * mask."""
        return stage_input(pasted, hole_mask)

    def to_image(self, x):
        """What ends both stages: float32, clipped to [-1, 1]."""
        return tf.clip_by_value(tf.cast(x, tf.float32), -1.0, 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "attention_branch": self.attention_branch,
            "attention_form": self.attention_form,
            "refinement_stage": self.refinement_stage,
            "fusion": self.fusion,
        }


def stage_input(image, hole_mask):
    """[B, H, W, C + 2]: image, a channel of ones, ones * mask."""
    ones = tf.ones_like(image[..., :1])
    return tf.concat([image, ones, ones * hole_mask], axis=-1)


def check_sizes(image):
    """Raises ValueError if a static size of [B, H, W, C] is no multiple of 8."""
    if any(size is not None and size % SIZE_MULTIPLE for size in image.shape[1:3]):
        raise ValueError(f"height and width must be multiples of {SIZE_MULTIPLE}; got {tuple(image.shape[1:3])}.")
