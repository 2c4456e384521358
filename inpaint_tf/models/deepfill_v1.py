"""DeepFill v1: the networks of Generative Image Inpainting with Contextual Attention (CVPR 2018).

Layer names, widths and order are those of the authors' v1.0.0 code, which made the published weights; the paper's
table of layers leaves out the activations. With width 32 the generator has 3,601,542 parameters.
"""

from typing import Any

import keras

from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.network import PHOTO, Attention, Network, Stack, View
from inpaint_tf.models.two_stage import TwoStageGenerator

COARSE = (
    Conv("conv1", 1, kernel=5),
    Conv("conv2_downsample", 2, stride=2),
    Conv("conv3", 2),
    Conv("conv4_downsample", 4, stride=2),
    Conv("conv5", 4),
    Conv("conv6", 4),
    Conv("conv7_atrous", 4, dilation=2),
    Conv("conv8_atrous", 4, dilation=4),
    Conv("conv9_atrous", 4, dilation=8),
    Conv("conv10_atrous", 4, dilation=16),
    Conv("conv11", 4),
    Conv("conv12", 4),
    Conv("conv13_upsample", 2, upsample=True),
    Conv("conv14", 2),
    Conv("conv15_upsample", 1, upsample=True),
    Conv("conv16", 0.5),
    Conv("conv17", channels=3, activation="linear"),
)

CONVOLUTION_BRANCH = (
    Conv("xconv1", 1, kernel=5),
    Conv("xconv2_downsample", 1, stride=2),
    Conv("xconv3", 2),
    Conv("xconv4_downsample", 2, stride=2),
    Conv("xconv5", 4),
    Conv("xconv6", 4),
    Conv("xconv7_atrous", 4, dilation=2),
    Conv("xconv8_atrous", 4, dilation=4),
    Conv("xconv9_atrous", 4, dilation=8),
    Conv("xconv10_atrous", 4, dilation=16),
)

ATTENTION_ENCODER = (
    Conv("pmconv1", 1, kernel=5),
    Conv("pmconv2_downsample", 1, stride=2),
    Conv("pmconv3", 2),
    Conv("pmconv4_downsample", 4, stride=2),
    Conv("pmconv5", 4),
    Conv("pmconv6", 4, activation="relu"),
)

ATTENTION_DECODER = (Conv("pmconv9", 4), Conv("pmconv10", 4))

DECODER = (
    Conv("allconv11", 4),
    Conv("allconv12", 4),
    Conv("allconv13_upsample", 2, upsample=True),
    Conv("allconv14", 2),
    Conv("allconv15_upsample", 1, upsample=True),
    Conv("allconv16", 0.5),
    Conv("allconv17", channels=3, activation="linear"),
)

# Both stages see a channel of ones, by which a layer can tell the image from its zero padding.
SHOWN = "image", "ones", "hole"

NETWORK = Network(
    View("coarse_input", of=PHOTO, shows=SHOWN),
    Stack("coarse", COARSE, reads="coarse_input", image="clip"),
    View("refinement_input", of="coarse", shows=SHOWN),
    Stack("convolution_branch", CONVOLUTION_BRANCH, reads="refinement_input"),
    Stack("attention_encoder", ATTENTION_ENCODER, reads="refinement_input"),
    Attention("attention", reads="attention_encoder"),
    Stack("attention_decoder", ATTENTION_DECODER, reads="attention"),
    Stack("decoder", DECODER, reads=("convolution_branch", "attention_decoder"), image="clip"),
)


@keras.saving.register_keras_serializable(package="inpaint_tf")
class DeepFillV1(TwoStageGenerator):
    """The generator of DeepFill v1; with `attention_branch=False` the paper's baseline (section 5.2).

    With `refinement_stage=False` too, its coarse network alone.

    Arguments, call and results as in `TwoStageGenerator`; the authors' width is 32.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.models import DeepFillV1
        >>> image = np.zeros((1, 64, 64, 3), "float32")
        >>> mask = np.zeros((1, 64, 64, 1), "float32")
        >>> mask[:, 16:48, 16:48] = 1
        >>> outputs = DeepFillV1(width=4)(image, mask)
        >>> outputs["refined"].shape.as_list(), outputs["offsets"].shape.as_list()
        ([1, 64, 64, 3], [1, 8, 8, 2])

    Reference: Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018, arXiv 1801.07892.
    """

    def __init__(
        self,
        width: int = 32,
        attention_branch: bool = True,
        attention_form: str = "fast",
        refinement_stage: bool = True,
        fusion: bool = True,
        **kwargs: Any,
    ):
        super().__init__(NETWORK, width, attention_branch, attention_form, refinement_stage, fusion, **kwargs)
