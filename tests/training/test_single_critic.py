import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.models.registry import build_model
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import recipe_for


@pytest.mark.parametrize("side,other", [("local", "global"), ("global", "local")])
def test_the_other_critic_plays_no_part(side, other, rng):
    config = TrainingConfig(width=4, critic_width=2, image_size=32, batch_size=2, critics=side)
    both = TrainingConfig(width=4, critic_width=2, image_size=32, batch_size=2)
    recipe = recipe_for("deepfill_v1_single_stage")
    generator, critic = build_model("deepfill_v1_single_stage", width=4), recipe.build_critic(config)
    corners, mask = recipe.sample_holes(config, 1, tf.constant([1, 2]))
    image = tf.constant(rng.uniform(-1, 1, (2, 32, 32, 3)), tf.float32)
    batch = Batch(image, mask, corners, tf.fill((2, 2), 0.3))
    with tf.GradientTape() as tape:
        terms = recipe.critic_terms(config, generator, critic, batch)
    gradients = tape.gradient(terms["critic_loss"], critic.trainable_variables)
    reached = {
        v.path.split("_")[1].split("/")[0] for v, g in zip(critic.trainable_variables, gradients) if g is not None
    }
    assert reached == {side}
    reference = recipe.critic_terms(both, generator, critic, batch)
    assert float(terms["critic_loss"]) == pytest.approx(
        float(reference[f"critic_{side}"] + 10 * reference[f"penalty_{side}"]), rel=1e-5
    )
    generator_terms = recipe.generator_terms(config, generator, critic, batch, "joint")
    assert f"generator_{side}" in generator_terms and f"generator_{other}" not in generator_terms
    # A single stage's L1 counts once: 1.2 * (l1 + known), with no share for a coarse output.
    expected = 1.2 * (generator_terms["l1"] + generator_terms["known"]) + 0.001 * generator_terms[f"generator_{side}"]
    assert float(generator_terms["generator_loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert np.isfinite(float(expected))
