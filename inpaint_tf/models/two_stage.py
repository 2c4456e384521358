"""The two-stage generators' common part: which of their network's parts an instance has.

A coarse network guesses, a refinement network looks again (DeepFill v1's paper, figures 2 and 4). The coarse network
fills the hole, its result is pasted into the hole, and the refinement network reads that through two branches: one of
(dilated) convolutions that hallucinates, one with contextual attention that copies. A shared decoder joins them. There
is no stop-gradient between the stages (authors' v1.0.0 code). `deepfill_v1.NETWORK` declares it.
"""

from typing import Any

from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.models.generator import Generator
from inpaint_tf.models.network import Network

# Nodes of the branch that copies.
ATTENTION_BRANCH = "attention_encoder", "attention", "attention_decoder"


class TwoStageGenerator(Generator):
    """Coarse network and refinement network with contextual attention.

    Args:
        network: The whole `Network`, whose nodes are named as in `deepfill_v1.NETWORK`.
        width: Base width ("cnum"), even.
        attention_branch: Whether stage 2 has its attention branch. Without it the network is the paper's baseline.
        attention_form: "fast" or "literal", see `ContextualAttention`.
        refinement_stage: Whether there is a second stage. Without it (and without attention) the network is the
            single stage that the paper argues against.
        fusion: Whether the attention propagates scores between neighbours, see `ContextualAttention`.

    Call arguments, returns and errors as in `Generator`.

    Raises:
        ValueError: for attention without a second stage.
    """

    def __init__(
        self,
        network: Network,
        width: int,
        attention_branch: bool = True,
        attention_form: str = "fast",
        refinement_stage: bool = True,
        fusion: bool = True,
        **kwargs: Any,
    ):
        if attention_branch and not refinement_stage:
            raise ValueError("the attention branch is part of the refinement stage; set attention_branch=False too.")
        super().__init__(variant(network, attention_branch, refinement_stage, fusion), width, attention_form, **kwargs)
        self.attention_branch = attention_branch
        self.refinement_stage = refinement_stage
        self.fusion = fusion

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "width": self.width,
            "attention_branch": self.attention_branch,
            "attention_form": self.attention_form,
            "refinement_stage": self.refinement_stage,
            "fusion": self.fusion,
        }


def variant(network: Network, attention_branch: bool, refinement_stage: bool, fusion: bool) -> Network:
    """What is left of a two-stage network; see `TwoStageGenerator`."""
    if not refinement_stage:
        return Network(*network.stages[0])
    if not attention_branch:
        return network.without(*ATTENTION_BRANCH)
    return network if fusion else network.replaced("attention", settings=AttentionSettings(fuse=False))
