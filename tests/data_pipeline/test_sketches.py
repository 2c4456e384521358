import numpy as np
import tensorflow as tf

from inpaint_tf.data.sketches import photo_edges


def test_a_step_is_one_thin_line():
    image = np.full((1, 40, 48, 3), -0.5, np.float32)
    image[:, :, 20:] = 0.5
    lines = photo_edges(tf.constant(image)).numpy()[0, ..., 0]
    # Between columns 19 and 20, one pixel wide in every row.
    assert np.all(lines.sum(axis=1) == 1) and set(np.argmax(lines, axis=1)) <= {19, 20}


def test_a_uniform_photo_has_no_lines_and_a_square_has_its_outline():
    assert not np.any(photo_edges(tf.fill((1, 32, 32, 3), 0.3)))
    image = np.zeros((1, 64, 64, 3), np.float32)
    image[:, 20:44, 20:44] = 1
    lines = photo_edges(tf.constant(image)).numpy()[0, ..., 0]
    assert 4 * 20 <= lines.sum() <= 4 * 26
    assert not lines[25:39, 25:39].any() and not lines[:17].any()


def test_xla_gives_the_same_lines():
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 24, 32, 3)), tf.float32)
    compiled = tf.function(photo_edges, jit_compile=True)(image)
    assert np.mean(compiled.numpy() != photo_edges(image).numpy()) < 0.01
