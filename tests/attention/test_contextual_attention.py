import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.layer import LARGEST_FEATURE
from inpaint_tf.layers import ContextualAttention

FORMS = ("fast", "literal")
CASES = (
    "c0_self_nomask",
    "c1_cross_centre",
    "c2_self_irreg",
    "c3_cross_nofuse",
    "c4_rate1_fuse",
    "c6_batch2",
    "c8_soft_scale1",
    "c9_zeros_eps",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_equals_the_authors_output(case, form, golden):
    with np.load(golden / "attention_cases.npz") as arrays:
        settings = json.loads(str(arrays["meta_json"]))[case]
        part = {
            key: arrays[f"{case}/{key}"] for key in ("f", "b", "mask", "y", "offset_abs") if f"{case}/{key}" in arrays
        }
    assert (settings["ksize"], settings["fuse_k"], settings["stride"]) == (3, 3, 1)
    layer = ContextualAttention(
        rate=settings["rate"], fuse=settings["fuse"], softmax_scale=settings["softmax_scale"], form=form
    )
    mask = part["mask"].astype(np.float32) if "mask" in part else None
    pasted, offsets = layer(part["f"], part.get("b"), hole_mask=mask)
    assert np.max(np.abs(pasted - part["y"])) < 1e-5
    assert np.array_equal(offsets, part["offset_abs"])


def random_case(rng):
    rate = int(rng.choice([1, 2]))
    grid, grid_b = rng.integers(1, 11, 2), rng.integers(1, 11, 2)
    if rng.random() < 0.5:
        grid_b = grid
    batch, channels = int(rng.integers(1, 4)), int(rng.integers(3, 9))  # with one channel, cosines tie
    f = rng.normal(size=(batch, *(rate * grid), channels)).astype(np.float32)
    b = rng.normal(size=(batch, *(rate * grid_b), channels)).astype(np.float32)
    height, width = rate * grid_b
    mask = np.zeros((batch if rng.random() < 0.5 else 1, height, width, 1), np.float32)
    kind = rng.integers(5)
    for sample in mask:
        if kind == 0:  # at a border or in a corner
            sample[: rng.integers(1, height + 1), : rng.integers(1, width + 1)] = 1
        elif kind == 1:
            sample[rng.integers(height) :, rng.integers(width) :] = 1
        elif kind == 2:
            sample[:] = rng.random((height, width, 1)) < 0.2
        elif kind == 3:
            sample[:] = 1
    options = {
        "rate": rate,
        "fuse": bool(rng.random() < 0.7),
        "fuse_kernel": int(rng.choice([3, 5])),
        "softmax_scale": float(rng.choice([1.0, 10.0])),
        "kernel_size": int(rng.choice([1, 3, 5])),
    }
    return f, b, mask, options


@pytest.mark.parametrize("seed", range(60))
def test_both_forms_agree(seed):
    f, b, mask, options = random_case(np.random.default_rng(seed))
    fast, fast_offsets = ContextualAttention(form="fast", **options)(f, b, hole_mask=mask)
    literal, literal_offsets = ContextualAttention(form="literal", **options)(f, b, hole_mask=mask)
    assert np.max(np.abs(fast - literal)) < 1e-4
    assert np.mean(np.any(fast_offsets != literal_offsets, axis=-1)) <= 0.02  # ties within rounding


@pytest.mark.parametrize("height,width", [(6, 128), (96, 10), (40, 72), (64, 64)])
@pytest.mark.parametrize("hole", ["centre", "left border", "all borders", "empty"])
def test_both_forms_agree_at_the_networks_settings(height, width, hole, rng):
    f = rng.normal(size=(2, height, width, 16)).astype(np.float32)
    mask = np.zeros((2, height, width, 1), np.float32)
    if hole == "centre":
        mask[0, height // 4 : -height // 4, width // 4 : -width // 4] = 1
        mask[1, 2:5, 2:5] = 1
    elif hole == "left border":
        mask[:, :, : width // 3] = 1
    elif hole == "all borders":
        mask[:] = 1
        mask[:, height // 4 : -height // 4, width // 4 : -width // 4] = 0
    fast, fast_offsets = ContextualAttention(form="fast")(f, hole_mask=mask)
    literal, literal_offsets = ContextualAttention(form="literal")(f, hole_mask=mask)
    assert np.max(np.abs(fast - literal)) < 1e-4
    assert np.mean(np.any(fast_offsets != literal_offsets, axis=-1)) <= 0.002


@pytest.mark.parametrize("form", FORMS)
def test_without_a_valid_patch_the_output_is_zero(form, rng):
    f = rng.normal(size=(1, 8, 8, 4)).astype(np.float32)
    pasted, _ = ContextualAttention(form=form)(f, hole_mask=np.ones((1, 8, 8, 1), np.float32))
    assert np.all(pasted.numpy() == 0)


@pytest.mark.parametrize("form", FORMS)
def test_copies_from_the_matching_place(form, rng):
    # The background holds the foreground moved by two rows and columns at half size: inner offsets say so, and what
    # is pasted there is the background's own pixels.
    scene = rng.normal(size=(1, 32, 32, 16)).astype(np.float32)
    layer = ContextualAttention(form=form, rate=1, softmax_scale=50.0)
    pasted, offsets = layer(scene[:, 2:26, 2:26], scene)
    rows, columns = np.mgrid[4:20, 4:20]
    assert np.array_equal(offsets[0, 4:20, 4:20], np.stack([rows + 2, columns + 2], axis=-1))
    # At rate 1 four patches overlap in every pixel and the sum is divided by 4.
    assert np.max(np.abs(pasted[0, 4:20, 4:20] - scene[0, 6:22, 6:22])) < 1e-3


@pytest.mark.parametrize("form", FORMS)
def test_features_up_to_the_documented_size(form, rng):
    # At 1e9 the strongest key has all the weight already, so from there on the result grows with the features.
    f = rng.normal(size=(1, 16, 24, 64)).astype(np.float32)
    f /= np.abs(f).max()
    mask = np.zeros((1, 16, 24, 1), np.float32)
    mask[:, 4:10, 6:14] = 1
    layer = ContextualAttention(form=form)
    large, offsets = layer(f * np.float32(LARGEST_FEATURE), hole_mask=mask)
    small, small_offsets = layer(f * np.float32(1e9), hole_mask=mask)
    np.testing.assert_allclose(large / LARGEST_FEATURE, small / 1e9, atol=1e-5)
    np.testing.assert_array_equal(offsets, small_offsets)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("fuse", [False, True])
def test_gradients_of_both_forms_agree(jit, fuse, rng):
    f = tf.constant(rng.normal(size=(2, 8, 12, 4)), tf.float32)
    b = tf.constant(rng.normal(size=(2, 8, 12, 4)), tf.float32)
    mask = np.zeros((2, 8, 12, 1), np.float32)
    mask[0, 2:5, 3:8] = 1
    target = tf.constant(rng.normal(size=(2, 8, 12, 4)), tf.float32)

    def gradients(form, compiled):
        layer = ContextualAttention(form=form, fuse=fuse, softmax_scale=1.0)

        @tf.function(jit_compile=compiled)
        def run():
            with tf.GradientTape() as tape:
                tape.watch([f, b])
                loss = tf.reduce_sum(layer(f, b, hole_mask=mask)[0] * target)
            return tape.gradient(loss, [f, b])

        return run()

    for fast, literal in zip(gradients("fast", jit), gradients("literal", False)):
        assert np.max(np.abs(literal)) > 0.1
        assert np.max(np.abs(fast - literal)) < 1e-4


@pytest.mark.parametrize("form", FORMS)
def test_gradient_at_zero_features_is_finite(form):
    f = tf.zeros((1, 8, 8, 4))
    with tf.GradientTape() as tape:
        tape.watch(f)
        loss = tf.reduce_sum(ContextualAttention(form=form)(f)[0])
    assert np.all(np.isfinite(tape.gradient(loss, f)))


def test_scores_stay_float32_under_a_mixed_policy(rng):
    f = rng.normal(size=(1, 16, 16, 8)).astype(np.float32)
    full, _ = ContextualAttention()(f)
    mixed, offsets = ContextualAttention(dtype="mixed_bfloat16")(f)
    assert mixed.dtype == tf.bfloat16 and offsets.dtype == tf.int32
    # Only the rounding of inputs and outputs to bfloat16 (8 bits) shows.
    assert np.max(np.abs(tf.cast(mixed, tf.float32) - full)) < 0.03 * np.max(np.abs(full))


def test_config_round_trip():
    layer = ContextualAttention(rate=1, fuse=False, fuse_kernel=5, softmax_scale=3.0, kernel_size=5, form="literal")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "options,shape,message",
    [
        ({"form": "slow"}, None, "known: fast, literal"),
        ({"kernel_size": 4}, None, "odd"),
        ({}, (1, 7, 8, 4), "multiples of rate 2"),
    ],
)
def test_bad_arguments_are_named(options, shape, message):
    with pytest.raises(ValueError, match=message):
        ContextualAttention(**options)(np.zeros(shape or (1, 8, 8, 4), np.float32))


def test_channels_must_match():
    with pytest.raises(ValueError, match="same channels"):
        ContextualAttention()(np.zeros((1, 8, 8, 4), np.float32), np.zeros((1, 8, 8, 5), np.float32))
