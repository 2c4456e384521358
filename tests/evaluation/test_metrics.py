"""The measures by hand-made arithmetic, and against TensorFlow's own SSIM."""

import math

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.evaluation.metrics import (
    METRICS,
    PSNR_CAP,
    l1_terms,
    l2_terms,
    measure,
    ms_ssim_terms,
    peak_signal_to_noise,
    regions,
    seam_terms,
    ssim_terms,
    tv_terms,
)
from inpaint_tf.masks.sets import Hole, center_hole

# One row of three pixels, one channel; the region is the last two.
ORIGINAL = np.array([[[0.2], [0.5], [0.3]]])
COMPLETED = np.array([[[0.2], [0.75], [0.1]]])
REGION = np.array([[False, True, True]])
EVERYWHERE = np.ones((1, 3), bool)


def quotient(terms):
    return terms[0] / terms[1]


def test_l1():
    # Errors 0.25 and 0.2 on originals 0.5 and 0.3.
    assert quotient(l1_terms(ORIGINAL, COMPLETED, REGION)) == pytest.approx(0.45 / 2)
    assert quotient(l1_terms(ORIGINAL, COMPLETED, REGION, relative=True)) == pytest.approx(0.45 / 0.8)
    assert quotient(l1_terms(ORIGINAL, COMPLETED, EVERYWHERE)) == pytest.approx(0.45 / 3)


def test_l2():
    # 0.0625 + 0.04 on 0.25 + 0.09.
    assert quotient(l2_terms(ORIGINAL, COMPLETED, REGION)) == pytest.approx(0.1025 / 2)
    assert quotient(l2_terms(ORIGINAL, COMPLETED, REGION, relative=True)) == pytest.approx(0.1025 / 0.34)


def test_psnr():
    assert peak_signal_to_noise(0.01) == pytest.approx(20)
    assert peak_signal_to_noise(0.5) == pytest.approx(3.0103, abs=1e-4)
    assert peak_signal_to_noise(0.0) == PSNR_CAP == 100
    assert np.isnan(peak_signal_to_noise(np.nan))
    np.testing.assert_allclose(peak_signal_to_noise(np.array([1.0, 0.1, 0.0])), [0, 10, 100], atol=1e-12)


def test_total_variation_counts_pairs_inside_the_region():
    # Whole row: |0.75 - 0.2| + |0.1 - 0.75| over two pairs; the region has one pair.
    assert quotient(tv_terms(ORIGINAL, COMPLETED, EVERYWHERE)) == pytest.approx((0.55 + 0.65) / 2)
    assert quotient(tv_terms(ORIGINAL, COMPLETED, REGION)) == pytest.approx(0.65)
    # The original's region varies by 0.2.
    assert quotient(tv_terms(ORIGINAL, COMPLETED, REGION, relative=True)) == pytest.approx(0.65 / 0.2)


def test_total_variation_of_a_checkerboard_is_its_contrast():
    rows, columns = np.indices((6, 8))
    board = np.repeat(((rows + columns) % 2)[..., np.newaxis] * 0.5, 3, axis=-1)
    # 5 * 8 vertical and 6 * 7 horizontal pairs, 3 channels, each differing by 0.5.
    assert tv_terms(board, board, np.ones((6, 8), bool)) == pytest.approx((0.5 * 82 * 3, 82 * 3))


def test_seam_compares_the_border_with_the_inside_or_with_the_original():
    # Across the border |0.75 - 0.2|, inside |0.1 - 0.75|; the original has 0.3 across.
    assert quotient(seam_terms(ORIGINAL, COMPLETED, REGION)) == pytest.approx(0.55 / 0.65)
    assert quotient(seam_terms(ORIGINAL, COMPLETED, REGION, relative=True)) == pytest.approx(0.55 / 0.3)
    assert quotient(seam_terms(ORIGINAL, ORIGINAL, REGION, relative=True)) == 1
    # The whole image has no border; a hole of one pixel has no inside.
    assert seam_terms(ORIGINAL, COMPLETED, EVERYWHERE) == (0, 0)
    assert seam_terms(ORIGINAL, COMPLETED, np.array([[False, True, False]])) == (0, 0)


