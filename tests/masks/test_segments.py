"""Masks after other papers' settings: their statistics, not their bits."""

import cv2
import numpy as np
import pytest

from inpaint_tf.masks.segments import LAMA, BoxLaw, SegmentLaw, large_mask, segment_mask, shrunk_box_mask


def masks(make, count, size=256):
    return [make(size, size, np.random.default_rng((7, number))) for number in range(count)]


def law(name, size=256):
    return lambda height, width, random: segment_mask(height, width, random, LAMA[name, size])


def thickness(mask):
    """Largest distance to a known pixel, doubled."""
    return 2 * cv2.distanceTransform(np.uint8(np.pad(mask, 1)), cv2.DIST_L2, 5).max()


@pytest.mark.parametrize("size", [256, 512])
def test_thin_medium_and_thick_grow_in_this_order(size):
    names = "thin", "medium", "thick"
    widths = [np.mean([thickness(mask) for mask in masks(law(name, size), 60, size)]) for name in names]
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize("name, low, high", [("thin", 0.05, 0.3), ("medium", 0.1, 0.3), ("thick", 0.15, 0.4)])
def test_mean_area_lies_in_its_range(name, low, high):
    areas = [mask.mean() for mask in masks(law(name), 200)]
    assert low < np.mean(areas) < high
    assert min(areas) > 0 and max(areas) <= 0.5


def test_segments_are_as_thin_as_the_law_says():
    # One segment: 5 to 14 px wide, 10 to 49 long.
    one = SegmentLaw((1, 1), width=10, length=40)
    widths = [thickness(mask) for mask in masks(lambda h, w, random: segment_mask(h, w, random, one), 100)]
    assert min(widths) >= 4 and max(widths) <= 24  # Corners where segments meet are thicker.


def test_three_masks_in_thirteen_are_boxes():
    filled = 0
    for mask in masks(law("medium"), 400):
        # A union of boxes has edges along the axes only: its outline hardly ever steps diagonally.
        contours, _ = cv2.findContours(np.uint8(mask), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        steps = np.concatenate([np.abs(np.diff(np.concatenate([c, c[:1]])[:, 0], axis=0)) for c in contours])
        filled += bool((steps.sum(axis=1) == 1).mean() > 0.98)
    assert 0.15 < filled / 400 < 0.32  # 0.3 / 1.3 = 0.23.


def test_boxes_keep_their_margin_and_size():
    boxes = BoxLaw((1, 1), (30, 150), margin=10, weight=1e9)
    only = SegmentLaw((1, 1), width=1, length=1, boxes=boxes)
    for mask in masks(lambda h, w, random: segment_mask(h, w, random, only), 50):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert rows[0] >= 10 and rows[-1] < 246 and columns[0] >= 10 and columns[-1] < 246
        assert 30 <= len(rows) <= 150 and 30 <= len(columns) <= 150 and mask.sum() == len(rows) * len(columns)


def test_large_masks_are_large_and_leave_something():
    areas = [mask.mean() for mask in masks(large_mask, 100)]
    assert 0.4 < np.mean(areas) < 0.8 and min(areas) > 0 and max(areas) < 1


def test_shrunk_boxes():
    for mask in masks(shrunk_box_mask, 50):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert 88 <= len(rows) <= 128 and 88 <= len(columns) <= 128
        assert rows[0] >= 20 and rows[-1] < 236 and columns[0] >= 20 and columns[-1] < 236


def test_a_law_that_cannot_be_met_says_so():
    with pytest.raises(ValueError, match="no mask of at most 0%"):
        segment_mask(64, 64, np.random.default_rng(0), SegmentLaw((4, 5), width=50, length=100, most_area=1e-9))
