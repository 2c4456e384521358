"""Adam the TensorFlow 1 way, weight averages, and how both are applied under any `tf.distribute` strategy.

Keras' optimisers reduce gradients and merge replicas by themselves, which leaves no place for clipping by the norm of
the reduced gradient, and counts steps per optimiser. Here one fused operation updates a variable and the caller says
which step it is. The authors use one Adam instance for generator and critics, so its bias correction counts the
updates of both.
"""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from inpaint_tf.training.configuration import TrainingConfig


class Adam:
    """Adam's two slots for a list of variables.

    The update is variable -= rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon): epsilon is outside
    of the bias correction, as in TensorFlow 1 ("epsilon hat" in Kingma and Ba, 2015, section 2).

    Create it inside the strategy's scope.

    Args:
        variables: `tf.Variable`s.
        beta_1: Decay of the mean gradient.
        beta_2: Decay of the mean squared gradient.
        epsilon: Added to the root.

    Attributes:
        slots: Name of the slot ("m", "v") -> one variable for each variable.
    """

    def __init__(self, variables: Sequence[tf.Variable], beta_1: float, beta_2: float, epsilon: float) -> None:
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.slots = {
            slot: [tf.Variable(tf.zeros(variable.shape), trainable=False) for variable in variables]
            for slot in ("m", "v")
        }
        self._index = {id(variable): index for index, variable in enumerate(variables)}

    def slots_of(self, variable: tf.Variable) -> tuple[tf.Variable, ...]:
        """The slots of one variable, in the order that `update` takes them."""
        index = self._index[id(variable)]
        return tuple(slot[index] for slot in self.slots.values())

    def update(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        m: tf.Variable,
        v: tf.Variable,
        *,
        count: tf.Tensor,
        rate: tf.Tensor,
    ) -> None:
        """Moves one variable.

        Args:
            variable: float32 variable on one device.
            gradient: float32, same shape.
            m: Its first slot.
            v: Its second slot.
            count: float32 scalar, number of this update, from 1.
            rate: float32 scalar, learning rate.
        """
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=tf.pow(tf.constant(self.beta_1), count),
            beta2_power=tf.pow(tf.constant(self.beta_2), count),
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def apply_gradients(
    strategy: tf.distribute.Strategy,
    optimizer: Any,
    variables: Sequence[tf.Variable],
    gradients: Sequence[tf.Tensor],
    *,
    count: tf.Tensor,
    rate: tf.Tensor,
    averages: Sequence[tf.Variable] | None = None,
    decay: tf.Tensor = None,
    skip: tf.Tensor | None = None,
) -> None:
    """Applies reduced gradients in cross-replica context.

    Args:
        strategy: The strategy that the variables live in.
        optimizer: An `Adam` over (at least) these variables.
        variables: Variables to move.
        gradients: Their gradients as `strategy.run` returned them, equal on all replicas.
        count: float32 scalar, number of this update, from 1.
        rate: float32 scalar, learning rate.
        averages: Averages of the variables to move along, or None.
        decay: float32 scalar, their decay.
        skip: bool scalar tensor; True leaves everything as it is. None never skips.
    """

    def move(variable, gradient, m, v, average=None):
        def apply():
            optimizer.update(variable, gradient, m, v, count=count, rate=rate)
            if average is not None:
                average.assign_sub((1 - decay) * (average - variable))
            return tf.constant(True)

        if skip is None:
            apply()
        else:
            tf.cond(skip, lambda: tf.constant(False), apply)

    for index, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
        extra = [] if averages is None else [averages[index]]
        arguments = [gradient, *optimizer.slots_of(variable), *extra]
        strategy.extended.update(variable, move, args=tuple(arguments), group=False)


def average_decay(ema_decay: float, step: int) -> float:
    """Decay of the averages at a step (Python numbers): smaller at first, so that they forget the initial weights."""
    return min(ema_decay, (1 + step) / (10 + step))


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Learning rate at generator step `step` (Python int, from 0), see `TrainingConfig`."""
    rate = config.learning_rate
    if step < config.learning_rate_warmup:
        return rate * (step + 1) / config.learning_rate_warmup
    passed = step - config.learning_rate_warmup
    if config.learning_rate_schedule == "halving":
        return rate * 0.5 ** (passed // config.halving_steps)
    share = min(passed / max(config.max_steps - config.learning_rate_warmup, 1), 1.0)
    if config.learning_rate_schedule == "linear":
        return rate * (1 - share)
    if config.learning_rate_schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * share))
    return rate
