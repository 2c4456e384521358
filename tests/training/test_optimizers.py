"""Adam as TensorFlow 1 has it, schedules, averages."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.optimizers import Adam, apply_gradients, average_decay, learning_rate

STRATEGY = tf.distribute.get_strategy()


def test_adam_is_tensorflow_1s():
    variable = tf.Variable([1.0, -2.0, 3.0])
    optimizer = Adam([variable], 0.5, 0.9, 1e-8)
    expected, m, v = np.array([1.0, -2.0, 3.0]), np.zeros(3), np.zeros(3)
    # The count starts at 4: updates of another network that shares it went before.
    for count, gradient in ((4, [0.1, -1.0, 1e-9]), (5, [0.3, 2.0, 0.0])):
        gradient = np.array(gradient)
        m, v = 0.5 * m + 0.5 * gradient, 0.9 * v + 0.1 * gradient**2
        expected = expected - 0.01 * np.sqrt(1 - 0.9**count) / (1 - 0.5**count) * m / (np.sqrt(v) + 1e-8)
        moving = {"count": tf.constant(float(count)), "rate": tf.constant(0.01)}
        apply_gradients(STRATEGY, optimizer, [variable], [tf.constant(gradient, tf.float32)], **moving)
    np.testing.assert_allclose(variable, expected, rtol=1e-6)


def test_averages_follow_and_skipping_leaves_all_alone():
    variable, average = tf.Variable([1.0]), tf.Variable([1.0])
    optimizer = Adam([variable], 0.0, 0.0, 1e-8)
    moving = {"count": tf.constant(1.0), "rate": tf.constant(0.5), "averages": [average], "decay": tf.constant(0.75)}
    apply_gradients(STRATEGY, optimizer, [variable], [tf.constant([2.0])], skip=tf.constant(True), **moving)
    assert (float(variable[0]), float(average[0]), float(optimizer.slots["v"][0][0])) == (1.0, 1.0, 0.0)
    apply_gradients(STRATEGY, optimizer, [variable], [tf.constant([2.0])], skip=tf.constant(False), **moving)
    # Without decays Adam steps by the rate against the sign: 1 - 0.5; the average goes a quarter of the way.
    assert float(variable[0]) == pytest.approx(0.5) and float(average[0]) == pytest.approx(0.875)


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("constant", {0: 0.25, 3: 1.0, 4: 1.0, 104: 1.0}),
        ("linear", {1: 0.5, 4: 1.0, 54: 0.5, 104: 0.0}),
        ("cosine", {4: 1.0, 29: 0.5 * (1 + 0.5**0.5), 54: 0.5, 104: 0.0}),
        ("halving", {4: 1.0, 33: 1.0, 34: 0.5, 64: 0.25}),
    ],
)
def test_learning_rate_schedules(schedule, expected):
    config = TrainingConfig(
        learning_rate=1.0, learning_rate_schedule=schedule, learning_rate_warmup=4, halving_steps=30, max_steps=104
    )
    assert {step: learning_rate(config, step) for step in expected} == pytest.approx(expected, abs=1e-12)


def test_average_decay_rises_to_its_value():
    assert [average_decay(0.9, step) for step in (0, 8, 10_000)] == [0.1, 0.5, 0.9]
