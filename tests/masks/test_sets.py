"""Kinds of holes and their boxes."""

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.masks.sets import area_bin, bounding_box, brush_hole, center_hole, training_box_hole


def test_center_hole_of_the_protocols():
    hole = center_hole(256, 256)
    assert hole.box == (64, 64, 128, 128)
    assert hole.pixels[64:192, 64:192].all() and hole.pixels.sum() == 128 * 128
    assert hole.area == 0.25


def test_training_boxes_have_the_papers_ranges(rng):
    holes = [training_box_hole(256, 256, rng) for _ in range(2000)]
    corners = np.array([hole.box[:2] for hole in holes])
    # Uniform integers in [0, 128): both ends turn up in 2000 draws (chance of missing one: 1.5e-7).
    assert corners.min() == 0 and corners.max() == 127
    inner = [bounding_box(hole.pixels) for hole in holes]
    sides = np.array([box[2:] for box in inner])
    assert set(sides.ravel()) == set(range(96, 129, 2))
    # One margin for top and bottom, another for left and right.
    assert not np.array_equal(sides[:, 0], sides[:, 1])
    for hole, box in zip(holes, inner, strict=True):
        assert hole.box[2:] == (128, 128)
        assert box[0] - hole.box[0] == (128 - box[2]) / 2 and box[1] - hole.box[1] == (128 - box[3]) / 2
        assert hole.pixels.sum() == box[2] * box[3]


def test_a_box_that_just_fits_and_one_that_does_not(rng):
    assert training_box_hole(128, 128, rng).box == (0, 0, 128, 128)
    with pytest.raises(UserError, match="100x127"):
        training_box_hole(127, 100, rng)


def test_brush_holes_have_their_bounding_box(rng):
    hole = brush_hole(100, 140, rng, (0.1, 0.3))
    top, left, height, width = hole.box
    inside = hole.pixels[top : top + height, left : left + width]
    assert inside.sum() == hole.pixels.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_bounding_box_of_nothing():
    assert bounding_box(np.zeros((3, 4), bool)) == (0, 0, 0, 0)


@pytest.mark.parametrize("share, name", [(0, "0.0-0.1"), (0.1, "0.1-0.2"), (0.25, "0.2-0.3"), (0.5, "0.5-1.0")])
def test_area_bins_include_their_lower_end(share, name):
    assert area_bin(share) == name
