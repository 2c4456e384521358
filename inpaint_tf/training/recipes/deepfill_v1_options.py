"""Options of DeepFill v1, its variants and its single stage."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from inpaint_tf.training.recipes.options import RecipeOptions

if TYPE_CHECKING:
    from inpaint_tf.training.configuration import TrainingConfig


class DeepFillV1Options(RecipeOptions):
    """DeepFill v1 as its authors trained it on Places2 at 256x256."""

    title = "DeepFill v1"
    defaults: ClassVar[Mapping[str, Any]] = {
        "crop": "random_crop",
        "mask_per_image": False,
        "width": 32,
        "adversarial": "wgan",
        "adversarial_weight": 0.001,
        "l1_weight": 1.2,
        "coarse_weight": 1.2,
        "max_steps": 150_000,
        "batch_size": 16,
        "n_critic": 5,
        "pretrain_coarse_steps": 0,
        "pretrain_critic_steps": 0,
        "learning_rate": 1e-4,
        "beta_2": 0.9,
        "ema_decay": 0.999,
    }

    def unused(self, config: "TrainingConfig") -> Mapping[str, str]:
        found = {"pretrain_critic_steps": "only GLCIC has a phase in which the critics learn alone."}
        if config.adversarial != "wgan":
            found["penalty_weight"] = f"the gradient penalty belongs to --adversarial=wgan, not {config.adversarial}."
        if config.critics == "local":
            found["global_weight"] = "--critics=local has no global critic."
        return found

    def contradictions(self, config: "TrainingConfig") -> Iterator[str]:
        if config.holes == "mixed" and config.reconstruction == "authors":
            yield (
                "--holes=mixed contradicts --reconstruction=authors: the L1 of DeepFill v1 looks at one box. Set "
                "--reconstruction=hole."
            )


class SingleStageOptions(DeepFillV1Options):
    """The single stage that the paper argues against: its coarse output is its only one."""

    title = "DeepFill v1's single stage"

    def unused(self, config: "TrainingConfig") -> Mapping[str, str]:
        found = dict(super().unused(config))
        if config.pretrain_coarse_steps:
            return found
        return {**found, "coarse_weight": "it has one output, which weighs 1 (except in a warm-up)."}
