import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.models.patch_critic import PatchCritic
from tests.conftest import DATA


def test_names_and_shapes_are_the_published_ones():
    import json

    shapes = json.loads((DATA / "golden" / "v2" / "release_variables.json").read_text())
    published = {
        name: tuple(shape)
        for name, shape in shapes.items()
        if name.startswith("discriminator/") and name.split("/")[-1] in ("kernel", "bias", "u")
    }
    critic = PatchCritic()
    critic.build()
    assert {variable.path: tuple(variable.shape) for variable in critic.variables} == published


def test_scores_are_patches(rng):
    critic = PatchCritic(2)
    image = rng.normal(size=(2, 128, 192, 3)).astype(np.float32)
    mask = np.zeros((1, 128, 192, 1), np.float32)
    scores = critic(image, mask)
    assert tuple(scores.shape) == (2, 2 * 3 * 8) and scores.dtype == tf.float32
    mask[:, 40:60, 40:60] = 1
    assert not np.array_equal(critic(image, mask), scores)


def test_a_guide_is_for_guided_critics_only():
    image, mask = np.zeros((1, 64, 64, 3), np.float32), np.zeros((1, 64, 64, 1), np.float32)
    assert tuple(PatchCritic(2, guided=True)(image, mask, mask).shape) == (1, 8)
    with pytest.raises(ValueError, match="guided critic"):
        PatchCritic(2, guided=True)(image, mask)
    with pytest.raises(ValueError, match="guided critic"):
        PatchCritic(2)(image, mask, mask)


def test_keras_file_keeps_u(tmp_path, rng):
    critic = PatchCritic(2)
    image, mask = rng.normal(size=(1, 64, 64, 3)).astype(np.float32), np.ones((1, 64, 64, 1), np.float32)
    critic(image, mask, training=True)
    critic.save(tmp_path / "critic.keras")
    again = keras.saving.load_model(tmp_path / "critic.keras")
    assert np.array_equal(again(image, mask), critic(image, mask))
    for ours, theirs in zip(critic.variables, again.variables):
        assert np.array_equal(ours, theirs)
