"""At which size, and on which part of the photo, the network works."""

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.inference.working_size import (
    MOST_PIXELS,
    check_working_size,
    enlarged,
    hole_boxes,
    plan_windows,
    reduced,
    thickness,
    tiles,
)
from inpaint_tf.models.registry import build_model
from inpaint_tf.regions import Rect


def hole_of(height, width, *boxes):
    hole = np.zeros((height, width), bool)
    for top, left, side in boxes:
        hole[top : top + side, left : left + side] = True
    return hole


@pytest.mark.parametrize("side,scale", [(20, 1), (128, 1), (256, 0.5), (512, 0.25)])
def test_auto_brings_the_hole_down_to_what_was_trained(side, scale):
    (window,) = plan_windows(hole_of(1000, 1600, (300, 400, side)), "auto")
    assert window.scale == pytest.approx(scale, rel=0.02)
    assert window.holes == (300, 400, 300 + side, 400 + side)
    assert window.box.top % 8 == window.box.left % 8 == 0
    # On all sides at least a training picture at the working size, or the photo's edge.
    assert window.box.left <= max(0, 400 - 256 / window.scale) and window.box.bottom >= min(1000, 300 + side + 256)


def test_long_thin_holes_need_no_reduction():
    hole = np.zeros((600, 3000), bool)
    hole[300:310] = True
    assert plan_windows(hole, "auto")[0].scale == 1


def test_full_and_pixels_take_the_whole_photo():
    hole = hole_of(300, 400, (10, 10, 50))
    assert [w.scale for w in plan_windows(hole, "full")] == [1]
    (window,) = plan_windows(hole, 200)
    assert window.scale == 0.5 and window.box == (0, 0, 300, 400)
    assert plan_windows(hole, 999)[0].scale == 1


def test_far_holes_get_windows_of_their_own_and_near_ones_share():
    assert len(plan_windows(hole_of(2000, 4000, (50, 50, 20), (1500, 3800, 30)), "auto")) == 2
    assert len(plan_windows(hole_of(2000, 4000, (50, 50, 20), (150, 90, 30)), "auto")) == 1
    many = np.zeros((4000, 4000), bool)
    many[::200, ::200] = True
    assert len(plan_windows(many, "auto")) == 1


def test_boxes_hold_every_hole_pixel_once():
    hole = np.random.default_rng(0).random((700, 900)) > 0.9999
    boxes = hole_boxes(hole, 30)
    counted = np.zeros(hole.shape, int)
    for box in boxes:
        counted[box.slices] += 1
    assert len(boxes) > 5 and (counted[hole] == 1).all() and counted.max() == 1


@pytest.mark.parametrize("scale", [0.5, 0.37, 0.9, 1])
def test_no_hole_pixel_counts_as_known(scale):
    image = np.full((61, 83, 3), 100, np.uint8)
    hole = np.random.default_rng(1).random((61, 83)) > 0.97
    image[hole] = 255
    small, small_hole = reduced(image, hole, scale)
    assert small.shape[:2] == small_hole.shape == (round(61 * scale), round(83 * scale))
    assert (small[~small_hole] == 100).all()
    assert small_hole.any() and not small_hole.all()


def test_thickness_of_a_square_is_its_side():
    assert thickness(hole_of(100, 100, (30, 30, 40))) == pytest.approx(40, abs=2)
    assert thickness(np.ones((20, 30), bool)) == 60


def test_enlarged_keeps_what_has_the_size():
    image = np.zeros((5, 6, 3), np.uint8)
    assert enlarged(image, (5, 6)) is image and enlarged(image, (10, 12)).shape == (10, 12, 3)


def test_tiles_cover_once():
    parts = list(tiles(Rect(5, 7, 105, 60), 30))
    assert sum(part.area for part in parts) == 100 * 53
    assert max(max(part.height, part.width) for part in parts) <= 30


@pytest.mark.parametrize("value", ["large", 3, "1.5", True, None])
def test_unknown_working_sizes_are_named(value):
    with pytest.raises(UserError, match="working size"):
        check_working_size(value)


def test_numbers_may_be_text():
    assert check_working_size("256") == 256


@pytest.fixture(scope="module")
def model():
    return build_model("deepfill_v1", width=4)


def test_auto_equals_full_where_the_photo_is_the_window(model, rng):
    image, hole = rng.integers(0, 256, (100, 130, 3), dtype=np.uint8), hole_of(100, 130, (30, 40, 40))
    full, auto = (Inpainter(model, working_size=size).run(image, hole) for size in ("full", "auto"))
    assert np.array_equal(full.completed, auto.completed) and np.array_equal(full.offsets, auto.offsets)
    assert auto.plan is not None


def test_a_large_hole_is_filled_at_the_small_size(model, rng):
    image, hole = rng.integers(0, 256, (240, 304, 3), dtype=np.uint8), hole_of(240, 304, (40, 40, 160))
    inpainter = Inpainter(model, working_size="auto", trained_on={"image": 64, "hole": 32}, blend="poisson")
    result = inpainter.run(image, hole)
    assert result.windows[0].refined.shape[0] < 60
    assert np.array_equal(result.completed[~hole], image[~hole])
    assert result.coarse.shape == result.refined.shape == image.shape
    assert result.offsets.shape == (30, 38, 2) and result.offsets.max() < 38
    # What the hole holds plays no part.
    scribbled = np.where(hole[..., None], np.uint8(7), image)
    assert np.array_equal(inpainter(scribbled, hole), result.completed)


def test_two_windows_fill_their_own_holes(model, rng):
    image = rng.integers(0, 256, (80, 700, 3), dtype=np.uint8)
    hole = hole_of(80, 700, (30, 20, 16), (30, 640, 16))
    result = Inpainter(model, working_size="auto", trained_on={"image": 64, "hole": 32}).run(image, hole)
    assert len(result.windows) == 2 and result.plan is None
    assert np.array_equal(result.completed[~hole], image[~hole])
    assert (result.completed != image)[hole].any(axis=-1).mean() > 0.9
    inside = result.refined[hole]
    assert np.abs((inside + 1) * 127.5 - result.completed[hole]).max() <= 1
    assert (result.offsets[:, 40:44] == -1).all() and (result.offsets[4:6, 3:5] >= 0).all()


def test_strokes_all_over_a_large_photo_get_a_window_of_bounded_size():
    hole = np.zeros((4000, 6000), bool)
    hole[::200, ::200] = True
    hole[2000, :] = True
    windows = plan_windows(hole, "auto")
    assert len(windows) == 1
    pixels = windows[0].box.height * windows[0].box.width * windows[0].scale ** 2
    assert pixels == pytest.approx(MOST_PIXELS, rel=1e-6)
