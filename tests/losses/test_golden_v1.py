"""Every loss term and gradient against the authors' v1.0.0 code.

The golden file was made by running the authors' TensorFlow 1 graph (CPU, float32) on two synthetic images with the
small checkpoint of tests/data/golden/v1, a fixed box and hole, and fixed interpolation alphas. Images are BGR.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.convert.authors_checkpoint import authors_names
from inpaint_tf.losses import spatial_discount
from inpaint_tf.models.critics import LocalGlobalCritic
from inpaint_tf.models.presets import named_variables
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import recipe_for

DATA = pathlib.Path(__file__).parents[1] / "data"
TERMS = {
    "l1": "l1_loss",
    "known": "ae_loss",
    "generator_local": "g_loss_local",
    "generator_global": "g_loss_global",
    "generator_loss": "g_loss_total",
    "critic_local": "d_loss_local",
    "critic_global": "d_loss_global",
    "penalty_local": "penalty_local",
    "penalty_global": "penalty_global",
    "penalty": "gp_loss",
    "critic_loss": "d_loss_total",
}


@pytest.fixture(scope="module")
def golden():
    with np.load(DATA / "losses_golden_v1.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def ours(golden):
    """Terms, and gradient norms under the authors' names, of the recipe that trains."""
    reader = tf.train.load_checkpoint(str(DATA / "golden" / "v1" / "snap-0"))
    config = TrainingConfig(width=8, critic_width=8, batch_size=2)
    recipe = recipe_for("deepfill_v1")
    generator = build_model("deepfill_v1", width=8)
    critic = LocalGlobalCritic(8)
    critic.build()
    names = authors_names(generator)
    generator_names = {variable.path: names[name] for name, variable in named_variables(generator).items()}
    for variable in generator.variables:
        variable.assign(reader.get_tensor(generator_names[variable.path]))
    for variable in critic.variables:
        variable.assign(reader.get_tensor(variable.path))
    batch = Batch(
        image=tf.constant(golden["images_bgr_u8"].astype(np.float32) / 127.5 - 1),
        hole_mask=tf.constant(golden["mask"][np.newaxis].astype(np.float32)),
        corners=tf.constant(golden["bbox_tlhw"][np.newaxis, :2].astype(np.int32)),
        alphas=tf.constant(np.concatenate([golden["alpha_local"], golden["alpha_global"]], axis=1)),
    )

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            generator_terms = recipe.generator_terms(config, generator, critic, batch, "joint")
        generator_gradients = tape.gradient(
            generator_terms["generator_loss"], [v.value for v in generator.trainable_variables]
        )
        with tf.GradientTape() as tape:
            critic_terms = recipe.critic_terms(config, generator, critic, batch)
        critic_gradients = tape.gradient(critic_terms["critic_loss"], [v.value for v in critic.trainable_variables])
        return {**generator_terms, **critic_terms}, generator_gradients, critic_gradients

    terms, generator_gradients, critic_gradients = run()
    norms = {
        f"grad_g_l2/{generator_names[variable.path]}": float(tf.norm(gradient))
        for variable, gradient in zip(generator.trainable_variables, generator_gradients)
    }
    norms |= {
        f"grad_d_l2/{variable.path}": float(tf.norm(gradient))
        for variable, gradient in zip(critic.trainable_variables, critic_gradients)
    }
    return {name: float(value) for name, value in terms.items()}, norms


@pytest.mark.parametrize("term", TERMS)
def test_loss_term_is_the_authors(ours, golden, term):
    assert ours[0][term] == pytest.approx(float(golden[TERMS[term]]), rel=1e-4)


def test_every_gradient_norm_is_the_authors(ours, golden):
    expected = {name: float(golden[name]) for name in golden if "_l2/" in name}
    assert set(ours[1]) == set(expected)
    off = {name: value for name, value in expected.items() if ours[1][name] != pytest.approx(value, rel=1e-3, abs=1e-6)}
    assert not off


def test_spatial_discount_is_exactly_the_authors(golden):
    np.testing.assert_array_equal(
        spatial_discount(128, 128, 0.9)[0, :, :, 0], golden["spatial_discounting_mask_128_g0.9"]
    )
