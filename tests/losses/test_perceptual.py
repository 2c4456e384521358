"""The perceptual loss by hand-made arithmetic, and where it looks."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.losses.perceptual import hole_centres, hole_crops, perceptual_loss, relative_difference, shrunk


def test_relative_difference_by_hand():
    target = [tf.constant([1.0, 3.0]), tf.constant([5.0])]
    other = [tf.constant([2.0, 3.0]), tf.constant([5.0])]
    # First layer: mean difference 0.5 over mean 2. Second: none. Mean of 0.25 and 0.
    assert float(relative_difference(target, other)) == 0.125
    assert float(relative_difference([tf.zeros([2])], [tf.ones([2])])) == 0


def test_perceptual_loss_takes_the_first_layers_and_moves_the_fill_only():
    target, completed = tf.fill([1, 4, 4, 3], 0.5), tf.fill([1, 4, 4, 3], 0.25)
    with tf.GradientTape() as tape:
        tape.watch([target, completed])
        loss = perceptual_loss(lambda x: [x, 2 * x, x * 0], target, completed, layers=2)
    assert float(loss) == pytest.approx(0.5)
    to_target, to_completed = tape.gradient(loss, [target, completed])
    assert to_target is None
    # Both layers: -1 / (48 values * mean 0.5), halved and added.
    np.testing.assert_allclose(to_completed, np.full((1, 4, 4, 3), -1 / 24), rtol=1e-6)


def test_hole_centres_are_centres_of_mass():
    mask = np.zeros((2, 8, 8, 1), np.float32)
    mask[0, 2:4, 4:8] = 1
    np.testing.assert_allclose(hole_centres(tf.constant(mask)), [[3, 6], [0, 0]])


@pytest.mark.parametrize("shift, corner", [(None, 48), (0.0, 32), (0.5, 48), (0.999, 64)])
def test_crops_lie_around_the_hole_and_move_with_the_shift(shift, corner):
    mask = np.zeros((1, 256, 256, 1), np.float32)
    mask[:, 64:192, 64:192] = 1
    rows = tf.broadcast_to(tf.range(256.0)[tf.newaxis, :, tf.newaxis, tf.newaxis], [2, 256, 256, 1])
    (crop,) = hole_crops([rows], tf.constant(mask), None if shift is None else tf.fill([2, 2], shift))
    assert crop.shape == (2, 160, 160, 1)
    assert crop.numpy()[0, 0, 0, 0] == corner and crop.numpy()[1, -1, -1, 0] == corner + 159


def test_crops_stay_inside_the_image():
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, :2, 62:] = 1
    rows = tf.broadcast_to(tf.range(64.0)[tf.newaxis, :, tf.newaxis, tf.newaxis], [1, 64, 64, 1])
    (crop,) = hole_crops([rows], tf.constant(mask), tf.zeros([1, 2]))
    # Five eighths of 64 are 40, rounded up to 48.
    assert crop.shape == (1, 48, 48, 1) and crop.numpy()[0, 0, 0, 0] == 0
    (columns,) = hole_crops([tf.transpose(rows, [0, 2, 1, 3])], tf.constant(mask), tf.zeros([1, 2]))
    assert columns.numpy()[0, 0, 0, 0] == 64 - 48 - 0


def test_shrunk_takes_means_of_squares_and_leaves_factor_one_alone():
    image = tf.reshape(tf.range(30.0), [1, 5, 6, 1])
    # Rows 0 and 1, columns 0 and 1: 0, 1, 6, 7. The fifth row is left over.
    np.testing.assert_allclose(shrunk(image, 2)[0, :, :, 0], [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])
    assert shrunk(image, 1) is image
