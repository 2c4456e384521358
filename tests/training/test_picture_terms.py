"""The added loss terms in a step: what they add up to; compilers and precisions change nothing they should not."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.training.loop import Trainer
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps

STRATEGY = tf.distribute.get_strategy()


class Edges(tf.Module):
    """A feature network of two maps: neighbours' differences, and those of means over 2 pixels."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="images")])
    def __call__(self, images):
        small = tf.nn.avg_pool2d(images, 2, 2, "VALID")
        return [x[:, :, 1:] - x[:, :, :-1] for x in (images, small)]


@pytest.fixture(scope="module")
def edges(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("features") / "edges")
    module = Edges()
    tf.saved_model.save(module, path)
    return path


@pytest.fixture
def weights(edges):
    return {
        "image_size": 64, "mask_per_image": True, "perceptual_weight": 0.5, "perceptual_network": edges,
        "perceptual_layers": 2, "spectrum_weight": 0.25,
    }  # fmt: skip


def gradients_of(config, kind="joint", jit=False):
    """Terms and gradients of a step on fixed photos and holes, as numbers."""
    recipe = recipe_for(config.model)
    steps = Steps(config, recipe, TrainingState(config, recipe, STRATEGY), STRATEGY)
    shape = (config.batch_size, config.image_size, config.image_size, 3)
    photos = tf.constant(np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8))
    batch = steps.draw(photos, tf.constant(5))
    found, terms = tf.function(steps.gradients, jit_compile=jit, autograph=False)(kind, batch)
    return {name: float(term) for name, term in terms.items()}, np.concatenate([g.numpy().ravel() for g in found])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["deepfill_v1", "deepfill_v2", "glcic"])
def test_every_system_takes_perceptual_loss_and_spectra(model, tiny, weights):
    config = tiny(model=model, width=4, **weights)
    without = tiny(model=model, width=4, image_size=64, mask_per_image=True)
    terms, gradients = gradients_of(config)
    plain_terms, plain_gradients = gradients_of(without)
    assert 0.1 < terms["perceptual"] < 10 and 0.1 < terms["spectrum"] < 10
    added = 0.5 * terms["perceptual"] + 0.25 * terms["spectrum"]
    assert terms["generator_loss"] == pytest.approx(plain_terms["generator_loss"] + added, rel=1e-4)
    assert np.abs(gradients - plain_gradients).max() > 1e-6


@pytest.mark.slow  # Half a minute: XLA.
def test_xla_and_low_precision_give_the_same_terms(tiny, weights):
    config = tiny(adversarial_weight=0, n_critic=0, **weights)
    terms, gradients = gradients_of(config)
    compiled_terms, compiled = gradients_of(config, jit=True)
    assert compiled_terms == pytest.approx(terms, rel=1e-4, abs=1e-6)
    np.testing.assert_allclose(compiled, gradients, atol=1e-4 * np.abs(gradients).max())
    for precision, jit in (("mixed_bfloat16", False), ("mixed_float16", True)):
        low_terms, low = gradients_of(tiny(adversarial_weight=0, n_critic=0, precision=precision, **weights), jit=jit)
        assert low_terms == pytest.approx(terms, rel=0.05)
        assert low @ gradients / np.linalg.norm(low) / np.linalg.norm(gradients) > 0.97


@pytest.mark.slow
def test_the_same_batch_is_always_seen_through_the_same_crop(tiny, weights):
    config = tiny(adversarial_weight=0, n_critic=0, **weights)
    assert gradients_of(config)[0] == gradients_of(config)[0]


@pytest.mark.slow
@pytest.mark.parametrize("model, sides", [("deepfill_v1", ("_local", "_global")), ("deepfill_v2", ("",))])
def test_r1_and_feature_matching_add_up(model, sides, tiny):
    gan = {"adversarial": "non_saturating", "adversarial_weight": 0.1, "model": model, "width": 4, "image_size": 64}
    config = tiny(**gan, r1_weight=2.0, feature_matching_weight=0.5)
    without = tiny(**gan)
    terms, plain_terms = gradients_of(config)[0], gradients_of(without)[0]
    matching = [terms[f"matching{side}"] for side in sides]
    assert min(matching) > 0
    assert terms["generator_loss"] == pytest.approx(plain_terms["generator_loss"] + 0.5 * sum(matching), rel=1e-4)

    (terms, gradients), (plain_terms, plain_gradients) = (gradients_of(c, "critic") for c in (config, without))
    r1 = [terms[f"r1{side}"] for side in sides]
    assert min(r1) > 0
    assert terms["critic_loss"] == pytest.approx(plain_terms["critic_loss"] + 2 * sum(r1), rel=1e-4)
    assert np.abs(gradients - plain_gradients).max() > 1e-6


def test_a_missing_feature_network_is_said_before_the_first_step(tiny, tmp_path):
    config = tiny(perceptual_weight=1.0, perceptual_network=str(tmp_path))
    with pytest.raises(UserError, match="no SavedModel"):
        Trainer(config, [], "", STRATEGY)
    assert not (tmp_path / "run").exists()
