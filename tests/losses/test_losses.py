"""The losses by hand-made arithmetic."""

import math

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.losses import (
    ADVERSARIAL_LOSSES,
    discounted_l1,
    gradient_penalty,
    hole_discount,
    interpolate,
    known_region_l1,
    mean_l2,
    spatial_discount,
    weighted_l1,
)
from inpaint_tf.losses.gradient_penalty import safe_root


def test_spatial_discount_counts_from_both_borders():
    weights = spatial_discount(4, 6, 0.5)
    assert weights.shape == (1, 4, 6, 1)
    # Row 2 is 2 from either border, column 3 is 3 from either: max(0.5^2, 0.5^3).
    assert weights[0, 2, 3, 0] == 0.25
    # The last row is 1 from one past the end, the first is 0 from itself.
    assert weights[0, 3, 3, 0] == 0.5
    assert (weights[0, 0] == 1).all() and (weights[0, :, 0] == 1).all()
    assert (spatial_discount(8, 8, 1.0) == 1).all()


def test_discounted_l1_divides_by_the_number_of_values():
    target, output = tf.zeros([1, 2, 2, 3]), tf.fill([1, 2, 2, 3], 0.5)
    weights = tf.constant([[1.0, 0.5], [0.5, 0.0]])[tf.newaxis, :, :, tf.newaxis]
    # 0.5 * (1 + 0.5 + 0.5 + 0) / 4
    assert float(discounted_l1(target, output, weights)) == 0.25


def test_known_region_l1_sees_known_pixels_only():
    target = tf.zeros([2, 2, 2, 3])
    mask = tf.constant([[1.0, 0.0], [0.0, 0.0]])[tf.newaxis, :, :, tf.newaxis]
    output = tf.where(mask > 0, 9.0, 0.25) * tf.ones_like(target)
    assert float(known_region_l1(target, output, mask)) == pytest.approx(0.25)
    assert float(known_region_l1(target, output, tf.ones_like(mask))) == 0.0


def test_hole_discount_counts_from_known_pixels_of_row_and_column():
    mask = np.zeros((1, 7, 9, 1), np.float32)
    mask[:, 1:6, 2:9] = 1
    weights = hole_discount(tf.constant(mask), 0.5).numpy()[0, ..., 0]
    assert (weights[mask[0, ..., 0] == 0] == 0).all()
    # Next to known pixels above, at the left; in the middle 2 from either; the image's right border is none.
    assert weights[1, 4] == 1 and weights[4, 2] == 1 and weights[3, 4] == 0.25 and weights[3, 8] == 0.25
    assert weights[4, 8] == 0.5


def test_hole_discount_is_that_of_the_box_but_for_the_last_row_and_column():
    mask = np.zeros((1, 12, 12, 1), np.float32)
    mask[:, 2:10, 2:10] = 1
    weights = hole_discount(tf.constant(mask), 0.9).numpy()[:, 2:10, 2:10]
    # The authors count from one past the end; this one is the same from either side.
    np.testing.assert_allclose(weights[:, :4, :4], spatial_discount(8, 8, 0.9)[:, :4, :4], rtol=1e-6)
    np.testing.assert_array_equal(weights, weights[:, ::-1, ::-1])


def test_hole_discount_of_everything_is_finite():
    weights = hole_discount(tf.ones([1, 8, 8, 1]), 0.9).numpy()
    assert np.isfinite(weights).all() and (weights > 0).all()


def test_weighted_l1_is_a_mean_over_weights():
    weights = tf.constant([[1.0, 0.5], [0.5, 0.0]])[tf.newaxis, :, :, tf.newaxis]
    output = tf.constant([[1.0, 2.0], [4.0, 9.0]])[tf.newaxis, :, :, tf.newaxis] * tf.ones([2, 2, 2, 3])
    # (1 + 1 + 2) / 2
    assert float(weighted_l1(tf.zeros([2, 2, 2, 3]), output, weights)) == 2.0
    assert float(weighted_l1(output, output + 1, tf.zeros_like(weights))) == 0.0


