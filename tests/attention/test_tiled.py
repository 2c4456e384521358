"""The tiled attention against the literal layer."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.layer import LARGEST_FEATURE
from inpaint_tf.attention.tiled.layout import plan_attention
from inpaint_tf.attention.tiled.run import TiledAttention
from inpaint_tf.attention.tuning import Tuning
from inpaint_tf.layers import ContextualAttention
from inpaint_tf.layers.resize import resize_nearest_align_corners

CHANNELS = 4
# Maps as small as here would run whole.
IN_TILES = Tuning(most_whole_scores=0)


@pytest.fixture(scope="module")
def attention():
    return TiledAttention(ContextualAttention())


def plan_of(hole, wanted, score_bytes=1 << 28, tuning=IN_TILES):
    return plan_attention(hole, wanted.shape, CHANNELS, wanted, score_bytes, tuning)


def random_case(rng, largest=14):
    """Features, hole of the image and wanted features, for a grid of up to `largest` positions a side."""
    height, width = rng.integers(1, largest + 1, 2)
    features = rng.normal(scale=rng.choice([0.3, 1.0]), size=(2 * height, 2 * width, CHANNELS)).astype("float32")
    hole, wanted = np.zeros((8 * height, 8 * width), bool), np.zeros((2 * height, 2 * width), bool)
    for mask, count in ((hole, rng.integers(1, 4)), (wanted, 1)):
        for _ in range(count):
            top, left = (int(rng.integers(0, side)) for side in mask.shape)
            mask[top : top + rng.integers(1, mask.shape[0] + 1), left : left + rng.integers(1, mask.shape[1] + 1)] = (
                True
            )
    if rng.random() < 0.2:
        wanted[:] = True
    return features, hole, wanted


def literal(features, hole):
    mask = resize_nearest_align_corners(hole[np.newaxis, :, :, np.newaxis].astype("float32"), *features.shape[:2])
    pasted, offsets = ContextualAttention(form="literal")(tf.constant(features[np.newaxis]), hole_mask=mask)
    return pasted[0].numpy(), offsets[0].numpy()


def wanted_part(result, plan):
    """The attention's result at the wanted features, and its offsets at the wanted positions."""
    pasted, rect, offsets = result
    whole = np.full((2 * plan.grid[0], 2 * plan.grid[1], pasted.shape[-1]), np.nan, np.float32)
    whole[rect.slices] = pasted
    return whole[plan.wanted.repeat(2, axis=0).repeat(2, axis=1)], offsets[plan.wanted]


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_literal_layer(attention, seed):
    """100 random cases, with few and many tiles and strips of keys."""
    rng = np.random.default_rng(seed)
    for _ in range(25):
        tuning = Tuning(
            most_whole_scores=0,
            most_key_slots=int(rng.choice([1, 100, 1000])),
            step_overhead_key_slots=int(rng.choice([0, 1000])),
            least_strip_rows=int(rng.choice([1, 3, 8])),
            most_query_slots=int(rng.choice([100, 300, 2400])),
        )
        features, hole, wanted = random_case(rng)
        plan = plan_of(hole, wanted, tuning=tuning)
        pasted, offsets = wanted_part(attention(lambda: features, plan), plan)
        expected, expected_offsets = literal(features, hole)
        np.testing.assert_allclose(
            pasted, expected[plan.wanted.repeat(2, axis=0).repeat(2, axis=1)], atol=1e-5, rtol=1e-5
        )
        np.testing.assert_array_equal(offsets, expected_offsets[plan.wanted])