def test_a_square_of_another_brightness_has_a_seam_of_that_height(rng):
    original = rng.uniform(0.2, 0.3, (16, 16, 3))
    region = np.zeros((16, 16), bool)
    region[4:12, 4:12] = True
    shifted = original + 0.5 * region[..., np.newaxis]
    across = quotient(seam_terms(original, shifted, region))
    assert 0.45 < across * quotient(tv_terms(original, shifted, region)) < 0.55


def test_ssim_over_the_whole_image_is_tensorflows(rng):
    original, completed = rng.random((2, 40, 50, 3))
    expected = tf.image.ssim(tf.constant(original, tf.float32), tf.constant(completed, tf.float32), 1.0).numpy()
    found = quotient(ssim_terms(original, completed, np.ones((40, 50), bool)))
    assert found == pytest.approx(float(expected), abs=1e-5)


def test_ssim_of_a_region_sees_windows_centred_in_it(rng):
    original = rng.random((40, 40, 3))
    completed = original.copy()
    completed[:8] = 0
    # Windows of 11 pixels centred at row 13 or below start at row 8: they see no error.
    below, above = np.zeros((2, 40, 40), bool)
    below[13:], above[:13] = True, True
    assert quotient(ssim_terms(original, completed, below)) == pytest.approx(1, abs=1e-5)
    assert quotient(ssim_terms(original, completed, above)) < 0.7
    # 30 x 30 windows fit in; those centred at rows 13..34 and columns 5..34 count.
    assert ssim_terms(original, completed, below)[1] == 22 * 30


def test_ssim_is_undefined_below_its_window():
    small = np.zeros((10, 40, 3))
    assert ssim_terms(small, small, np.ones((10, 40), bool)) == (0, 0)


def test_ms_ssim_needs_a_rectangle_of_176(rng):
    original, completed = rng.random((2, 180, 180, 3))
    whole = np.ones((180, 180), bool)
    expected = tf.image.ssim_multiscale(tf.constant(original, tf.float32), tf.constant(completed, tf.float32), 1.0)
    assert ms_ssim_terms(original, completed, whole) == (pytest.approx(float(expected), abs=1e-5), 1)
    rectangle, notched = np.zeros((2, 180, 180), bool)
    rectangle[2:178, 3:179] = notched[2:178, 3:179] = True
    notched[50, 50] = False
    assert ms_ssim_terms(original, original, rectangle) == (pytest.approx(1, abs=1e-5), 1)
    assert ms_ssim_terms(original, original, notched) == (0, 0)
    assert ms_ssim_terms(original, original, center_hole(180, 180).pixels) == (0, 0)


def test_regions_are_image_box_and_hole():
    pixels = np.zeros((6, 6), bool)
    pixels[2:4, 2:4] = True
    found = regions(Hole(pixels, (1, 1, 4, 4)))
    assert {name: int(region.sum()) for name, region in found.items()} == {"whole": 36, "box": 16, "hole": 4}


def test_measure_has_every_cell_and_uses_the_range_0_to_1(rng):
    original = rng.integers(0, 200, (40, 40, 3), np.uint8)
    completed, hole = original.copy(), center_hole(40, 40, side=20)
    completed[hole.pixels] += 51
    row = measure(original, completed, hole)
    # 51 / 255 = 0.2 in the hole, a quarter of the image.
    assert quotient(row["l1/hole/absolute"]) == pytest.approx(0.2)
    assert quotient(row["l1/box/absolute"]) == pytest.approx(0.2)
    assert quotient(row["l1/whole/absolute"]) == pytest.approx(0.05)
    assert METRICS["psnr"].finish(quotient(row["psnr/hole/absolute"])) == pytest.approx(-10 * math.log10(0.04))
    mean_square = np.mean(np.square(original[hole.pixels] / 255))
    assert quotient(row["l2/hole/relative"]) == pytest.approx(0.04 / mean_square)
    # A constant shift leaves the variation alone.
    assert quotient(row["tv/hole/relative"]) == pytest.approx(1)
    assert len(row) == 3 * (5 * 2 + 2)


def test_a_black_original_has_no_relative_error():
    black = np.zeros((20, 20, 3), np.uint8)
    row = measure(black, black + 1, center_hole(20, 20, side=10))
    assert row["l1/hole/relative"][1] == 0 and row["tv/hole/relative"][1] == 0
