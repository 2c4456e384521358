"""Strips of pictures: the object stays to be seen before it goes, the flow has its legend."""

import types

import numpy as np
import pytest

from inpaint_tf.visualize.side_by_side import outline_hole, side_by_side, with_wheel


@pytest.fixture
def hole():
    pixels = np.zeros((200, 240), bool)
    pixels[50:150, 60:160] = True
    return pixels


def test_the_outline_leaves_the_object_to_be_seen(hole, rng):
    image = rng.integers(0, 256, (*hole.shape, 3), np.uint8)
    drawn = outline_hole(image, hole)
    assert np.array_equal(drawn[60:140, 70:150], image[60:140, 70:150])
    assert np.array_equal(drawn[:40], image[:40]) and (drawn[50, 60:160] == 255).all()


@pytest.mark.parametrize("corner", [(slice(-40, None), slice(-40, None)), (slice(-40, None), slice(0, 40))])
def test_the_wheel_is_in_a_corner_that_the_hole_leaves_free(hole, corner):
    white = np.full((*hole.shape, 3), 255, np.uint8)
    first = with_wheel(white, hole)
    taken = hole.copy()
    taken[-40:, -40:] = corner[1].start == 0
    marked = with_wheel(white, taken)
    assert (marked[corner] < 255).any() and np.array_equal(marked[40:160, 40:200], white[40:160, 40:200])
    assert (first[-40:, -40:] < 255).any()


def test_small_pictures_and_holes_everywhere_have_no_wheel(hole):
    white = np.full((*hole.shape, 3), 255, np.uint8)
    assert np.array_equal(with_wheel(white, np.ones_like(hole)), white)
    assert np.array_equal(with_wheel(white[:100], hole[:100]), white[:100])


def test_a_strip_of_two_pictures_without_flow(hole, rng):
    image = rng.integers(0, 256, (*hole.shape, 3), np.uint8)
    result = types.SimpleNamespace(completed=image[::-1], offsets=None, sources=None)
    made = side_by_side(image, hole, result)
    assert made.shape == (200, 2 * 240 + 8, 3) and np.array_equal(made[:, 248:], image[::-1])
