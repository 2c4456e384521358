"""Fills within the range of what surrounds them."""

import numpy as np
import pytest

from inpaint_tf.inference.limits import within_surroundings
from inpaint_tf.pixels import to_float


def disc(size, radius):
    y, x = np.mgrid[:size, :size] - size // 2
    return y**2 + x**2 < radius**2


@pytest.mark.parametrize("radius", [2, 9, 40])
def test_a_plain_photo_stays_plain(radius):
    image = np.full((97, 97, 3), [255, 80, 0], np.uint8)
    hole = disc(97, radius)
    filled = to_float(image) + np.random.default_rng(0).normal(0, 0.1, image.shape).astype(np.float32)
    result = within_surroundings(image, hole, filled)
    np.testing.assert_array_equal(result[hole], to_float(image)[hole])
    # What lies outside is not looked at.
    np.testing.assert_array_equal(result[~hole], filled[~hole])


def test_the_limits_are_the_extremes_of_known_pixels_around():
    image = np.full((41, 41, 3), 100, np.uint8)
    image[20, 10], image[20, 2] = 50, 10  # 10 and 18 pixels from the hole's only pixel, which looks 14 around
    hole = np.zeros((41, 41), bool)
    hole[20, 20] = True
    for value, expected in ((20, 50), (60, 60), (110, 100)):
        result = within_surroundings(image, hole, to_float(np.full_like(image, value)))
        np.testing.assert_array_equal(result[20, 20], to_float(np.full(3, expected, np.uint8)))


def test_deep_in_a_hole_what_lies_farther_away_counts():
    """Compared with a direct search at every pixel's own distance, the limits are never narrower."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 250, (70, 90, 3)).astype(np.uint8)
    hole = np.zeros((70, 90), bool)
    hole[10:61, 20:85] = True
    far = within_surroundings(image, hole, np.full(image.shape, 1.0, np.float32))
    known = np.where(hole[..., np.newaxis], np.float32(-1), to_float(image))
    for y, x in ((12, 22), (20, 40), (35, 50), (58, 60)):
        depth = min(y - 9, 61 - y, x - 19, 85 - x)
        around = 2 * depth + 6
        place = np.s_[max(y - around, 0) : y + around + 1, max(x - around, 0) : x + around + 1]
        assert (far[y, x] >= known[place].max(axis=(0, 1))).all()
    assert (far[hole] <= known.max()).all()


@pytest.mark.parametrize("hole", [np.zeros((9, 9), bool), np.ones((9, 9), bool)])
def test_without_hole_or_surroundings_nothing_changes(hole):
    filled = np.full((9, 9, 3), 0.5, np.float32)
    np.testing.assert_array_equal(within_surroundings(np.zeros((9, 9, 3), np.uint8), hole, filled), filled)
