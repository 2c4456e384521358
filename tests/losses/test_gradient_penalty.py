"""R1 by hand-made arithmetic."""

import pytest
import tensorflow as tf

from inpaint_tf.losses import r1_penalty


def test_r1_is_half_the_mean_squared_gradient():
    real = tf.constant([[1.0, 2.0], [3.0, 0.0]])[:, :, tf.newaxis, tf.newaxis]
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        # The gradient is weight * x: squares 4 * 5 and 4 * 9, mean 28, half 14.
        penalty = r1_penalty(lambda x: weight * 0.5 * tf.reduce_sum(x**2, axis=[1, 2, 3], keepdims=True), real)
    assert float(penalty) == pytest.approx(14)
    # Of weight^2 * 3.5.
    assert float(tape.gradient(penalty, weight)) == pytest.approx(14)
