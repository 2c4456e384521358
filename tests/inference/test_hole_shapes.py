"""Wider holes, soft edges, new borders."""

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.inference.hole_shapes import Margins, extended, feathered, grown


def dot(height=21, width=25):
    hole = np.zeros((height, width), bool)
    hole[10, 12] = True
    return hole


def test_a_grown_dot_is_a_disc():
    disc = grown(dot(), 5)
    rows, columns = np.nonzero(disc)
    assert disc[10, 17] and disc[5, 12] and not disc[10, 18]
    assert np.hypot(rows - 10, columns - 12).max() <= 5
    assert np.array_equal(grown(disc, 0), disc)
    assert grown(disc, -3).sum() < 20 and grown(disc, -3)[10, 12]
    assert not grown(np.zeros((5, 5), bool), 4).any()


def test_a_feathered_fill_fades_and_leaves_what_is_further_away():
    hole = dot()
    image, completed = np.full((21, 25, 3), 200, np.uint8), np.zeros((21, 25, 3), np.uint8)
    completed[~grown(hole, 4)] = 200
    soft = feathered(image, completed, hole, 4)
    row = soft[10, 12:18, 0].astype(int)
    assert row[0] == 0 and (np.diff(row) > 0)[:4].all() and row[4] == 160
    assert np.array_equal(soft[~grown(hole, 4)], image[~grown(hole, 4)])
    assert feathered(image, completed, hole, 0) is completed


def test_new_borders_are_hole():
    image = np.full((4, 5, 3), 9, np.uint8)
    own = np.zeros((4, 5), bool)
    own[0, 0] = True
    larger, hole = extended(image, Margins(2, 1, 3, 0), own)
    assert larger.shape == (5, 10, 3) and hole.shape == (5, 10)
    assert (larger[1:, 2:7] == 9).all() and hole[1, 2] and not hole[1:, 3:7].any()
    assert hole[0].all() and hole[:, :2].all() and hole[:, 7:].all()


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,x", "-1,0,0,5", "1.5,0,0,0"])
def test_unusable_margins_are_named(text):
    with pytest.raises(UserError, match="LEFT,TOP,RIGHT,BOTTOM"):
        Margins.parse(text)
    with pytest.raises(UserError, match="adds nothing"):
        Margins.parse("0,0,0,0")
    assert Margins.parse("1,2, 3,0") == (1, 2, 3, 0)
