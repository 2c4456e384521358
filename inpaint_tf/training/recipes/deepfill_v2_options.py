"""Options of DeepFill v2."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from inpaint_tf.training.recipes.deepfill_v1_options import DeepFillV1Options
from inpaint_tf.training.recipes.options import RecipeOptions

if TYPE_CHECKING:
    from inpaint_tf.training.configuration import TrainingConfig


class DeepFillV2Options(RecipeOptions):
    """DeepFill v2 as its authors trained it on Places2 at 256x256; the number of steps is ours."""

    title = "DeepFill v2"
    defaults: ClassVar[Mapping[str, Any]] = {
        **DeepFillV1Options.defaults,
        "width": 48,
        "adversarial": "hinge",
        "adversarial_weight": 1.0,
        "l1_weight": 1.0,
        "coarse_weight": 1.0,
        "max_steps": 1_000_000,
        "n_critic": 1,
        "beta_2": 0.999,
    }

    def unused(self, config: "TrainingConfig") -> Mapping[str, str]:
        found = {
            "critics": "only DeepFill v1 has a local and a global critic to choose from.",
            "global_weight": "it has one critic.",
            "penalty_weight": "spectral normalisation takes the gradient penalty's place.",
            "pretrain_critic_steps": "only GLCIC has a phase in which the critics learn alone.",
        }
        if config.reconstruction == "authors":
            found["known_weight"] = "its L1 is of all pixels, known or not (--reconstruction=hole parts them)."
            found["spatial_discount"] = "its L1 is not discounted (that of --reconstruction=hole is)."
        return found

    def contradictions(self, config: "TrainingConfig") -> Iterator[str]:
        if config.width % 4:
            yield f"--width={config.width} contradicts --model={config.model}: gated widths are multiples of 4."
