"""Adadelta with the interface of `optimizers.Adam`: GLCIC's optimiser, which needs no learning rate (it is 1)."""

from collections.abc import Sequence

import tensorflow as tf


class Adadelta:
    """Adadelta's two slots for a list of variables (Zeiler 2012, algorithm 1, with a learning rate as a factor).

    Create it inside the strategy's scope.

    Args:
        variables: `tf.Variable`s.
        decay: Decay rho of both running mean squares.
        epsilon: Added to them under the roots.

    Attributes:
        slots: Name of the slot ("squared_gradient", "squared_update") -> one variable for each variable.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float = 0.95, epsilon: float = 1e-6) -> None:
        self.decay, self.epsilon = decay, epsilon
        self.slots = {
            slot: [tf.Variable(tf.zeros(variable.shape), trainable=False) for variable in variables]
            for slot in ("squared_gradient", "squared_update")
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
        squared_gradient: tf.Variable,
        squared_update: tf.Variable,
        *,
        count: tf.Tensor,
        rate: tf.Tensor,
    ) -> None:
        """Moves one variable; see `Adam.update`. The number of the update plays no part."""
        tf.raw_ops.ResourceApplyAdadelta(
            var=variable.handle,
            accum=squared_gradient.handle,
            accum_update=squared_update.handle,
            lr=rate,
            rho=self.decay,
            epsilon=self.epsilon,
            grad=gradient,
        )
