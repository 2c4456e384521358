"""Copies of the few colours that a screenshot or a drawing is made of."""

import numpy as np
import pytest

from inpaint_tf.inference.guided_patches import fill_with_patches
from inpaint_tf.inference.plain_areas import common_colours, plain_share

PAGE, BAR = (245, 248, 250), (30, 60, 120)


def page(height=120, width=160):
    """A page with a bar across its top, uint8 [H, W, 3]."""
    image = np.full((height, width, 3), PAGE, np.uint8)
    image[:20] = BAR
    return image


def packed(colour):
    return (colour[0] << 16) + (colour[1] << 8) + colour[2]


def test_colours_that_make_up_a_tenth_of_what_is_known():
    image, known = page(100, 100), np.ones((100, 100), bool)
    image[20:25] = 0  # A twentieth.
    assert common_colours(image, known).tolist() == sorted([packed(BAR), packed(PAGE)])
    known[:20] = False
    assert common_colours(image, known).tolist() == [packed(PAGE)]
    assert common_colours(image, np.zeros_like(known)).size == 0
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    assert common_colours(noise, np.ones_like(known)).size == 0


def test_copies_stay_where_their_neighbourhood_is_of_one_common_colour():
    image = page()
    image[60, 80] = 0
    share = plain_share(image, common_colours(image, np.ones(image.shape[:2], bool)), np.zeros(image.shape, np.float32))
    assert share[40, 80] == share[5, 5] == 1 and share[19, 80] == share[20, 80] == share[60, 80] == 0
    assert 0 < share[60, 84] < 1 and share[60, 86] == 1
    rare = plain_share(image, np.array([packed((1, 2, 3))], np.uint32), np.zeros(image.shape, np.float32))
    assert not rare.any()


@pytest.mark.parametrize("levels, expected", [(16, 1.0), (-32, 0.5), (48, 0.0), (100, 0.0)])
def test_what_the_network_wants_very_different_is_not_plain(levels, expected):
    image = page()
    correction = np.zeros(image.shape, np.float32)
    correction[..., 1] = levels
    share = plain_share(image, common_colours(image, np.ones(image.shape[:2], bool)), correction)
    assert share[60, 80] == pytest.approx(expected)


def test_a_page_is_filled_without_a_ghost():
    image, hole = page(), np.zeros((120, 160), bool)
    hole[50:90, 60:110] = True
    network = image.copy()
    network[hole] = np.array(PAGE) - np.random.default_rng(0).integers(0, 12, (int(hole.sum()), 1))
    assert np.array_equal(fill_with_patches(network, hole).completed, image)
    # Paper is not plain: its grain stays, and what the network knows of its shade.
    paper = np.uint8(np.clip(image + np.random.default_rng(1).normal(0, 3, image.shape), 0, 255))
    network = paper.copy()
    network[hole] = np.array(PAGE) - 20
    filled = fill_with_patches(network, hole).completed
    assert filled[hole].mean() < paper[hole].mean() - 5
