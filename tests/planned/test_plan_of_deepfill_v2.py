"""The plan and the fast attention serve DeepFill v2 as they are: gated lists, three channels into stage 2, tanh."""

import numpy as np
import pytest

from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.models.deepfill_v2 import NETWORK
from inpaint_tf.models.registry import build_model
from inpaint_tf.planned.macs import literal_macs
from inpaint_tf.planned.run import PlannedRun


@pytest.fixture(scope="module")
def engines():
    model = build_model("deepfill_v2", width=8)
    literal = build_model("deepfill_v2", width=8, attention_form="literal")
    literal.set_weights(model.get_weights())
    return PlannedRun(model), FullRun(literal)


@pytest.mark.slow
@pytest.mark.parametrize("hole", [np.s_[30:50, 40:70], np.s_[0:20, 100:136], np.s_[64:96, 3:90]])
def test_a_planned_run_equals_the_literal_full_run(engines, hole, rng):
    image = rng.uniform(-1, 1, (96, 136, 3)).astype(np.float32)
    mask = np.zeros((96, 136, 1), np.float32)
    mask[hole] = 1
    planned, full = (engine(image, mask) for engine in engines)
    inside = mask[..., 0] > 0
    for stage in ("coarse", "refined"):
        assert np.max(np.abs(planned[stage] - full[stage])[inside]) < 1e-4
        assert np.max(np.abs(full[stage][inside])) > 0.01
    computed = planned["offsets"][..., 0] >= 0
    assert computed.any() and np.mean(planned["offsets"][computed] == full["offsets"][computed]) > 0.99


def test_costs_are_the_published_ones():
    # reference: 25.2 GMAC of convolutions and 2.5 of attention at 256x256.
    assert literal_macs(NETWORK, 48, (256, 256)) == pytest.approx(27.7e9, rel=0.01)
