import cv2
import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.inference.blending import continued, poisson_blend
from inpaint_tf.models.registry import build_model

# One grey level on [-1, 1].
LEVEL = 1 / 127.5


def ramp(height, width):
    """float32 [H, W, 3] that gets brighter to the right and below."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat((rows + columns)[..., np.newaxis] / 100 - 0.9, 3, axis=2).astype(np.float32)


def exact_blend(photo, hole, filled):
    """Poisson's equation as a dense system of linear equations: one for each pixel of the hole, flat at the edges."""
    numbers = np.full(hole.shape, -1)
    numbers[hole] = np.arange(hole.sum())
    system, right = np.zeros((hole.sum(), hole.sum())), np.zeros((hole.sum(), 3))
    for row, column in zip(*np.nonzero(hole)):
        equation = numbers[row, column]
        for place in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if not (0 <= place[0] < hole.shape[0] and 0 <= place[1] < hole.shape[1]):
                continue
            system[equation, equation] += 1
            right[equation] += filled[row, column] - filled[place]
            if hole[place]:
                system[equation, numbers[place]] -= 1
            else:
                right[equation] += photo[place]
    blended = filled.copy()
    blended[hole] = np.linalg.solve(system, right)
    return blended


def hole_of(*places, shape=(48, 52)):
    """bool [H, W]: True in the given slices."""
    hole = np.zeros(shape, bool)
    for place in places:
        hole[place] = True
    return hole


def drawn(draw):
    """bool [48, 52] with what an OpenCV function draws."""
    canvas = np.zeros((48, 52), np.uint8)
    draw(canvas)
    return canvas > 0


HOLES = {
    "box, even sides": hole_of(np.s_[10:34, 14:40]),
    "box, odd sides": hole_of(np.s_[11:34, 14:41]),
    "one pixel": hole_of(np.s_[20, 31]),
    "ellipse": drawn(lambda canvas: cv2.ellipse(canvas, (25, 24), (18, 11), 30, 0, 360, 1, -1)),
    "stroke": drawn(lambda canvas: cv2.line(canvas, (6, 40), (44, 9), 1, 5)),
    "notches": hole_of(np.s_[10:30, 12:40]) & ~hole_of(np.s_[10:25, 20:22], np.s_[18:20, 30:40]),
    "several": hole_of(np.s_[4:9, 5:20], np.s_[6:30, 38:45], np.s_[35:41, 3:9], np.s_[42, 30]),
    "at an edge": hole_of(np.s_[12:33, 37:]),
    "in a corner": hole_of(np.s_[:21, :26]),
    "in two corners": hole_of(np.s_[:15, :18], np.s_[30:, 33:]),
    "from edge to edge": hole_of(np.s_[15:30, :]),
    "at three edges": hole_of(np.s_[:30, :]),
    "every second pixel": (np.add.outer(np.arange(48), np.arange(52)) % 2).astype(bool),
}


@pytest.mark.parametrize("name", HOLES)
def test_exact_solution(name, rng):
    """A fill that is off by a smooth amount and by noise, on the known pixels too."""
    hole = HOLES[name]
    photo = rng.uniform(-0.5, 0.5, (*hole.shape, 3)).astype(np.float32)
    rows, columns = np.mgrid[:48, :52]
    off = 0.3 * np.sin(rows / 9)[..., np.newaxis] + columns[..., np.newaxis] / 150 * np.float32([1, -1, 0.5])
    filled = (photo + off + rng.normal(0, 0.05, photo.shape)).astype(np.float32)
    exact = exact_blend(photo, hole, filled)
    error = np.abs(poisson_blend(photo, hole, filled) - exact)
    assert error.max() < LEVEL
    assert np.abs(filled - exact).max() > 15 * LEVEL


ISLANDS = {
    "ring": drawn(lambda canvas: cv2.circle(canvas, (26, 24), 15, 1, 9)),
    "all but a box": ~hole_of(np.s_[20:40, 22:44]),
}


@pytest.mark.parametrize("name", ISLANDS)
def test_known_islands(name):
    """The one case that is further off, by less than a tenth of the seam that there was."""
    hole = ISLANDS[name]
    photo = ramp(48, 52)
    middle = hole_of(np.s_[20:30, 22:32])
    filled = photo + np.float32(0.4) * cv2.dilate(middle.astype(np.uint8), np.ones((9, 9)))[..., np.newaxis]
    error = np.abs(poisson_blend(photo, hole, filled) - exact_blend(photo, hole, filled))
    assert error.max() < 5 * LEVEL < 0.4 / 10


@pytest.mark.parametrize("name", HOLES)
def test_a_fill_that_is_too_bright_becomes_the_photo(name):
    """Same gradients and known surroundings: the photo itself is the solution, and nothing shifts by a pixel."""
    photo, hole = ramp(48, 52), HOLES[name]
    blended = poisson_blend(photo, hole, photo + 0.3)
    assert np.max(np.abs(blended - photo)[hole]) < LEVEL / 4


