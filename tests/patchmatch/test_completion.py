"""Completion by PatchMatch: what it must get exactly, what it must not do, and how long it may take."""

import time

import numpy as np
import pytest

from inpaint_tf.masks.brush import brush_mask_of_area
from inpaint_tf.masks.sets import center_hole
from inpaint_tf.patchmatch.completion import (
    PatchMatchOptions,
    complete,
    harmonic_fill,
    pyramid,
    texture_channels,
)
from inpaint_tf.patchmatch.nearest_patches import PatchField


def stripes_and_noise(side, seed=0):
    """A picture with structure and texture, uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((side, side))
    base = 110 + 60 * np.sin(columns / 9) + 30 * np.sin((rows + columns) / 23)
    return np.uint8(np.clip(base[..., np.newaxis] + random.normal(0, 6, (side, side, 3)), 0, 255))


@pytest.mark.parametrize("period", [4, 8, 16])
def test_a_tiled_texture_is_completed_exactly(period):
    tile = np.random.default_rng(period).integers(0, 256, (period, period, 3), np.uint8)
    image = np.tile(tile, (128 // period, 128 // period, 1))
    hole = center_hole(128, 128, side=40).pixels
    broken = np.where(hole[..., np.newaxis], np.uint8(0), image)
    assert np.array_equal(complete(broken, hole), image)


def test_energy_never_grows_within_a_level():
    energies = []
    complete(stripes_and_noise(128), center_hole(128, 128, side=56).pixels, energies=energies)
    assert len({level for level, _ in energies}) >= 3
    drops = 0
    for (level, before), (next_level, after) in zip(energies, energies[1:]):
        if level == next_level:
            # Float32 distances are good to about 1e-6 of the sum.
            assert after <= before * (1 + 1e-6)
            drops += after < before
    assert drops > 5


def test_voting_lowers_the_energy_and_search_does(rng):
    image, hole = stripes_and_noise(64).astype(np.float32), center_hole(64, 64, side=20).pixels
    field = PatchField(harmonic_fill(image, hole), hole, 7)
    weights = rng.uniform(0.5, 2, len(field.targets)).astype(np.float32)
    start = weights @ field.distances
    field.search(1)
    searched = weights @ field.distances
    field.vote(weights, 3)
    field.update()
    assert weights @ field.distances < searched < start


def test_votes_are_the_weighted_mean_of_what_patches_say():
    # One-dimensional by hand: 3x3 patches on 3 rows; the hole is one pixel, seen by three targets.
    image = np.repeat(np.arange(12, dtype=np.float32)[np.newaxis, :, np.newaxis], 3, axis=0).copy()
    hole = np.zeros((3, 12), bool)
    hole[1, 8] = True
    field = PatchField(image.copy(), hole, 3)
    assert field.targets.tolist() == [[0, 6], [0, 7], [0, 8]]
    field.matches[:] = [[0, 0], [0, 2], [0, 3]]
    # The hole is column 2, 1, 0 of the targets, so they say 0 + 2, 2 + 1, 3 + 0.
    field.vote(np.array([1, 1, 2], np.float32), 1)
    assert field.image[1, 8, 0] == pytest.approx((2 + 3 + 2 * 3) / 4)
    assert np.array_equal(field.image[~hole], image[~hole])


def test_known_pixels_and_hole_content():
    image, hole = stripes_and_noise(96), brush_mask_of_area(96, 96, 0.1, 0.2, np.random.default_rng(2))
    completed = complete(image, hole)
    assert np.array_equal(completed[~hole], image[~hole]) and completed.dtype == np.uint8
    scribbled = image.copy()
    scribbled[hole] = 255
    assert np.array_equal(complete(scribbled, hole), completed)


def test_a_seed_fixes_the_result_and_options_change_it():
    image, hole = stripes_and_noise(80), center_hole(80, 80, side=24).pixels
    first, again = (complete(image, hole, threads=threads) for threads in (1, 3))
    other = complete(image, hole, PatchMatchOptions(seed=1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_it_beats_the_mean_color_and_keeps_texture():
    image, hole = stripes_and_noise(128), center_hole(128, 128, side=48).pixels
    completed = complete(image, hole).astype(float)
    error = np.abs(completed - image)[hole].mean()
    flat = np.abs(image[~hole].mean(axis=0) - image[hole]).mean()
    assert error < 0.5 * flat
    # Noise of standard deviation 6: averaging patches may lower it, not wipe it out.
    fine = np.diff(completed, axis=1)[hole[:, 1:] & hole[:, :-1]].std()
    assert fine > 0.4 * np.diff(image.astype(float), axis=1)[hole[:, 1:] & hole[:, :-1]].std()


@pytest.mark.parametrize("shape", [(33, 47), (7, 90), (61, 61)])
def test_odd_sizes_and_holes_at_the_border(shape):
    image = stripes_and_noise(90)[: shape[0], : shape[1]]
    hole = np.zeros(shape, bool)
    hole[:3, -20:] = True
    assert np.array_equal(complete(image, hole)[~hole], image[~hole])


def test_smaller_patches_where_large_ones_do_not_fit():
    image, hole = stripes_and_noise(40), np.ones((40, 40), bool)
    hole[10:14, 5:30] = False
    assert np.array_equal(complete(image, hole)[~hole], image[~hole])
    hole[10:14, 5:30] = True
    hole[10:12] = False
    with pytest.raises(ValueError, match="3x3"):
        complete(image, hole)


def test_nothing_to_complete():
    image = stripes_and_noise(20)
    assert np.array_equal(complete(image, np.zeros((20, 20), bool)), image)


def test_texture_channels_of_stripes():
    # Vertical stripes of one pixel and height 10: sideways differences of 10, none down.
    image = np.zeros((30, 30, 3), np.float32)
    image[:, ::2] = 10
    hole = center_hole(30, 30, side=10).pixels
    texture = texture_channels(image, hole, 5)
    # Windows inside the image and clear of the hole: all 25 differences count.
    assert np.allclose(texture[4:6, 4:26], [10, 0])
    assert (texture[hole] == 0).all()


def test_pyramid_halves_and_marks_every_touched_pixel():
    image = np.arange(64, dtype=np.float32).reshape(8, 8, 1).repeat(8, 0).repeat(8, 1)
    hole = np.zeros((64, 64), bool)
    hole[21:43, 21:43] = True
    levels = pyramid(image, hole, 5)
    assert len(levels) == 2 and levels[-1].image is image
    coarse, coarse_hole, _ = levels[0]
    assert coarse.shape == (32, 32, 1) and coarse[0, 0, 0] == 0 and coarse[0, 4, 0] == 1
    # Fine rows 21..42 touch coarse rows 10..21.
    assert np.array_equal(np.flatnonzero(coarse_hole.any(axis=1)), np.arange(10, 22))


def test_harmonic_fill_of_a_ramp_is_the_ramp():
    ramp = np.linspace(0, 100, 20, dtype=np.float32)[np.newaxis, :, np.newaxis].repeat(20, axis=0)
    hole = center_hole(20, 20, side=10).pixels
    assert np.abs(harmonic_fill(np.where(hole[..., np.newaxis], 0, ramp), hole) - ramp).max() < 1e-2


def test_time_of_the_protocols_size():
    # The promise is pypatchmatch's time, 0.4 s; processor time does not suffer from neighbours. About 0.15 s.
    complete(stripes_and_noise(64), center_hole(64, 64, side=16).pixels)
    started = time.process_time()
    complete(stripes_and_noise(256), center_hole(256, 256).pixels)
    assert time.process_time() - started < 1