def test_tiles_do_not_change_the_numbers(attention, rng):
    features = rng.normal(size=(48, 56, CHANNELS)).astype("float32")
    hole = np.zeros((192, 224), bool)
    hole[40:150, 60:180] = True
    wanted = np.ones((48, 56), bool)
    results, tiles = [], []
    for stored in (1 << 30, 4_000_000, 1_500_000):
        plan = plan_of(hole, wanted, stored)
        results.append(wanted_part(attention(lambda: features, plan), plan))
        tiles.append(len(plan.tiles))
        assert plan.score_bytes <= stored
    assert tiles[0] < tiles[1] < tiles[2]
    for pasted, offsets in results[1:]:
        np.testing.assert_allclose(pasted, results[0][0], atol=1e-5)
        np.testing.assert_array_equal(offsets, results[0][1])


def test_few_scores_are_computed_at_once(attention, rng):
    at_once = Tuning(most_whole_scores=20**4)
    cropped = set()
    for _ in range(60):
        features, hole, wanted = random_case(rng, largest=20)
        if rng.random() < 0.3:
            height, width = wanted.shape
            wanted[:] = False
            wanted[height // 2 : height // 2 + 2, width // 2 : width // 2 + 2] = True
        plan = plan_of(hole, wanted, tuning=at_once)
        assert not plan.tiles
        cropped.add((plan.whole.height < plan.grid[0], plan.whole.width < plan.grid[1]))
        pasted, offsets = wanted_part(attention(lambda: features, plan), plan)
        expected, expected_offsets = literal(features, hole)
        cells = plan.wanted.repeat(2, axis=0).repeat(2, axis=1)
        np.testing.assert_allclose(pasted, expected[cells], atol=1e-5, rtol=1e-5)
        np.testing.assert_array_equal(offsets, expected_offsets[plan.wanted])
    assert len(cropped) == 4
    assert plan_of(hole, wanted, plan.score_bytes - 1, at_once).whole is None


@pytest.mark.parametrize("tuning", [IN_TILES, Tuning()])
def test_features_up_to_the_documented_size(attention, tuning, rng):
    features = (rng.uniform(-1, 1, size=(24, 32, CHANNELS)) * LARGEST_FEATURE).astype("float32")
    hole, wanted = np.zeros((96, 128), bool), np.ones((24, 32), bool)
    hole[20:50, 40:90] = True
    plan = plan_of(hole, wanted, tuning=tuning)
    pasted, offsets = wanted_part(attention(lambda: features, plan), plan)
    expected, expected_offsets = literal(features, hole)
    np.testing.assert_allclose(pasted / LARGEST_FEATURE, expected.reshape(pasted.shape) / LARGEST_FEATURE, atol=1e-5)
    np.testing.assert_array_equal(offsets, expected_offsets[plan.wanted])


def test_without_a_valid_key_the_result_is_zero(attention, rng):
    features = rng.normal(size=(8, 12, CHANNELS)).astype("float32")
    plan = plan_of(np.ones((32, 48), bool), np.ones((8, 12), bool))
    pasted, offsets = wanted_part(attention(lambda: features, plan), plan)
    assert not pasted.any() and not offsets.any()


def test_offsets_are_unknown_outside_the_plan(attention, rng):
    features = rng.normal(size=(16, 16, CHANNELS)).astype("float32")
    hole, wanted = np.zeros((64, 64), bool), np.zeros((16, 16), bool)
    hole[30:40, 30:40] = wanted[6:10, 6:10] = True
    plan = plan_of(hole, wanted)
    offsets = attention(lambda: features, plan)[2]
    assert (offsets[3:5, 3:5] >= 0).all() and (offsets >= 0).all(axis=-1).sum() == 4


def test_graphs_are_built_once(rng):
    attention = TiledAttention(ContextualAttention())
    for _ in range(12):
        features, hole, wanted = random_case(rng, largest=9)
        plan = plan_of(hole, wanted)
        attention(lambda features=features: features, plan)
    assert attention.traces <= 5


@pytest.mark.parametrize("change", [{"fuse": False}, {"rate": 1}, {"kernel_size": 5}, {"fuse_kernel": 5}])
def test_other_settings_are_not_supported(change):
    assert TiledAttention.supports(ContextualAttention())
    assert not TiledAttention.supports(ContextualAttention(**change))