def test_nothing_shifts():
    """Texture of one pixel stays where the fill has it, at odd and even places and sizes."""
    rng = np.random.default_rng(0)
    photo = rng.uniform(-0.5, 0.5, (40, 41, 3)).astype(np.float32)
    for top, left, height, width in rng.integers((0, 0, 1, 1), (20, 20, 21, 22), (20, 4)):
        hole = hole_of(np.s_[top : top + height, left : left + width], shape=(40, 41))
        blended = poisson_blend(photo, hole, photo + 0.2)
        assert np.max(np.abs(blended - photo)[hole]) < LEVEL / 10


def test_gradients_beyond_8_bits_stay():
    """What the fill has between two levels, and beyond black and white, is not lost."""
    photo = np.full((40, 40, 3), 0.98, np.float32)
    hole = hole_of(np.s_[10:30, 10:30], shape=(40, 40))
    texture = np.where(np.indices((40, 40)).sum(0) % 2, 0.3, -0.3).astype(np.float32)[..., np.newaxis] * LEVEL
    blended = poisson_blend(photo, hole, photo - 0.5 + texture * hole[..., np.newaxis] + 0.2)
    inside = np.s_[12:28, 12:28]
    assert np.max(np.abs(blended[inside] - photo[inside] - texture[inside])) < LEVEL / 10


def test_without_a_hole_or_a_known_pixel_nothing_happens():
    photo = ramp(9, 9)
    for hole in (np.zeros((9, 9), bool), np.ones((9, 9), bool)):
        assert np.array_equal(poisson_blend(photo, hole, photo + 1), photo + 1)


def test_a_fill_goes_on_beyond_the_hole_as_the_mean_of_its_pixels_nearby():
    hole, photo = hole_of(np.s_[10:14, 20:30]), ramp(48, 52)
    filled = np.zeros((48, 52, 3), np.float32)
    filled[10:14, 20:30] = np.arange(10)[:, np.newaxis]
    filled[9, 25] = 7
    beyond = continued(photo, hole, filled)
    assert np.array_equal(beyond[hole], filled[hole])
    # Two rows above: columns 23 to 27 of the hole's first row; beside it: its last two columns.
    assert beyond[8, 25] == pytest.approx(5) and beyond[9, 25] == pytest.approx(5)
    assert beyond[12, 31] == pytest.approx(9) and beyond[12, 30] == pytest.approx(8.5)
    # Farther away there is the photo, and where a line of the sketch meets the hole's edge.
    lines = hole_of(np.s_[6:14, 25])
    led = continued(photo, hole, filled, lines)
    assert np.array_equal(beyond[7, 25], photo[7, 25]) and np.array_equal(led[9, 23:28], photo[9, 23:28])
    assert np.array_equal(led[9, 22], beyond[9, 22]) and np.array_equal(led[9, 28], beyond[9, 28])


def test_a_step_of_the_network_at_the_holes_edge_leaves_no_line():
    """Outside, its output follows the photo that it sees; in the hole it is a little too dark everywhere."""
    photo, hole = np.full((48, 52, 3), 0.3, np.float32), HOLES["stroke"]
    network = photo - 6 * LEVEL * hole[..., np.newaxis]
    assert np.abs(poisson_blend(photo, hole, network) - photo)[hole].max() > 5 * LEVEL
    blended = poisson_blend(photo, hole, continued(photo, hole, network))
    assert np.abs(blended - photo)[hole].max() < LEVEL / 4


def test_the_inpainter_blends_when_asked(rng):
    model = build_model("deepfill_v1_baseline", width=4)
    image = rng.integers(0, 256, (33, 40, 3), dtype=np.uint8)
    hole = np.zeros((33, 40), bool)
    hole[8:20, 0:12] = True
    plain, blended = (Inpainter(model, blend=blend)(image, hole) for blend in ("none", "poisson"))
    assert np.array_equal(blended[~hole], image[~hole])
    assert not np.array_equal(blended[hole], plain[hole])
    with pytest.raises(UserError, match="blend 'alpha' is unknown; known: none, poisson"):
        Inpainter(model, blend="alpha")


def test_blending_along_a_plan_is_blending_after_a_full_run(rng):
    model = build_model("deepfill_v1", width=4)
    image = rng.integers(0, 256, (130, 203, 3), dtype=np.uint8)
    hole = np.zeros((130, 203), bool)
    hole[0:20, 30:62] = hole[90:130, 180:203] = hole[60, 60] = True
    planned, full = (Inpainter(model, blend="poisson", plan=plan).run(image, hole) for plan in ("hole", "full"))
    assert planned.plan is not None and full.plan is None
    difference = np.abs(planned.completed.astype(int) - full.completed)
    assert difference.max() <= 1 and np.mean(difference[hole] > 0) < 0.01
