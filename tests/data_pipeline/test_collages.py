"""Pictures of two halves and the sketch of their edge."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data.collages import collage

SEED = (5, 8)


@pytest.fixture(scope="module")
def photos():
    # Dark photos: what lies beyond the curve is mostly of another brightness.
    return tf.constant(np.random.default_rng(0).uniform(-0.3, -0.2, (6, 64, 64, 3)), tf.float32)


def test_one_side_stays_and_the_line_is_where_the_sides_meet(photos):
    pictures, sketch = (x.numpy() for x in collage(photos, SEED, 6))
    assert pictures.shape == photos.shape and sketch.shape == (6, 64, 64, 1)
    assert set(np.unique(sketch)) == {0, 1} and np.abs(pictures).max() <= 1
    # The side that stays is the photo with less contrast: within what the photo spans.
    same = ((pictures > -0.31) & (pictures < -0.19)).all(axis=-1)
    for kept, lines in zip(same, sketch[..., 0] > 0):
        assert 0 < kept.mean() < 1
        down, right = kept[1:] != kept[:-1], kept[:, 1:] != kept[:, :-1]
        # Every step between the sides touches a line, and every line is next to a step.
        assert (lines[1:] | lines[:-1])[down].all() and (lines[:, 1:] | lines[:, :-1])[right].all()
        near = np.zeros_like(kept)
        for y, x in (*np.argwhere(down), *np.argwhere(right)):
            near[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4] = True
        assert near[lines].all()


def test_workers_that_share_a_batch_draw_the_same(photos):
    whole = collage(photos, SEED, 6)
    for first in (0, 2, 4):
        part = collage(photos[first : first + 2], SEED, 6, first)
        for own, expected in zip(part, whole):
            np.testing.assert_array_equal(own, expected[first : first + 2])


def test_the_sides_differ_more_in_lightness_than_in_colour():
    grey = tf.zeros((64, 32, 32, 3))
    pictures = collage(grey, SEED, 64)[0].numpy()
    beyond = pictures[(pictures != 0).any(axis=-1)]
    lightness = beyond.mean(axis=-1)
    assert np.abs(lightness).mean() > 2 * np.abs(beyond - lightness[:, np.newaxis]).mean()
    assert lightness.min() < -0.4 and lightness.max() > 0.4
