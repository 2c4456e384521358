"""DeepFill v2: the networks of Free-Form Image Inpainting with Gated Convolution (ICCV 2019).

The layer lists are those of DeepFill v1 with every hidden convolution gated, so it computes what v1 would compute at
the same width and passes on half of it. Both stages end in tanh instead of clipping, and the second sees the pasted
image alone, without mask. At the authors' width of 48 the generator has 4,052,478 parameters.

A guided model sees one channel more in stage 1: a sketch inside the hole. Layer names and all details follow the
authors' master code, which made the published weights.
"""

import dataclasses
from typing import Any

import keras

from inpaint_tf.models import deepfill_v1
from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.network import Network, Stack
from inpaint_tf.models.two_stage import TwoStageGenerator


def gated(convs: tuple[Conv, ...]) -> tuple[Conv, ...]:
    """A layer list with every convolution gated, except for those that yield an image."""
    return tuple(dataclasses.replace(conv, gated=conv.channels is None) for conv in convs)


NETWORK = Network(
    *(
        dataclasses.replace(node, convs=gated(node.convs), image=node.image and "tanh")
        if isinstance(node, Stack)
        else node
        for node in deepfill_v1.NETWORK
    )
).replaced("refinement_input", shows=("image",))
GUIDED = NETWORK.replaced("coarse_input", shows=("image", "guide", "ones", "hole"))


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

    def __init__(
        self,
        width: int = 48,
        attention_branch: bool = True,
        attention_form: str = "fast",
        guided: bool = False,
        refinement_stage: bool = True,
        fusion: bool = True,
        **kwargs: Any,
    ):
        network = GUIDED if guided else NETWORK
        super().__init__(network, width, attention_branch, attention_form, refinement_stage, fusion, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "guided": self.guided}