def test_mean_l2_of_the_hole():
    mask = tf.constant([[1.0, 0.0]])[tf.newaxis, :, :, tf.newaxis]
    output = tf.constant([[2.0, 7.0]])[tf.newaxis, :, :, tf.newaxis]
    assert float(mean_l2(tf.zeros_like(output), output, mask)) == 4.0
    assert float(mean_l2(tf.zeros_like(output), output)) == 26.5


# Scores of real: 2, 0; of fake: -1, 3.
SOFTPLUS = {x: math.log1p(math.exp(x)) for x in (-3, -2, -1, 0, 1, 3)}
EXPECTED = {
    "wgan": (1 - 1, -1),
    "bce": ((SOFTPLUS[-2] + SOFTPLUS[0]) / 2 + (SOFTPLUS[-1] + SOFTPLUS[3]) / 2, (SOFTPLUS[1] + SOFTPLUS[-3]) / 2),
    "non_saturating": (
        (SOFTPLUS[-2] + SOFTPLUS[0]) / 2 + (SOFTPLUS[-1] + SOFTPLUS[3]) / 2,
        (SOFTPLUS[1] + SOFTPLUS[-3]) / 2,
    ),
    "least_squares": (0.5 * (1 + 1) / 2 + 0.5 * (1 + 9) / 2, 0.5 * (4 + 4) / 2),
    "hinge": (0.5 * (0 + 1) / 2 + 0.5 * (0 + 4) / 2, -1),
}


def test_every_adversarial_loss_has_an_expectation():
    assert set(EXPECTED) == set(ADVERSARIAL_LOSSES)


@pytest.mark.parametrize("name", EXPECTED)
def test_adversarial_losses(name):
    real, fake = tf.constant([[2.0], [0.0]]), tf.constant([[-1.0], [3.0]])
    critic, generator = EXPECTED[name]
    assert float(ADVERSARIAL_LOSSES[name].critic(real, fake)) == pytest.approx(critic, abs=1e-6)
    assert float(ADVERSARIAL_LOSSES[name].generator(fake)) == pytest.approx(generator, abs=1e-6)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_generator_gains_when_fakes_score_higher_and_the_critic_loses(name):
    loss = ADVERSARIAL_LOSSES[name]
    low, high, real = tf.constant([[0.1]]), tf.constant([[0.5]]), tf.constant([[0.2]])
    assert float(loss.generator(high)) < float(loss.generator(low))
    assert float(loss.critic(real, high)) > float(loss.critic(real, low))


def test_interpolate_uses_one_number_a_sample():
    points = interpolate(tf.zeros([2, 1, 2, 1]), tf.fill([2, 1, 2, 1], 4.0), tf.constant([[0.25], [1.0]]))
    np.testing.assert_array_equal(points[:, 0, :, 0], [[1, 1], [4, 4]])


def test_gradient_penalty_looks_at_the_hole_only():
    # D(x) = 3 x0 + 4 x1 + 100 x2 and a hole over x0 and x1: the norm is 5, (5 - 1)^2 = 16.
    slope = tf.Variable([3.0, 4.0, 100.0])
    mask = tf.constant([1.0, 1.0, 0.0])[tf.newaxis, tf.newaxis, :, tf.newaxis]

    def critic(x):
        return tf.reduce_sum(x[:, 0, :, :] * slope[tf.newaxis, :, tf.newaxis], axis=1)

    with tf.GradientTape() as tape:
        penalty = gradient_penalty(critic, tf.random.stateless_normal([2, 1, 3, 1], [0, 1]), mask)
    assert float(penalty) == 16.0
    # d/ds (|s| - 1)^2 = 2 (|s| - 1) s / |s|.
    np.testing.assert_allclose(tape.gradient(penalty, slope), [8 * 3 / 5, 8 * 4 / 5, 0], rtol=1e-6)


def test_gradient_penalty_of_a_flat_critic_is_one_and_finite():
    slope = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(
            lambda x: tf.reduce_sum(x * slope, [1, 2]), tf.ones([1, 2, 2, 1]), tf.ones([1, 2, 2, 1])
        )
    assert float(penalty) == 1.0
    assert float(tape.gradient(penalty, slope)) == 0.0


def test_safe_root_has_the_values_of_the_root():
    x = tf.constant([0.0, 1e-30, 1e-7, 2.0, 1e9])
    np.testing.assert_array_equal(safe_root(x), tf.sqrt(x))
