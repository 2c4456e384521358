"""DeepFill v2: the networks of Free-Form Image Inpainting with Gated Convolution (ICCV 2019).

The layer lists are those of DeepFill v1 with every hidden convolution gated, so it computes what v1 would compute at
the same width and hands on half of it. Both stages end in tanh instead of clipping, and the second sees the pasted
image alone, without mask. At the authors' width of 48 the generator has 4,052,478 parameters.

A guided model sees one channel more in stage 1: a sketch inside the hole. Layer names and all details follow the
authors' master code, which made the published weights.
"""

import dataclasses

import keras
import tensorflow as tf

from inpaint_tf.models import deepfill_v1
from inpaint_tf.models.two_stage import TwoStageGenerator, TwoStageLayers, stage_input


def gated(convs):
    """A layer list with every convolution gated, except for those that yield an image."""
    return tuple(dataclasses.replace(conv, gated=conv.channels is None) for conv in convs)


@keras.saving.register_keras_serializable(package="inpaint_tf")
class DeepFillV2(TwoStageGenerator):
    """The generator of DeepFill v2.

    Arguments, call and results as in `TwoStageGenerator`; the authors' width is 48, and it must be a multiple of 4.

    Args:
        guided: Whether stage 1 sees a sketch.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.models import DeepFillV2
        >>> image = np.zeros((1, 64, 64, 3), "float32")
        >>> mask = np.zeros((1, 64, 64, 1), "float32")
        >>> mask[:, 16:48, 16:48] = 1
        >>> sketch = np.zeros((1, 64, 64, 1), "float32")
        >>> sketch[:, 16:48, 32] = 1
        >>> outputs = DeepFillV2(width=8, guided=True)(image, mask, sketch)
        >>> outputs["refined"].shape.as_list(), outputs["offsets"].shape.as_list()
        ([1, 64, 64, 3], [1, 8, 8, 2])

    Reference: Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019, arXiv 1806.03589.
    """

    LAYERS = TwoStageLayers(
        coarse=gated(deepfill_v1.COARSE),
        convolution_branch=gated(deepfill_v1.CONVOLUTION_BRANCH),
        attention_encoder=gated(deepfill_v1.ATTENTION_ENCODER),
        attention_decoder=gated(deepfill_v1.ATTENTION_DECODER),
        decoder=gated(deepfill_v1.DECODER),
    )

    def __init__(self, width=48, attention_branch=True, attention_form="fast", guided=False, **kwargs):
        self.guided = guided
        super().__init__(width, attention_branch, attention_form, **kwargs)

    def coarse_input(self, known, hole_mask, guide=None):
        """What stage 1 sees: image with a grey hole[, sketch inside the hole], a channel of ones, ones * mask."""
        if self.guided:
            sketch = tf.zeros_like(known[..., :1]) if guide is None else tf.cast(guide, known.dtype) * hole_mask
            known = tf.concat([known, sketch], axis=-1)
        return stage_input(known, hole_mask)

    def refinement_input(self, pasted, hole_mask):
        """What stage 2 sees: the image with the coarse result in its hole, [B, H, W, 3]."""
        return pasted

    def to_image(self, x):
        """What ends both stages: float32 tanh. In mixed precision too the tanh is taken in float32."""
        return tf.tanh(tf.cast(x, tf.float32))

    def get_config(self):
        return {**super().get_config(), "guided": self.guided}
