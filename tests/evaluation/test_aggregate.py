"""Pooling, bootstrap intervals and paired differences."""

import numpy as np
import pytest

from inpaint_tf.evaluation.aggregate import Cell, estimate, grid, paired_difference, row_value
from inpaint_tf.evaluation.bootstrap import bootstrap

L1 = {pooling: Cell("l1", "hole", "absolute", pooling) for pooling in ("per_image", "pooled")}
PSNR = {pooling: Cell("psnr", "hole", "absolute", pooling) for pooling in ("per_image", "pooled")}


def rows(cell, *terms):
    return [{cell.key: list(pair)} for pair in terms]


def test_pooling_by_hand():
    # Quotients 1/10 and 3/10: their mean is 0.2; pooled (1 + 3) / 20. With unequal sizes they part.
    terms = [(1, 10), (9, 30)]
    assert estimate(rows(L1["per_image"], *terms), [0, 1], L1["per_image"])["value"] == pytest.approx((0.1 + 0.3) / 2)
    assert estimate(rows(L1["pooled"], *terms), [0, 1], L1["pooled"])["value"] == pytest.approx(10 / 40)


def test_psnr_per_image_is_a_mean_of_decibels():
    terms = [(0.1, 1), (0.001, 1)]
    # (10 + 30) / 2; pooled 10 log10(2 / 0.101).
    assert estimate(rows(PSNR["per_image"], *terms), [0, 1], PSNR["per_image"])["value"] == pytest.approx(20)
    pooled = estimate(rows(PSNR["pooled"], *terms), [0, 1], PSNR["pooled"])["value"]
    assert pooled == pytest.approx(12.967, abs=1e-3)


def test_a_perfect_image_does_not_break_the_mean():
    found = estimate(rows(PSNR["per_image"], (0, 1), (0.01, 1)), [0, 1], PSNR["per_image"])
    assert found["value"] == pytest.approx((100 + 20) / 2) and found["capped"] == 1
    assert np.isfinite([found["ci_low"], found["ci_high"]]).all()


def test_undefined_rows_are_left_out():
    found = estimate(rows(L1["per_image"], (0, 0), (1, 4), (3, 4)), [0, 1, 2], L1["per_image"])
    assert found["value"] == 0.5 and found["images"] == 2
    assert estimate(rows(L1["per_image"], (0, 0)), [0], L1["per_image"]) is None
    assert estimate([], [], L1["per_image"]) is None


def test_the_interval_covers_the_mean_as_often_as_it_says():
    random, covered = np.random.default_rng(0), 0
    for _ in range(200):
        sample = random.normal(5, 2, 40)
        found = bootstrap(lambda x: x.mean(axis=-1), [sample], resamples=400)
        covered += found.low <= 5 <= found.high
    # 95%, less what the percentile interval loses at 40 samples; binomial spread 1.5%.
    assert 0.88 <= covered / 200 <= 0.99


def test_the_interval_has_the_width_of_the_standard_error():
    sample = np.random.default_rng(1).normal(0, 1, 400)
    found = bootstrap(lambda x: x.mean(axis=-1), [sample], resamples=4000)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * sample.std() / 20, rel=0.08)


def test_the_seed_fixes_the_interval():
    sample = np.random.default_rng(3).normal(size=10)
    first, again, other = (bootstrap(lambda x: x.mean(axis=-1), [sample], seed=seed) for seed in (0, 0, 1))
    assert first == again and first.low != other.low and first.value == other.value


def test_masks_of_one_image_are_drawn_together():
    # Two images with 50 masks each, 0 and 1: means of draws can only be 0, 1/2 and 1, as with two rows.
    cell = L1["per_image"]
    many = estimate(rows(cell, *[(0, 1)] * 50, *[(1, 1)] * 50), ["a"] * 50 + ["b"] * 50, cell)
    few = estimate(rows(cell, (0, 1), (1, 1)), ["a", "b"], cell)
    assert (many["ci_low"], many["ci_high"]) == (few["ci_low"], few["ci_high"]) == (0, 1)
    assert (many["images"], many["masks"]) == (2, 100)


def test_paired_differences_are_narrower_than_the_methods_own_intervals():
    cell, random = L1["per_image"], np.random.default_rng(0)
    difficulty = random.uniform(0, 1, 30)
    better = rows(cell, *((d + 0.5, 1) for d in difficulty))
    worse = rows(cell, *((d + 0.6 + 0.01 * random.normal(), 1) for d in difficulty))
    images = list(range(30))
    found = paired_difference(better, worse, images, cell)
    assert found["value"] == pytest.approx(-0.1, abs=0.01) and found["ci_high"] < 0
    assert found["better"] == 1
    own = estimate(better, images, cell)
    assert found["ci_high"] - found["ci_low"] < 0.1 * (own["ci_high"] - own["ci_low"])


def test_better_follows_the_measures_direction():
    cell = PSNR["per_image"]
    found = paired_difference(rows(cell, (0.01, 1), (0.1, 1)), rows(cell, (0.1, 1), (0.01, 1)), [0, 1], cell)
    assert found["value"] == pytest.approx(0) and found["better"] == 0.5
    tv = Cell("tv", "hole", "absolute", "per_image")
    assert paired_difference(rows(tv, (1, 2)), rows(tv, (1, 4)), [0], tv)["better"] is None


def test_the_grid_is_complete_and_without_doubles():
    cells = grid()
    # l1, l2, PSNR, TV and seam on both scales, SSIM and MS-SSIM on one.
    assert len(cells) == len(set(cells)) == 3 * 2 * (5 * 2 + 2)


def test_row_value():
    assert row_value({L1["pooled"].key: [1, 4]}, L1["pooled"]) == 0.25
    assert row_value({L1["pooled"].key: [0, 0]}, L1["pooled"]) is None
