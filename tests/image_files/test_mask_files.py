"""Masks as people make them: which pixels are hole, and what is said about it."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from inpaint_tf.data.image_files import read_hole, resize_mask, write_image
from inpaint_tf.data.mask_files import (
    COLOUR,
    GREY_LEVELS,
    GUESSED,
    hole_from_array,
)
from inpaint_tf.errors import UserError

HOLE = np.zeros((40, 60), bool)
HOLE[10:22, 15:40] = True
SMOOTH = np.uint8(np.dstack([np.add.outer(np.arange(40) * 3, np.arange(60) * 2)] * 3) + [0, 10, 17])


def read(tmp_path, pixels, mode=None, suffix=".png", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(tmp_path / f"m{suffix}", **options)
    return read_hole(tmp_path / f"m{suffix}")


@pytest.mark.parametrize("low, high", [(0, 1), (0, 2), (0, 100), (0, 127), (10, 60), (200, 255), (3, 4)])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif", ".webp"])
def test_two_values_are_a_mask_whatever_they_are(low, high, suffix, tmp_path):
    reading = read(tmp_path, np.where(HOLE, high, low).astype(np.uint8), suffix=suffix, lossless=True)
    assert np.array_equal(reading.hole, HOLE)
    assert reading.notes == (f"the mask has the values {low} and {high}; {high} was taken as hole.",)
    assert reading.kinds == (GUESSED,)


def test_black_and_white_needs_no_word(tmp_path):
    for pixels in (HOLE, np.uint8(HOLE) * 255, np.uint16(HOLE) * 65535, np.dstack([np.uint8(HOLE) * 255] * 3)):
        reading = read(tmp_path, pixels)
        assert np.array_equal(reading.hole, HOLE) and reading.notes == () and reading.kinds == ()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("high", [1, 2, 100, 255, 256, 4095])
def test_two_values_of_more_bits(dtype, high, tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", (HOLE * high).astype(dtype), photometric="minisblack")
    assert np.array_equal(read_hole(tmp_path / "m.tif").hole, HOLE)
    if dtype == np.uint16:
        assert np.array_equal(read(tmp_path, (HOLE * high).astype(np.uint16)).hole, HOLE)


@pytest.mark.parametrize(
    "palette",
    [[0, 0, 0, 1, 1, 1], [0, 0, 0, 128, 0, 0], [0, 0, 0, 0, 0, 40], [20, 20, 20, 30, 30, 30], [0, 0, 0, 0, 0, 0]],
)
def test_dark_palettes(palette, tmp_path):
    image = Image.fromarray(np.uint8(HOLE), "P")
    image.putpalette(palette)
    assert np.array_equal(read(tmp_path, image).hole, HOLE)


def test_labels_of_several_objects(tmp_path):
    labels = np.zeros((40, 60), np.uint8)
    labels[10:22, 15:25], labels[10:22, 25:40] = 1, 2
    reading = read(tmp_path, labels)
    assert np.array_equal(reading.hole, HOLE) and "its brightest value is 2" in reading.notes[0]


def test_dark_mask_with_soft_edges(tmp_path):
    soft = cv2.GaussianBlur(np.float32(HOLE) * 100, (0, 0), 2).astype(np.uint8)
    assert np.array_equal(read(tmp_path, soft).hole, soft > 50)


@pytest.mark.parametrize("colour", [(0, 0, 0), (30, 30, 30), (255, 0, 0), (255, 255, 255), (0, 0, 255)])
@pytest.mark.parametrize("under", [0, 255])
@pytest.mark.parametrize("soft", [False, True])
def test_brush_on_transparent(colour, under, soft, tmp_path):
    alpha = np.uint8(HOLE) * 255
    if soft:
        alpha = cv2.GaussianBlur(alpha, (3, 3), 0)
    pixels = np.full((40, 60, 4), under, np.uint8)
    pixels[alpha > 0, :3] = colour
    pixels[..., 3] = alpha
    assert np.array_equal(read(tmp_path, pixels).hole, alpha > 127)


def test_white_ground_with_a_transparent_part_is_as_bright_as_it_was(tmp_path):
    pixels = np.full((40, 60, 4), 255, np.uint8)
    pixels[~HOLE, 3] = 0
    assert np.array_equal(read(tmp_path, pixels).hole, HOLE)


def test_a_photo_with_an_erased_part_as_mask(tmp_path):
    pixels = np.dstack([SMOOTH, np.where(HOLE, 0, 255).astype(np.uint8)])
    reading = read(tmp_path, pixels)
    assert np.array_equal(reading.hole, HOLE) and "transparent part was taken as hole" in reading.notes[0]


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (200, 0, 200)])
@pytest.mark.parametrize("soft", [False, True])
def test_coloured_strokes_on_plain_ground(ground, colour, soft, tmp_path):
    share = cv2.GaussianBlur(np.float32(HOLE), (3, 3), 0) if soft else np.float32(HOLE)
    pixels = np.uint8(ground * (1 - share[..., None]) + np.array(colour) * share[..., None])
    hole = read(tmp_path, pixels).hole
    edge = cv2.dilate(np.uint8(HOLE), np.ones((3, 3))) > cv2.erode(np.uint8(HOLE), np.ones((3, 3)))
    assert np.array_equal(hole[~edge], HOLE[~edge]) if soft else np.array_equal(hole, HOLE)


def test_a_photo_as_mask_is_said(tmp_path, rng):
    reading = read(tmp_path, SMOOTH)
    assert GREY_LEVELS in reading.kinds and "many grey levels" in reading.notes[0]
    colours = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert COLOUR in read(tmp_path, colours).kinds


def test_thin_lines_survive_shrinking():
    lines = np.zeros((400, 600), bool)
    lines[203, 100:500] = lines[50:350, 307] = True
    small = resize_mask(lines, 40, 60)
    assert small[20, 10:50].all() and small[5:35, 30].all() and small.sum() == 40 + 30 - 1
    # Any touched pixel, also where sizes do not divide, and one axis shrinks while the other grows.
    for height, width in ((37, 59), (39, 1200), (800, 41)):
        assert resize_mask(lines, height, width).any(axis=1).any() and resize_mask(lines, height, width).shape == (
            height,
            width,
        )
        assert resize_mask(lines, height, width)[:, 307 * width // 600].sum() >= 0.7 * height


def test_arrays_follow_the_same_rules():
    levels = np.uint8(HOLE)
    for mask in (HOLE, levels, levels * 255, levels * 100, levels[..., None], np.dstack([levels * 255] * 3)):
        assert np.array_equal(hole_from_array(mask), HOLE)
    assert not hole_from_array(np.zeros((4, 5, 3), np.uint8)).any()
    assert hole_from_array(np.full((4, 5), 255, np.uint8)).all()
    grey = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    assert np.array_equal(hole_from_array(grey), grey > 127)
    with pytest.raises(UserError, match="colours of a photo"):
        hole_from_array(np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8))


def test_masks_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    reading = read(tmp_path, np.uint8(HOLE) * 255, exif=exif)
    assert np.array_equal(reading.hole, np.rot90(HOLE, -1)) and reading.orientation == 6


def test_odd_masks_are_one_line(tmp_path):
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "m.tif", values)
    with pytest.raises(UserError, match="m.tif holds values that are not numbers"):
        read_hole(tmp_path / "m.tif")
    write_image(tmp_path / "m.png", np.zeros((1, 1, 3), np.uint8))
    assert read_hole(tmp_path / "m.png").hole.tolist() == [[False]]
