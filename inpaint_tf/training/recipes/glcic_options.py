"""Options of GLCIC."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from inpaint_tf.training.recipes.deepfill_v1_options import DeepFillV1Options
from inpaint_tf.training.recipes.options import RecipeOptions

if TYPE_CHECKING:
    from inpaint_tf.training.configuration import TrainingConfig


class GLCICOptions(RecipeOptions):
    """GLCIC as Iizuka et al. (2017) trained it on Places2; one critic step a step is our reading."""

    title = "GLCIC"
    defaults: ClassVar[Mapping[str, Any]] = {
        **DeepFillV1Options.defaults,
        "crop": "fit_crop",
        "mask_per_image": True,
        "width": 64,
        "adversarial": "bce",
        "adversarial_weight": 4e-4,
        "max_steps": 500_000,
        "batch_size": 96,
        "n_critic": 1,
        "pretrain_coarse_steps": 90_000,
        "pretrain_critic_steps": 10_000,
        "learning_rate": 1.0,
        "ema_decay": 0.0,
    }

    def unused(self, config: "TrainingConfig") -> Mapping[str, str]:
        no_l1 = "it has a squared error of the hole, no L1."
        adadelta = "its optimiser is Adadelta, not Adam."
        joint = "its critics are joined in one score."
        return {
            "critics": joint,
            "global_weight": joint,
            "feature_matching_weight": joint,
            "r1_weight": "its critics have batch normalisation, which ties the gradients of a batch together.",
            "penalty_weight": "its loss has no gradient penalty.",
            "l1_weight": no_l1,
            "known_weight": no_l1,
            "coarse_weight": no_l1,
            "reconstruction": no_l1,
            "spatial_discount": no_l1,
            "beta_1": adadelta,
            "beta_2": adadelta,
            "epsilon": adadelta,
            "initial_stage": "it has one stage.",
        }

    def contradictions(self, config: "TrainingConfig") -> Iterator[str]:
        if config.adversarial == "wgan":
            yield (
                "--adversarial=wgan contradicts --model=glcic: a Wasserstein critic needs its gradient penalty, and "
                "GLCIC's batch normalisation does not go with one. The paper's is --adversarial=bce."
            )
        phases = config.pretrain_coarse_steps + config.pretrain_critic_steps
        if phases > config.max_steps:
            coarse, critic = (max(1, round(share * config.max_steps)) for share in (0.18, 0.02))
            yield (
                f"--pretrain_coarse_steps={config.pretrain_coarse_steps} and "
                f"--pretrain_critic_steps={config.pretrain_critic_steps} are more than --max_steps={config.max_steps}, "
                f"which they are part of. The paper's proportions: --pretrain_coarse_steps={coarse} "
                f"--pretrain_critic_steps={critic}."
            )
        if config.pretrain_critic_steps and not config.n_critic:
            yield (
                f"--pretrain_critic_steps={config.pretrain_critic_steps} contradicts --n_critic=0: nothing would move."
            )
