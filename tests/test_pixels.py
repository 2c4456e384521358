"""Pixels: thresholds, levels, composite and padding, in NumPy by hand and in graphs as in NumPy."""

import numpy as np
import pytest

from inpaint_tf import graph_pixels, pixels

EVERY_LEVEL = np.arange(256, dtype=np.uint8)


def test_thresholds():
    assert pixels.is_hole(np.array([0, 127, 128, 255], np.uint8)).tolist() == [False, False, True, True]
    assert pixels.is_line(np.array([0, 153, 154, 255], np.uint8)).tolist() == [False, False, True, True]
    marked = np.array([True, False])
    assert pixels.is_hole(marked) is marked and pixels.is_line(marked) is marked


def test_levels_survive_the_way_there_and_back():
    floats = pixels.to_float(EVERY_LEVEL)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[255] == 1
    assert np.array_equal(pixels.to_levels(floats), EVERY_LEVEL)


def test_composite_rounds_where_the_authors_truncate():
    image = np.full((1, 2, 3), 9, np.uint8)
    hole = np.array([[True, False]])
    # (0.1 + 1) * 127.5 = 140.25 -> 140; (0.105 + 1) * 127.5 = 140.89 -> 141; below -1 -> 0
    filled = np.array([[[0.1, 0.105, -1.2], [0, 0, 0]]], np.float32)
    assert pixels.composite(image, hole, filled).tolist() == [[[140, 141, 0], [9, 9, 9]]]


def test_padding_mirrors_below_and_right():
    padded = pixels.pad_to_multiple(np.arange(10).reshape(2, 5))
    assert padded.shape == (8, 8)
    assert padded[0].tolist() == [0, 1, 2, 3, 4, 4, 3, 2]
    assert padded[:, 0].tolist() == [0, 5, 5, 0, 0, 5, 5, 0]


def test_mirrored_places_show_the_pixels_of_the_padded_photo():
    assert pixels.mirrored(np.arange(-4, 7), 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]


def test_graphs_threshold_convert_and_round_as_numpy(rng):
    assert np.array_equal(graph_pixels.is_hole(EVERY_LEVEL), pixels.is_hole(EVERY_LEVEL))
    assert np.array_equal(graph_pixels.is_line(EVERY_LEVEL), pixels.is_line(EVERY_LEVEL))
    assert np.array_equal(graph_pixels.to_float(EVERY_LEVEL), pixels.to_float(EVERY_LEVEL))
    halves = (np.arange(-2, 258, dtype=np.float32) + 0.5) / 127.5 - 1
    values = np.concatenate([halves, rng.uniform(-1.2, 1.2, 1000).astype(np.float32)])
    assert np.array_equal(graph_pixels.to_levels(values), pixels.to_levels(values))


def test_graphs_composite_as_numpy(rng):
    image = rng.integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    mask = rng.integers(0, 256, (2, 4, 5, 1)).astype(np.uint8)
    filled = rng.uniform(-1.2, 1.2, image.shape).astype(np.float32)
    expected = [pixels.composite(i, pixels.is_hole(m)[..., 0], f) for i, m, f in zip(image, mask, filled)]
    assert np.array_equal(graph_pixels.composite_levels(image, mask, filled), expected)
    hole_mask = pixels.is_hole(mask).astype(np.float32)
    floats = graph_pixels.composite(pixels.to_float(image), hole_mask, filled)
    assert np.array_equal(pixels.to_levels(floats), expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 16), (2, 23)])
def test_graphs_pad_as_numpy(size, rng):
    x = rng.integers(0, 256, (2, *size, 3)).astype(np.uint8)
    assert np.array_equal(graph_pixels.mirror_pad(x), [pixels.pad_to_multiple(photo) for photo in x])
