import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.inference.blending import poisson_blend
from inpaint_tf.models.registry import build_model


def ramp(height, width):
    """float32 [H, W, 3] that gets brighter to the right and below."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat((rows + columns)[..., np.newaxis] / 100 - 0.9, 3, axis=2).astype(np.float32)


PLACES = [np.s_[20:44, 16:40], np.s_[0:24, 30:64], np.s_[40:64, 0:64], np.s_[1:64, 1:64], np.s_[31, 31]]


@pytest.mark.parametrize("place", PLACES)
def test_a_fill_that_is_too_bright_becomes_the_photo(place):
    photo = ramp(64, 64)
    hole = np.zeros((64, 64), bool)
    hole[place] = True
    # Same gradients and known surroundings: the photo itself is the solution, at the photo's edges too.
    blended = poisson_blend(photo, hole, photo + 0.3)
    assert np.max(np.abs(blended - photo)[hole]) < 1e-4


def test_a_tilted_fill_is_straightened():
    photo = ramp(64, 64)
    hole = np.zeros((64, 64), bool)
    hole[10:50, 12:60] = hole[52:60, 2:9] = True
    tilt = np.linspace(-0.2, 0.4, 64, dtype=np.float32)[np.newaxis, :, np.newaxis]
    blended = poisson_blend(photo, hole, photo + tilt)
    assert np.mean(np.abs(blended - photo)[hole]) < 0.005 < 0.02 < np.mean(np.abs(tilt))


def test_gradients_of_the_fill_stay(rng):
    """Laplacian of the blend = Laplacian of the fill, inside the hole."""
    photo, filled = rng.uniform(-1, 1, (2, 40, 40, 3)).astype(np.float32)
    hole = np.zeros((40, 40), bool)
    hole[10:30, 8:33] = True
    correction = (poisson_blend(photo, hole, filled) - filled)[10:30, 8:33]
    laplacian = 4 * correction[1:-1, 1:-1] - (
        correction[:-2, 1:-1] + correction[2:, 1:-1] + correction[1:-1, :-2] + correction[1:-1, 2:]
    )
    assert np.max(np.abs(laplacian)) < 0.02 < 0.3 < np.max(np.abs(correction))


def test_without_a_hole_nothing_happens():
    photo = ramp(9, 9)
    assert np.array_equal(poisson_blend(photo, np.zeros((9, 9), bool), photo + 1), photo + 1)


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
