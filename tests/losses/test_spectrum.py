"""Local spectra: what they are blind to and what they see."""

import math

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.losses.spectrum import BLOCK, FLOOR, cosine_basis, local_energies, opponent_colours, spectrum_loss


def noise(scale=1.0):
    return tf.random.stateless_normal([1, 96, 96, 1], [3, 4]) * scale * tf.ones([1, 1, 1, 3])


def test_the_basis_is_orthonormal_and_has_no_mean():
    vectors = cosine_basis(4).reshape(16, 15)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(15), atol=1e-6)
    np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-6)


def test_energy_of_stripes_by_hand():
    # Columns of +a and -a. Of the horizontal frequencies of a block of 8, the highest has the most of them:
    # sum over x of (-1)^x cos(pi (x + 1/2) 7 / 8) = 5.126, times sqrt(2 / 8) and 8 rows times 1 / sqrt(8), squared.
    amplitude = 0.1
    stripes = tf.reshape(amplitude * (-1.0) ** tf.range(96.0), [1, 1, 96, 1]) * tf.ones([1, 96, 1, 3])
    sum_of_cosines = sum((-1) ** x * math.cos(math.pi * (x + 0.5) * 7 / 8) for x in range(8))
    energies = local_energies(stripes).numpy()
    assert energies.shape == (1, 4, 4, 3 * (BLOCK**2 - 1))
    # Frequency (0, 7) is number 7, number 6 without the mean.
    assert energies[0, 1, 1, 6] == pytest.approx((amplitude * sum_of_cosines * 0.5 * math.sqrt(8)) ** 2, rel=1e-4)
    # No vertical frequency has any, and no colour.
    assert energies[..., 7:].max() < 1e-8


def test_opponent_colours_by_hand():
    pixel = tf.constant([0.6, 0.2, 0.1], shape=[1, 1, 1, 3])
    np.testing.assert_allclose(opponent_colours(pixel)[0, 0, 0], [0.3, 0.4, -0.3], rtol=1e-5)


def test_grain_of_colour_is_seen_where_brightness_has_none():
    grey = noise(0.1)
    # Red up and green down by the same: the mean stays.
    grain = noise(0.05) * tf.constant([1.0, -1.0, 0.0])
    assert float(spectrum_loss(grey, grey + grain)) > 0.5


def test_twice_the_contrast_is_four_times_the_energy():
    # Far above the floor: log 4 of the brightness, and nothing of two colours that are not there.
    assert float(spectrum_loss(noise(), noise(2.0))) == pytest.approx(math.log(4) / 3, rel=1e-3)
    assert float(spectrum_loss(noise(), noise())) == 0
    # Below the floor nothing is seen: log((4 e + f) / (e + f)) is small.
    faint = math.sqrt(FLOOR) / 100
    assert float(spectrum_loss(noise(faint), noise(2 * faint))) < 1e-3


def test_a_shift_costs_nothing_and_a_mesh_much():
    field = tf.random.stateless_normal([1, 98, 98, 1], [3, 4]) * 0.1 * tf.ones([1, 1, 1, 3])
    photo, shifted = field[:, :96, :96], field[:, 2:, 2:]
    assert float(tf.reduce_mean(tf.abs(photo - shifted))) > 0.1
    energy = float(tf.reduce_mean(photo**2))
    lines = 0.5 * (
        tf.reshape((-1.0) ** tf.range(96.0), [1, 1, 96, 1]) + tf.reshape((-1.0) ** tf.range(96.0), [1, 96, 1, 1])
    )
    mesh = lines * math.sqrt(2 * energy) * tf.ones([1, 1, 1, 3])
    assert float(tf.reduce_mean(mesh**2)) == pytest.approx(energy, rel=1e-4)
    assert float(spectrum_loss(photo, shifted)) < 0.1
    assert float(spectrum_loss(photo, mesh)) > 0.7


def test_only_the_fill_is_moved():
    photo, fill = noise(0.1), noise(0.05)
    with tf.GradientTape() as tape:
        tape.watch([photo, fill])
        loss = spectrum_loss(photo, fill)
    to_photo, to_fill = tape.gradient(loss, [photo, fill])
    assert to_photo is None and float(tf.reduce_sum(to_fill * fill)) < 0
