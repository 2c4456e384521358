"""The critics: the authors' sizes and names, and scores that stay float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.models.critics import LocalGlobalCritic


def test_authors_parameter_counts():
    critic = LocalGlobalCritic()
    critic.build()
    counts = {"local": 0, "global": 0}
    for variable in critic.variables:
        counts["local" if "_local" in variable.path else "global"] += int(np.prod(variable.shape))
    # reference: the authors' v1.0.0 graph with its dense layers.
    assert counts == {"local": 4_339_329, "global": 2_733_441}


def test_authors_names():
    critic = LocalGlobalCritic(2, image_size=32, box_size=16)
    critic.build()
    expected = {
        f"discriminator/{layer}/{kind}"
        for layer in (
            *(f"discriminator_{side}/conv{index}" for side in ("local", "global") for index in range(1, 5)),
            "dout_local_fc",
            "dout_global_fc",
        )
        for kind in ("kernel", "bias")
    }
    assert {variable.path for variable in critic.variables} == expected


def test_local_and_global_scores_are_independent():
    critic = LocalGlobalCritic(2, image_size=32, box_size=16)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 32, 32, 3)).astype(np.float32)
    boxes = rng.normal(size=(2, 16, 16, 3)).astype(np.float32)
    local_scores, global_scores = critic(images, boxes)
    other_local, same_global = critic(images, boxes + 1)
    np.testing.assert_array_equal(global_scores, same_global)
    assert (local_scores.numpy() != other_local.numpy()).all()
    np.testing.assert_array_equal(critic.score_images(images), global_scores)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_scores_are_float32_in_mixed_precision(precision):
    critic = LocalGlobalCritic(2, image_size=32, box_size=16, dtype=precision)
    scores = critic(np.ones((1, 32, 32, 3), np.float32), np.ones((1, 16, 16, 3), np.float32))
    assert [score.dtype for score in scores] == [tf.float32, tf.float32]
    assert critic.local_stack.convs[0].compute_dtype == precision.removeprefix("mixed_")


def test_config_round_trip():
    critic = LocalGlobalCritic(2, image_size=32, box_size=16)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(critic))
    again.build()
    assert (again.width, again.image_size, again.box_size) == (2, 32, 16)
