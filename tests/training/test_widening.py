"""A wider model starts where a narrow one ended."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.models.presets import assign_weights, named_variables
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.widening import can_be_widened, widened


@pytest.mark.parametrize("name", ["deepfill_v1", "deepfill_v1_baseline"])
@pytest.mark.parametrize("widths", [(4, 8), (4, 6)])
def test_the_widened_model_computes_the_same(name, widths, rng):
    narrow, wide = (build_model(name, width=width) for width in widths)
    for variable in narrow.weights:
        # Larger than fresh weights, so that the attention is far from uniform; with biases.
        spread = 1.5 / np.sqrt(np.prod(variable.shape[:-1])) if len(variable.shape) > 1 else 0.1
        variable.assign(rng.normal(0, spread, variable.shape))
    arrays = {name: variable.numpy() for name, variable in named_variables(narrow).items()}
    assign_weights(wide, widened(arrays, narrow, wide, rng), "widened")
    image = tf.constant(rng.uniform(-1, 1, (1, 64, 64, 3)), tf.float32)
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, 16:48, 24:56] = 1
    expected, found = narrow(image, mask), wide(image, mask)
    assert expected["refined"].numpy().std() > 0.05
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], atol=1e-4)


def test_copies_of_a_channel_are_read_with_different_weights(rng):
    narrow, wide = (build_model("deepfill_v1_baseline", width=width) for width in (4, 8))
    arrays = {name: variable.numpy() for name, variable in named_variables(narrow).items()}
    kernel = widened(arrays, narrow, wide, rng)["coarse/conv3/kernel"]
    assert np.abs(kernel[:, :, :8] - kernel[:, :, 8:]).mean() > 0.05 * np.abs(kernel).mean()


def test_gated_models_are_not_widened():
    assert not can_be_widened(build_model("deepfill_v2", width=4))
    assert can_be_widened(build_model("deepfill_v1", width=2))
