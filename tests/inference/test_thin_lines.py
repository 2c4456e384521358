"""Sketches drawn with any pen reach the network as thin lines."""

import cv2
import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.inference.attention_at import attention_at
from inpaint_tf.inference.thin_lines import MOST_TAKEN, WIDEST, thinned
from inpaint_tf.models.registry import build_model

POINTS = np.array([(-30, 20), (30, 60), (50, 95), (160, 70)], np.int32)


def stroke(width, size=(128, 128)):
    return cv2.polylines(np.zeros(size, np.uint8), [POINTS], False, 1, width) > 0


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_thin_strokes_stay_as_they_are(width):
    lines = stroke(width)
    assert thinned(lines) is lines
    assert not thinned(np.zeros((5, 7), bool)).any()


@pytest.mark.parametrize("width", [9, 15, 25])
def test_of_thick_strokes_the_middle_stays(width):
    lines = stroke(width)
    thin = thinned(lines)
    assert not (thin & ~lines).any()
    assert cv2.connectedComponents(thin.astype(np.uint8))[0] == 2  # With the ground.
    # Along all of the line, which it leaves at bends at most; at the picture's edges it may bend itself.
    inside = np.zeros_like(lines)
    inside[12:-12, 12:-12] = True
    assert np.mean(to_nearest(stroke(1))[thin & inside] > 0.5 * WIDEST + 1) < 0.15
    assert to_nearest(thin)[stroke(1) & inside].max() < 0.2 * width


def to_nearest(lines):
    """Distances to the nearest pixel of a line."""
    return cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def test_thin_lines_beside_thick_ones_are_kept():
    lines = np.zeros((60, 60), bool)
    lines[10:25], lines[40:43] = True, True
    expected = np.zeros((60, 60), bool)
    expected[15:20], expected[40:43] = True, True
    assert np.array_equal(thinned(lines), expected)


def test_areas_stay_areas():
    lines = np.zeros((160, 160), bool)
    lines[30:130, 30:130] = True
    assert thinned(lines)[50:110, 50:110].all() and MOST_TAKEN < 20


@pytest.mark.parametrize("working_size", ["full", 48])
def test_a_thick_pen_gives_what_a_thin_one_gives(rng, working_size):
    image = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    hole, pens = np.zeros((96, 96), bool), np.zeros((2, 96, 96), bool)
    hole[24:72, 24:72] = True
    factor = 1 if working_size == "full" else 2
    pens[0, 48 - 8 * factor : 48 + 7 * factor], pens[1, 48 - 3 * factor : 48 + 2 * factor] = True, True
    inpainter = Inpainter(build_model("deepfill_v2_guided", width=8), working_size=working_size)
    thick, thin = (inpainter.run(image, hole, lines) for lines in pens)
    assert np.array_equal(thick.completed, thin.completed)
    assert np.abs(inpainter.run(image, hole).completed.astype(int) - thin.completed).max() > 0
    thick, thin = (attention_at(inpainter, image, hole, (40, 40), lines) for lines in pens)
    assert thick is not None and thin is not None and np.array_equal(thick.weights, thin.weights)
