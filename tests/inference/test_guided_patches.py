"""Copies of known pixels that the network leads."""

import cv2
import numpy as np
import pytest

from inpaint_tf.inference.copies_blending import blend_low_frequencies
from inpaint_tf.inference.guided_patches import (
    GuidedPatchesOptions,
    fill_with_patches,
    share_of_low_frequencies,
)
from inpaint_tf.masks.brush import brush_mask_of_area


def scene(height=96, width=120, seed=0):
    """A picture with texture, uint8 [H, W, 3]: brown noise above, blue stripes below."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((height, width))
    base = np.where((rows < height // 2)[..., None], [150, 100, 60], [40, 80, 160 + 0 * rows[0, 0]]).astype(float)
    base += 25 * np.sin(columns / 3)[..., None] * (rows >= height // 2)[..., None]
    return np.uint8(np.clip(base + random.normal(0, 12, (height, width, 3)), 0, 255))


def smooth_fill(image, hole):
    """What a network gives: the right colours without texture."""
    rows = np.arange(image.shape[0])
    colours = np.where((rows < image.shape[0] // 2)[:, None], [150, 100, 60], [40, 80, 160])[:, None]
    return np.where(hole[..., None], colours, image).astype(np.uint8)


def middle(height=96, width=120):
    hole = np.zeros((height, width), bool)
    hole[28:68, 40:80] = True
    return hole


def test_every_pixel_is_a_copy_from_where_it_says():
    image, hole = scene(), middle()
    filled = fill_with_patches(smooth_fill(image, hole), hole, blend=False)
    (fill,) = filled.fills
    sources = np.full((*hole.shape, 2), -1)
    sources[fill.box.slices] = fill.sources
    assert (sources[~hole] == -1).all() and (sources[hole] >= 0).all()
    rows, columns = sources[hole].T
    assert not hole[rows, columns].any()
    assert np.array_equal(filled.completed[hole], image[rows, columns])
    assert np.array_equal(filled.completed[~hole], image[~hole])


def test_very_many_pixels_are_copied_too_without_a_search_at_full_size():
    image, hole = scene(), middle()
    levels: list[list[tuple[int, float]]] = [[], []]
    for energies, most in zip(levels, (10_000, 100)):
        options = GuidedPatchesOptions(most_searched=most)
        filled = fill_with_patches(smooth_fill(image, hole), hole, options, blend=False, energies=energies)
        rows, columns = filled.fills[0].sources[filled.fills[0].sources[..., 0] >= 0].T
        box = filled.fills[0].box.slices
        assert np.array_equal(filled.completed[box][hole[box]], image[rows, columns])
    finest = max(level for level, _ in levels[0])
    assert max(level for level, _ in levels[1]) == finest - 1


def test_the_network_leads_and_the_texture_is_the_photos():
    image, hole = scene(), middle()
    network = smooth_fill(image, hole)
    completed = fill_with_patches(network, hole).completed.astype(float)
    upper, lower = hole.copy(), hole.copy()
    upper[48:], lower[:48] = False, False
    for part, colour in ((upper, [150, 100, 60]), (lower, [40, 80, 160])):
        assert np.abs(completed[part].mean(axis=0) - colour).max() < 6
        # The network's fill has no texture at all.
        assert completed[part].std(axis=0).min() > 0.6 * image[part].std(axis=0).min()
    # Led to the opposite, it follows.
    swapped = network.copy()
    swapped[hole] = network[::-1][hole[::-1]]
    other = fill_with_patches(swapped, hole).completed.astype(float)
    assert other[upper][:, 2].mean() > other[upper][:, 0].mean()


def test_energy_never_grows_within_a_level():
    image, hole, energies = scene(), middle(), []
    fill_with_patches(smooth_fill(image, hole), hole, energies=energies)
    pairs = [(a, b) for (level, a), (next_level, b) in zip(energies, energies[1:]) if level == next_level]
    assert len(pairs) > 10
    assert all(after <= before * (1 + 1e-6) for before, after in pairs)


def test_same_bytes_for_any_number_of_threads():
    image, hole = scene(200, 220), np.zeros((200, 220), bool)
    hole[40:160, 50:170] = True
    network = smooth_fill(image, hole)
    one, three = (fill_with_patches(network, hole, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.completed, three.completed)
    assert np.array_equal(one.fills[0].sources, three.fills[0].sources)


def test_large_holes_are_filled_square_by_square():
    image, hole = scene(150, 170), np.zeros((150, 170), bool)
    hole[30:120, 30:140] = True
    options = GuidedPatchesOptions(tile=50, margin=(32, 48))
    shares = []
    filled = fill_with_patches(smooth_fill(image, hole), hole, options, blend=False, report=shares.append)
    assert len(filled.fills) == 6
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == pytest.approx(1)
    for fill in filled.fills:
        rows, columns = fill.sources[fill.sources[..., 0] >= 0].T
        # Never a copy of a copy.
        assert not hole[rows, columns].any()
    assert np.array_equal(filled.completed[~hole], image[~hole])


@pytest.mark.parametrize("case", ["strokes", "grey", "all_borders", "small", "one_column"])
def test_odd_inputs(case):
    image, hole = scene(), brush_mask_of_area(96, 120, 0.3, 0.4, np.random.default_rng(1))
    if case == "grey":
        image = image[..., :1].repeat(3, axis=-1)
    elif case == "all_borders":
        hole = np.ones((96, 120), bool)
        hole[20:70, 30:90] = False
    elif case == "small":
        image, hole = image[:4, :5], np.zeros((4, 5), bool)
        hole[0, 0] = True
    elif case == "one_column":
        image, hole = image[:, :1], np.zeros((96, 1), bool)
        hole[10:20] = True
    filled = fill_with_patches(smooth_fill(image, hole), hole)
    assert np.array_equal(filled.completed[~hole], image[~hole])
    assert bool(filled.without) == (case == "one_column")
    if case == "grey":
        copies = fill_with_patches(smooth_fill(image, hole), hole, blend=False).completed
        assert (copies == copies[..., :1]).all()


def test_a_hole_that_leaves_no_patch_keeps_the_network():
    image, hole = scene(), np.ones((96, 120), bool)
    hole[::2, ::2] = False
    network = smooth_fill(image, hole)
    filled = fill_with_patches(network, hole)
    assert filled.without == 1 and not filled.fills
    assert np.array_equal(filled.completed, network)


def test_what_report_raises_ends_the_work():
    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_with_patches(scene(), middle(), report=stop)


def test_low_frequencies_come_from_the_network_and_high_ones_stay(rng):
    hole = middle()
    texture = rng.normal(0, 20, (96, 120, 3)).astype(np.float32)
    network = np.full((96, 120, 3), 90, np.float32)
    blended = blend_low_frequencies(texture + 50, network, hole, 6.0)
    assert np.abs(blended[hole].mean(axis=0) - 90).max() < 1
    difference = (blended - texture)[hole]
    assert difference.std() < 4 and blended[hole].std() > 18


def stripes(height=160, width=160):
    """Stripes of 10 pixels in two greys, uint8 [H, W, 3]: all contrast, no low frequencies."""
    columns = np.indices((height, width))[1]
    return np.where(columns // 5 % 2, 200, 60)[..., None].repeat(3, axis=-1).astype(np.uint8)


def test_texture_has_a_small_share_of_low_frequencies_and_the_hole_plays_no_part():
    hole = middle(160, 160)
    assert share_of_low_frequencies(stripes(), hole, 12.0) < 0.05
    halves = np.where(np.indices((160, 160))[0] < 80, 60, 200)[..., None].repeat(3, axis=-1).astype(np.uint8)
    assert share_of_low_frequencies(halves, hole, 12.0) > 0.7
    assert share_of_low_frequencies(np.full((160, 160, 3), 90, np.uint8), hole, 12.0) == 1
    filled = np.where(hole[..., None], 255, stripes()).astype(np.uint8)
    assert share_of_low_frequencies(filled, hole, 12.0) == share_of_low_frequencies(stripes(), hole, 12.0)


def pebbles(grain, side=180):
    """Noise blurred by `grain` pixels, uint8 [side, side, 3], standard deviation 40."""
    noise = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (side, side)).astype(np.float32), (0, 0), grain)
    grey = np.clip(128 + 40 * noise / noise.std(), 0, 255)
    return grey[..., None].repeat(3, axis=-1).astype(np.uint8)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_texture_keeps_its_contrast_where_the_network_sees_its_mean(scale):
    image, hole = pebbles(grain=2 / scale), np.zeros((180, 180), bool)
    hole[58:122, 58:122] = True
    network = np.where(hole[..., None], 128, image).astype(np.uint8)
    contrast = {}
    for rule in (True, False):
        options = GuidedPatchesOptions() if rule else GuidedPatchesOptions(in_texture=None)
        completed = fill_with_patches(network, hole, options, scale=lambda part: scale).completed
        contrast[rule] = completed[hole].std() / image[~hole].std()
    print(contrast)
    assert contrast[True] > 0.5
    assert contrast[True] > 1.3 * contrast[False]


def test_what_is_no_texture_is_filled_as_without_the_rule():
    image, hole = scene(), middle()
    network = smooth_fill(image, hole)
    with_rule, without = (
        fill_with_patches(network, hole, options).completed
        for options in (GuidedPatchesOptions(), GuidedPatchesOptions(in_texture=None))
    )
    assert np.array_equal(with_rule, without)
