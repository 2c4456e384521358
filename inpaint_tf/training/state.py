"""What a training run consists of while it runs: networks, optimisers, averages, counters."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.models.presets import named_variables
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import Recipe

# The loss scale of mixed_float16 doubles after this many finite steps and halves at every other.
FIRST_LOSS_SCALE, SCALE_PATIENCE = 2.0**15, 2000


@dataclasses.dataclass
class Counters:
    """Where the run is. Plain integers, so that asking costs no synchronisation with a device.

    Attributes:
        step: Generator steps done.
        batches: Global batches taken from the data; also numbers the random draws of a step.
        updates: Updates of generator and critics together, which Adam's bias correction counts.
    """

    step: int = 0
    batches: int = 0
    updates: int = 0


class TrainingState:
    """Networks, optimisers, averages and counters of a run.

    Args:
        config: A `TrainingConfig`.
        recipe: The `Recipe` of its model.
        strategy: The `tf.distribute` strategy to create everything in.

    Attributes:
        generator, critic: Built Keras models with float32 variables and the configuration's arithmetic.
        averages: One variable for every trainable variable of the generator, or None if `ema_decay` is 0.
        counters: See `Counters`.
        loss_scale: float32 variables (scale, finite steps since it changed) of mixed_float16, or None.
    """

    def __init__(self, config: TrainingConfig, recipe: Recipe, strategy: tf.distribute.Strategy) -> None:
        self.counters = Counters()
        with strategy.scope(), dtype_policy(config.precision):
            keras.utils.set_random_seed(config.seed)
            self.generator = build_model(config.model, width=config.width)
            self.critic = recipe.build_critic(config)
            self.generator_optimizer = recipe.build_optimizer(config, raw_variables(self.generator))
            self.critic_optimizer = recipe.build_optimizer(config, raw_variables(self.critic))
            self.averages = None
            if config.ema_decay > 0:
                self.averages = [
                    tf.Variable(variable.numpy(), trainable=False) for variable in self.generator.trainable_variables
                ]
            self.loss_scale = None
            if config.precision == "mixed_float16":
                self.loss_scale = (
                    tf.Variable(
                        FIRST_LOSS_SCALE, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
                    ),
                    tf.Variable(0.0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA),
                )

    def trackables(self) -> dict[str, Any]:
        """Name of a group -> name -> variable: everything but the counters."""
        groups = {}
        for network, model, optimizer in (
            ("generator", self.generator, self.generator_optimizer),
            ("critic", self.critic, self.critic_optimizer),
        ):
            names = {id(variable.value): name for name, variable in named_variables(model).items()}
            groups[network] = {name: variable.value for name, variable in named_variables(model).items()}
            moved = [names[id(variable)] for variable in raw_variables(model)]
            for slot, variables in optimizer.slots.items():
                groups[f"{network}_{slot}"] = dict(zip(moved, variables, strict=True))
            if network == "generator" and self.averages is not None:
                groups["averages"] = dict(zip(moved, self.averages, strict=True))
        if self.loss_scale is not None:
            groups["loss_scale"] = dict(zip(("scale", "patience"), self.loss_scale))
        return groups

    def exported_weights(self) -> dict[str, np.ndarray]:
        """Name -> float32 array of the generator as it is evaluated and exported: averages where there are any."""
        groups = self.trackables()
        return {name: v.numpy() for name, v in {**groups["generator"], **groups.get("averages", {})}.items()}

    def checksum(self) -> float:
        """float: the same for two states exactly if (short of a freak) all their variables are bit-identical."""
        groups = self.trackables()
        return float(
            sum(np.abs(v.numpy().astype(np.float64)).sum() for group in groups.values() for v in group.values())
        )


class dtype_policy:
    """Context in which new Keras layers compute in a `TrainingConfig.precision`; afterwards the global policy is back.

    TF32 is float32 to Keras; `strategy.set_arithmetic` switches it.
    """

    def __init__(self, precision: str) -> None:
        self.policy = "float32" if precision == "tf32" else precision

    def __enter__(self) -> None:
        self.before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)

    def __exit__(self, *_: object) -> None:
        keras.config.set_dtype_policy(self.before)


def raw_variables(model: keras.Model) -> list[tf.Variable]:
    """The trainable `tf.Variable`s (or mirrored ones) of a Keras model's variables."""
    return [variable.value for variable in model.trainable_variables]
