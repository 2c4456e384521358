"""Methods that need no weights."""

import cv2
import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.classical import CLASSICAL
from inpaint_tf.evaluation.methods import method_named
from inpaint_tf.masks.sets import center_hole

HOLE = center_hole(48, 64, side=20).pixels


def ramp():
    """Left to right from 0 to 252, the same in all channels: uint8 [48, 64, 3]."""
    return np.repeat(np.uint8(np.arange(64) * 4)[np.newaxis, :, np.newaxis], 48, axis=0).repeat(3, axis=-1)


# OpenCV's contrib build, which has the shift map, cannot be installed beside the one that is required.
INSTALLED = [name for name in CLASSICAL if name != "shiftmap" or hasattr(cv2, "xphoto")]


@pytest.mark.parametrize("name", INSTALLED)
def test_known_pixels_stay_and_hole_content_is_not_seen(name):
    method, image = method_named(name), ramp()
    completed = method(image, HOLE)
    assert completed.shape == image.shape and completed.dtype == np.uint8
    assert np.array_equal(completed[~HOLE], image[~HOLE])
    scribbled = image.copy()
    scribbled[HOLE] = (255, 0, 99)
    assert np.array_equal(method(scribbled, HOLE), completed)


@pytest.mark.parametrize("name, most", [("telea", 25), ("ns", 16), ("biharmonic", 2), ("patchmatch", 25)])
def test_a_ramp_is_nearly_continued(name, most):
    method, image = method_named(name), ramp()
    error = np.abs(method(image, HOLE).astype(int) - image)[HOLE].mean()
    flat = np.abs(method_named("mean")(image, HOLE).astype(int) - image)[HOLE].mean()
    # Twenty columns of slope 4 about their middle: mean distance 20.
    assert flat == pytest.approx(20, abs=1) and error < most


def test_mean_color_by_hand():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0], image[0, 1], image[1, 0] = (10, 0, 0), (20, 3, 0), (31, 3, 255)
    hole = np.array([[False, False], [False, True]])
    # Means 20.33, 2 and 85.
    assert method_named("mean")(image, hole)[1, 1].tolist() == [20, 2, 85]
    with pytest.raises(ValueError, match="known"):
        method_named("mean")(image, np.ones((2, 2), bool))


def test_red_stays_red():
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., 0], image[..., 2] = 200, 30
    for name in CLASSICAL:
        if name in ("biharmonic", "shiftmap"):
            continue
        assert np.abs(method_named(name)(image, HOLE).astype(int) - image).max() <= 4


def test_the_shift_map_needs_contrib_and_says_so(monkeypatch):
    monkeypatch.delattr(cv2, "xphoto", raising=False)
    with pytest.raises(UserError, match="'shiftmap' needs .* install opencv-contrib-python-headless"):
        method_named("shiftmap")


def test_pypatchmatch_keeps_known_pixels(rng):
    pytest.importorskip("patchmatch")
    image, hole = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8), np.zeros((48, 48), bool)
    hole[20:28, 20:28] = True
    completed = method_named("pypatchmatch")(image, hole)
    assert np.array_equal(completed[~hole], image[~hole]) and completed.dtype == np.uint8
