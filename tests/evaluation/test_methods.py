"""The methods' common interface."""

import cv2
import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.methods import CLASSICAL, method_named, methods_named
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


@pytest.mark.slow
def test_presets_go_through_the_inpainter():
    from inpaint_tf.models.presets import bundled_presets

    method = method_named(f"preset:{bundled_presets()[0]}")
    image = ramp()
    completion = method.run(image, HOLE)
    assert np.array_equal(completion.pixels[~HOLE], image[~HOLE]) and method.warm_up
    assert completion.offsets is None or completion.offsets.shape == (6, 8, 2)
    blended = method_named(f"preset:{bundled_presets()[0]}+poisson")
    assert not np.array_equal(blended.run(image, HOLE).pixels, completion.pixels)
    assert blended.fingerprint != method.fingerprint


@pytest.mark.slow
def test_a_preset_is_measured_as_its_name_says_whatever_it_recommends():
    from inpaint_tf import Inpainter

    image = ramp()
    alone = Inpainter.from_preset("photos_small", detail="none", working_size="full", blend="none")(image, HOLE)
    assert np.array_equal(method_named("preset:photos_small")(image, HOLE), alone)
    assert not np.array_equal(Inpainter.from_preset("photos_small")(image, HOLE), alone)


def test_the_shift_map_needs_contrib_and_says_so(monkeypatch):
    monkeypatch.delattr(cv2, "xphoto", raising=False)
    with pytest.raises(UserError, match="'shiftmap' needs .* install opencv-contrib-python-headless"):
        method_named("shiftmap")


def test_unknown_methods_name_the_known_ones():
    with pytest.raises(UserError, match="telea.*patchmatch.*preset:NAME"):
        method_named("magic")
    with pytest.raises(UserError, match="preset 'nowhere'"):
        method_named("preset:nowhere")
    with pytest.raises(UserError, match="no methods"):
        methods_named([])
    with pytest.raises(UserError, match="twice: ns"):
        methods_named(["ns", "telea", "ns"])


@pytest.mark.slow
def test_a_presets_variants_override_what_it_recommends(rng):
    image, hole = rng.integers(0, 256, (64, 72, 3), dtype=np.uint8), np.zeros((64, 72), bool)
    hole[20:40, 20:44] = True
    plain, poisson, patches = (method_named(f"preset:open_small{suffix}") for suffix in ("", "+poisson", "+patches"))
    assert len({method.fingerprint for method in (plain, poisson, patches)}) == 3
    expected = Inpainter.from_preset("open_small", detail="none", working_size="full", blend="none")
    assert np.array_equal(plain(image, hole), expected(image, hole))
    # Every known colour of the noise is somewhere; a network's blur is nowhere.
    copies = Inpainter.from_preset("open_small", detail="patches", working_size="auto", blend="none")(image, hole)
    known = {tuple(colour) for colour in image[~hole]}
    assert all(tuple(colour) in known for colour in copies[hole])
    assert not np.array_equal(patches(image, hole), poisson(image, hole))


def test_pypatchmatch_keeps_known_pixels(rng):
    pytest.importorskip("patchmatch")
    image, hole = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8), np.zeros((48, 48), bool)
    hole[20:28, 20:28] = True
    completed = method_named("pypatchmatch")(image, hole)
    assert np.array_equal(completed[~hole], image[~hole]) and completed.dtype == np.uint8
