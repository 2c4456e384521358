"""Free-form masks against those of the authors' generator (statistics; the random draws are not theirs)."""

import pathlib

import cv2
import numpy as np
import pytest

from inpaint_tf.masks.brush import BrushOptions, brush_mask, brush_mask_of_area
from inpaint_tf.masks.sets import bounding_box

AUTHORS = pathlib.Path(__file__).parents[1] / "data" / "brush_masks_authors_v2.npz"


def stroke_width(mask):
    """Twice the mean distance of hole pixels from the known region: grows with the brush's width."""
    return 2 * cv2.distanceTransform(np.uint8(mask), cv2.DIST_L2, 5)[mask].mean()


@pytest.fixture(scope="module")
def ours():
    random = np.random.default_rng(0)
    return [brush_mask(256, 256, random) for _ in range(200)]


@pytest.fixture(scope="module")
def authors():
    with np.load(AUTHORS) as arrays:
        return np.unpackbits(arrays["mask_256x256_seed0to5"], axis=-1).astype(bool)


@pytest.mark.parametrize("statistic", [np.mean, stroke_width])
def test_area_and_stroke_width_are_the_authors(ours, authors, statistic):
    our_values, their_values = ([statistic(mask) for mask in masks] for masks in (ours, authors))
    standard_error = np.std(our_values) / np.sqrt(len(their_values))
    assert abs(np.mean(our_values) - np.mean(their_values)) < 2.5 * standard_error
    # The spread too, within the factor of 2 that six masks allow.
    assert 0.5 < np.std(our_values) / np.std(their_values) < 2


def test_wide_images_have_no_empty_masks(rng):
    assert all(brush_mask(192, 320, rng).any() for _ in range(200))


def test_a_stroke_is_as_wide_as_its_brush(rng):
    # One segment of (nearly) no length is a disc: its diameter is the brush's.
    options = BrushOptions(strokes=(1, 1), vertices=(1, 1), width=(20, 20), length=1e-9)
    measured = []
    for _ in range(20):
        top, left, height, width = bounding_box(brush_mask(400, 400, rng, options))
        if top > 0 and left > 0 and top + height < 400 and left + width < 400:
            measured += [height, width]
    assert len(measured) > 20 and all(19 <= side <= 22 for side in measured)


def test_strokes_zigzag_from_left_to_right(rng):
    # The turning angle of 72 degrees on average moves cos(72) = 0.31 of a segment to the right and 0.95 up or down.
    options = BrushOptions(strokes=(1, 1), vertices=(6, 6), width=(3, 3))
    spans = []
    for _ in range(40):
        rows, columns = np.nonzero(brush_mask(2000, 2000, rng, options))
        spans.append((np.ptp(rows), np.ptp(columns)))
    rise, run = np.mean(spans, axis=0)
    length = 2000 * np.sqrt(2) / 8
    assert 6 * length * 0.15 < run < 6 * length * 0.5
    assert rise < 3 * length


@pytest.mark.parametrize("low, high", [(0.0, 0.1), (0.2, 0.3), (0.4, 0.5)])
def test_area_is_met(low, high, rng):
    for _ in range(5):
        assert low <= brush_mask_of_area(256, 256, low, high, rng).mean() < high


def test_ranges_that_cannot_be_met(rng):
    with pytest.raises(ValueError, match="low < high"):
        brush_mask_of_area(64, 64, 0.3, 0.2, rng)
    with pytest.raises(ValueError, match="no brush mask"):
        brush_mask_of_area(16, 16, 1e-9, 2e-9, rng)


def test_a_seed_fixes_the_mask():
    first, again, other = (brush_mask(64, 96, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
