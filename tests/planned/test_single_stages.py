"""Networks of one stage run along a plan: GLCIC with its mean colour and sigmoid, and DeepFill v1's coarse network."""

import keras
import numpy as np
import pytest

from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.models.registry import build_model
from inpaint_tf.planned.run import PlannedRun
from tests.planned.random_photos import KINDS, compare, random_photo, with_random_weights


@pytest.fixture(scope="module", params=["glcic", "deepfill_v1_single_stage"])
def runs(request):
    keras.utils.set_random_seed(0)
    model = with_random_weights(build_model(request.param, width=4))
    return PlannedRun(model), FullRun(model)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_planned_run_equals_the_full_run(runs, kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(6):
        image, hole = random_photo(rng, kind)
        difference, levels = compare(*runs, image, hole)
        assert difference < 1e-4 and levels.max() <= 1
    # The outputs are alive.
    assert 0.01 < np.abs(runs[1](image, hole[..., np.newaxis].astype(np.float32))["refined"][hole]).mean() < 0.9


def test_crops_that_end_inside_the_photo(runs):
    rng = np.random.default_rng(9)
    for top, left in ((216, 240), (0, 300), (400, 0)):
        hole = np.zeros((472, 544), bool)
        hole[top : top + 48, left : left + 56] = True
        image = rng.uniform(-1, 1, (*hole.shape, 3)).astype(np.float32)
        plan = runs[0].plan(hole)
        assert not plan.fell_back and plan.macs < 0.6 * plan.full_macs
        assert compare(*runs, image, hole)[0] < 1e-4


def test_the_hole_is_seen_in_the_mean_colour():
    model = with_random_weights(build_model("glcic", width=4))
    image, mask = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64, 1), np.float32)
    mask[20:40, 20:40] = 1
    run = PlannedRun(model)
    before = run(image, mask)["refined"]
    model.mean_colour.assign([0.9, -0.9, 0.3])
    # The same graphs, with the variable's new value.
    after = run(image, mask)["refined"]
    assert np.abs(after - before).max() > 0.05
    np.testing.assert_allclose(
        after[mask[..., 0] > 0], FullRun(model)(image, mask)["refined"][mask[..., 0] > 0], atol=1e-5
    )
