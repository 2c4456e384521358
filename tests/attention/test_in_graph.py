"""The attention of exported graphs: tiles give the fast form's numbers where they are wanted."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.fast import fast_attention
from inpaint_tf.attention.in_graph import tiled_attention, wanted_positions
from inpaint_tf.attention.layer import LARGEST_FEATURE
from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.attention.tuning import GraphTuning
from inpaint_tf.models.deepfill_v1 import NETWORK


@pytest.fixture(scope="module")
def tiled():
    """One graph for all sizes."""
    specs = [tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None, 1]), tf.TensorSpec([None, None], tf.bool)]
    return tf.function(
        lambda features, mask, wanted, scores: tiled_attention(
            features, mask, wanted, 10.0, GraphTuning(tile_scores=scores)
        ),
        input_signature=[*specs, tf.TensorSpec([], tf.int32)],
    )


@pytest.mark.parametrize("case", range(12))
def test_tiles_are_the_fast_form(case, tiled):
    rng = np.random.default_rng(case)
    # One row, one column and sizes that tiles do not divide among them.
    height, width = [(1, 9), (7, 1), (2, 2)][case] if case < 3 else rng.integers(3, 17, 2)
    side = int(rng.integers(4, 9))
    features = rng.normal(size=(2 * height, 2 * width, 4)).astype(np.float32)
    mask = (rng.uniform(size=(2 * height, 2 * width, 1)) < 0.1).astype(np.float32)
    wanted = np.ones((height, width), bool) if case % 2 else rng.uniform(size=(height, width)) < 0.05
    expected, expected_offsets = fast_attention(features[None], features[None], mask[None], AttentionSettings())
    pasted, offsets = tiled(features, mask, wanted, int((side + 4) ** 2 * height * width) + 1)

    fine = wanted.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(pasted.numpy()[fine], expected[0].numpy()[fine], atol=3e-5)
    np.testing.assert_array_equal(offsets.numpy()[wanted], expected_offsets[0].numpy()[wanted])


def test_features_up_to_the_documented_size(tiled, rng):
    features = (rng.uniform(-1, 1, size=(24, 32, 4)) * LARGEST_FEATURE).astype(np.float32)
    mask = np.zeros((24, 32, 1), np.float32)
    mask[5:12, 10:20] = 1
    expected, expected_offsets = fast_attention(features[None], features[None], mask[None], AttentionSettings())
    pasted, offsets = tiled(features, mask, np.ones((12, 16), bool), 10 * 10 * 12 * 16)
    np.testing.assert_allclose(pasted / LARGEST_FEATURE, expected[0] / LARGEST_FEATURE, atol=1e-5)
    np.testing.assert_array_equal(offsets, expected_offsets[0])


def test_only_tiles_that_the_hole_sees_are_computed(tiled, rng):
    features = rng.normal(size=(32, 32, 4)).astype(np.float32)
    wanted = np.zeros((16, 16), bool)
    wanted[9, 2] = True
    _, offsets = tiled(features, np.zeros((32, 32, 1), np.float32), wanted, 8 * 8 * 256)
    computed = (offsets.numpy() >= 0).all(axis=-1)
    # Tiles of 4 x 4: one of sixteen.
    assert computed.sum() == 16 and computed[8:12, 0:4].all()


def test_reach_of_the_decoder():
    # pmconv9-10 and allconv11-12: 1 of 4 px each; allconv13 up: 4; allconv14: 2; allconv15 up: 2; allconv16-17: 1 each.
    assert NETWORK.reach("attention") == 4 * 4 + 4 + 2 + 2 + 1 + 1
    hole = np.zeros((1, 96, 96, 1), np.float32)
    hole[0, 48, 48] = 1
    wanted = wanted_positions(hole, 26).numpy()[0]
    # Pixel 48 lies in cell 6; 26 px are 4 cells.
    assert wanted.sum() == 81 and wanted[2:11, 2:11].all()
