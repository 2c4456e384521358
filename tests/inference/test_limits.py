"""Fills within the range of what surrounds them."""

import numpy as np
import pytest

from inpaint_tf.inference.limits import within_surroundings


def disc(size, radius):
    y, x = np.mgrid[:size, :size] - size // 2
    return y**2 + x**2 < radius**2


@pytest.mark.parametrize("radius", [2, 9, 40])
def test_a_plain_photo_stays_plain(radius):
    image = np.full((97, 97, 3), [1.0, 0.25, -1.0], np.float32)
    hole = disc(97, radius)
    filled = image + np.random.default_rng(0).normal(0, 0.1, image.shape).astype(np.float32)
    result = within_surroundings(image, hole, filled)
    np.testing.assert_array_equal(result[hole], image[hole])
    # What lies outside is not looked at.
    np.testing.assert_array_equal(result[~hole], filled[~hole])


def test_the_limits_are_the_extremes_of_known_pixels_around():
    image = np.zeros((41, 41, 3), np.float32)
    image[20, 10], image[20, 2] = -0.5, -0.9  # 10 and 18 pixels from the hole's only pixel, which looks 14 around
    hole = np.zeros((41, 41), bool)
    hole[20, 20] = True
    for value, expected in ((-0.7, -0.5), (-0.4, -0.4), (0.1, 0.0)):
        result = within_surroundings(image, hole, np.full_like(image, value))
        np.testing.assert_allclose(result[20, 20], expected)


def test_deep_in_a_hole_what_lies_farther_away_counts():
    """Compared with a direct search at every pixel's own distance, the limits are never narrower."""
    rng = np.random.default_rng(3)
    image = rng.uniform(-1, 1, (70, 90, 3)).astype(np.float32)
    hole = np.zeros((70, 90), bool)
    hole[10:61, 20:85] = True
    far = within_surroundings(image, hole, np.full_like(image, 5.0))
    for y, x in ((12, 22), (20, 40), (35, 50), (58, 60)):
        depth = min(y - 9, 61 - y, x - 19, 85 - x)
        around = 2 * depth + 6
        place = np.s_[max(y - around, 0) : y + around + 1, max(x - around, 0) : x + around + 1]
        assert (far[y, x] >= image[place][~hole[place]].max(axis=0)).all()
    assert (far[hole] <= 1).all()


@pytest.mark.parametrize("hole", [np.zeros((9, 9), bool), np.ones((9, 9), bool)])
def test_without_hole_or_surroundings_nothing_changes(hole):
    filled = np.full((9, 9, 3), 0.5, np.float32)
    np.testing.assert_array_equal(within_surroundings(np.zeros_like(filled), hole, filled), filled)
