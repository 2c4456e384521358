"""Steps: what moves when, and that accumulation, clipping, precision and compilers change nothing they should not."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.losses import hole_discount, weighted_l1
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.recipes.deepfill_v1 import DeepFillV1Recipe
from inpaint_tf.training.state import FIRST_LOSS_SCALE, SCALE_PATIENCE, TrainingState, raw_variables
from inpaint_tf.training.steps import Steps
from inpaint_tf.training.strategy import check_devices

STRATEGY = tf.distribute.get_strategy()


def build(config):
    recipe = recipe_for(config.model)
    state = TrainingState(config, recipe, STRATEGY)
    return state, Steps(config, recipe, state, STRATEGY)


def some_photos(config, seed=0):
    shape = (config.batch_size, config.image_size, config.image_size, 3)
    return tf.constant(np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8))


def values(variables):
    return [variable.numpy().copy() for variable in variables]


def moved(before, variables):
    return [bool((old != variable.numpy()).any()) for old, variable in zip(before, variables)]


@pytest.mark.parametrize("n_critic, warm_up", [(1, 0), (2, 0), (5, 0), (1, 3), (5, 2)])
def test_when_generator_and_critics_move(n_critic, warm_up, tiny):
    """The order of an iteration: n_critic critic steps, then the generator; in the warm-up no critic at all."""
    config = tiny(n_critic=n_critic, pretrain_coarse_steps=warm_up, max_steps=5)
    phases = [DeepFillV1Recipe().phase(config, step) for step in range(5)]
    assert [phase.critic_steps for phase in phases] == [0] * warm_up + [n_critic] * (5 - warm_up)
    assert [phase.name for phase in phases] == ["warm_up"] * warm_up + ["joint"] * (5 - warm_up)
    assert all(phase.generator_moves for phase in phases)


@pytest.mark.slow
def test_each_step_moves_its_own_variables_and_no_others(tiny):
    config = tiny()
    state, steps = build(config)
    photos = some_photos(config)
    coarse = [variable.value for variable in state.generator.coarse.trainable_variables]
    generator, critic = raw_variables(state.generator), raw_variables(state.critic)
    everything = {"generator": generator, "critic": critic, "averages": state.averages}

    def changes(run):
        before = {name: values(variables) for name, variables in everything.items()}
        run()
        return {name: moved(before[name], variables) for name, variables in everything.items()}

    found = changes(lambda: steps.generator(photos, "warm_up"))
    in_coarse = [any(variable is other for other in coarse) for variable in generator]
    assert found["generator"] == in_coarse == found["averages"]
    assert not any(found["critic"]) and 0 < sum(in_coarse) < len(generator)

    found = changes(lambda: steps.critic(photos))
    assert not any(found["generator"]) and not any(found["averages"])
    # All but the biases of the dense layers, whose gradient is zero under the Wasserstein loss.
    assert found["critic"].count(False) == 2

    found = changes(lambda: steps.generator(photos, "joint"))
    assert all(found["generator"]) and all(found["averages"]) and not any(found["critic"])
    counters = state.counters
    assert (counters.batches, counters.updates) == (3, 3)


def test_a_critic_step_differentiates_the_critics_only(tiny):
    """Filter gradients of the eight critic convolutions, for scores and penalty; the generator has forty of them."""
    config = tiny(n_critic=1)
    _, steps = build(config)
    step = tf.function(lambda photos: steps.gradients("critic", steps.draw(photos, tf.constant(0))), autograph=False)
    operations = step.get_concrete_function(some_photos(config)).graph.get_operations()
    assert sum(operation.type == "Conv2DBackpropFilter" for operation in operations) <= 3 * 8


@pytest.fixture
def critic_gradients():
    """Function: configuration -> terms and gradients of a critic step on fixed photos, one graph."""

    def run(config, jit=False):
        _, steps = build(config)

        def gradients(photos):
            return steps.gradients("critic", steps.draw(photos, tf.constant(5)))

        found, terms = tf.function(gradients, jit_compile=jit)(some_photos(config))
        return {name: float(term) for name, term in terms.items()}, [gradient.numpy() for gradient in found]

    return run


@pytest.mark.slow
def test_accumulated_parts_give_the_whole_batch(tiny, critic_gradients):
    terms, gradients = critic_gradients(tiny(mask_per_image=True))
    parts_terms, parts_gradients = critic_gradients(tiny(mask_per_image=True, accumulate=4))
    assert parts_terms == pytest.approx(terms, rel=1e-4, abs=1e-6)
    for whole, part in zip(gradients, parts_gradients):
        np.testing.assert_allclose(part, whole, atol=2e-5 * max(1, np.abs(whole).max()))


@pytest.mark.slow
def test_xla_gives_the_same_critic_gradients(tiny, critic_gradients):
    config = tiny()
    terms, gradients = critic_gradients(config)
    compiled_terms, compiled = critic_gradients(config, jit=True)
    assert compiled_terms == pytest.approx(terms, rel=1e-4, abs=1e-6)
    for plain, jitted in zip(gradients, compiled):
        np.testing.assert_allclose(jitted, plain, atol=1e-4 * max(1, np.abs(plain).max()))


@pytest.mark.slow
def test_bfloat16_stays_near_and_keeps_variables_and_losses_float32(tiny, critic_gradients):
    terms, gradients = critic_gradients(tiny())
    low_terms, low = critic_gradients(tiny(precision="mixed_bfloat16"))
    assert low_terms["penalty"] == pytest.approx(terms["penalty"], rel=0.05)
    assert all(gradient.dtype == np.float32 for gradient in low)
    whole, lows = (np.concatenate([g.ravel() for g in group]) for group in (gradients, low))
    assert whole @ lows / np.linalg.norm(whole) / np.linalg.norm(lows) > 0.99


def test_one_hole_a_batch_or_one_an_image(tiny):
    for per_image, rows in ((False, 1), (True, 4)):
        config = tiny(mask_per_image=per_image)
        _, steps = build(config)
        batch = steps.draw(some_photos(config), tf.constant(0))
        assert batch.hole_mask.shape == (rows, 32, 32, 1) and batch.corners.shape == (rows, 2)
        assert batch.alphas.shape == (4, 2)
        again, other = steps.draw(some_photos(config), tf.constant(0)), steps.draw(some_photos(config), tf.constant(1))
        np.testing.assert_array_equal(batch.alphas, again.alphas)
        assert (batch.alphas.numpy() != other.alphas.numpy()).all()


def test_float16_skips_a_step_that_overflows_and_halves_its_scale(tiny):
    state, steps = build(tiny(precision="mixed_float16"))
    scale, patience = state.loss_scale
    assert float(scale) == FIRST_LOSS_SCALE
    assert bool(steps._adjust_loss_scale(tf.constant(np.inf)))
    assert (float(scale), float(patience)) == (FIRST_LOSS_SCALE / 2, 0)
    assert not bool(steps._adjust_loss_scale(tf.constant(3.0)))
    assert (float(scale), float(patience)) == (FIRST_LOSS_SCALE / 2, 1)
    patience.assign(SCALE_PATIENCE - 1)
    steps._adjust_loss_scale(tf.constant(3.0))
    assert (float(scale), float(patience)) == (FIRST_LOSS_SCALE, 0)


def test_float16_without_gpu_or_xla_says_what_to_do(tiny, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(UserError, match="mixed_float16 needs a GPU or --jit_compile.*mixed_bfloat16"):
        check_devices(tiny(precision="mixed_float16"), STRATEGY)
    check_devices(tiny(precision="mixed_float16", jit_compile=True), STRATEGY)


def test_clipping_bounds_the_gradient_and_reports_its_norm(tiny):
    config = tiny(clip_norm=1e-3, pretrain_coarse_steps=3, beta_1=0.0, epsilon=1.0, learning_rate=1.0)
    state, steps = build(config)
    terms = steps.generator(some_photos(config), "warm_up")
    assert float(terms["generator_gradient_norm"]) > 0.01
    first_moments = np.concatenate([m.numpy().ravel() for m in state.generator_optimizer.slots["m"]])
    # With beta_1 = 0 the first moment is the clipped gradient.
    assert np.linalg.norm(first_moments) == pytest.approx(1e-3, rel=1e-4)


@pytest.mark.slow
def test_the_baseline_trains_without_attention(tiny):
    config = tiny(model="deepfill_v1_baseline", adversarial="hinge")
    state, steps = build(config)
    before = values(raw_variables(state.generator))
    terms = steps.generator(some_photos(config), "joint")
    assert all(moved(before, raw_variables(state.generator)))
    assert not any("pmconv" in variable.path for variable in state.generator.variables)
    assert "penalty" not in terms and np.isfinite(float(terms["generator_loss"]))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["deepfill_v1", "deepfill_v2"])
def test_mixed_holes_train_every_deepfill_on_the_same_reconstruction(model, tiny):
    config = tiny(model=model, width=4, holes="mixed", reconstruction="hole", mask_per_image=True, known_weight=0.4)
    state, steps = build(config)
    batch = steps.draw(some_photos(config), tf.constant(0))
    terms = steps.recipe.generator_terms(config, state.generator, state.critic, batch, "joint")
    outputs = state.generator(batch.image, batch.hole_mask)
    weights = hole_discount(batch.hole_mask, config.spatial_discount)
    expected = {"l1": 0.0, "known": 0.0}
    for weight, output in ((config.coarse_weight, outputs["coarse"]), (1.0, outputs["refined"])):
        expected["l1"] += weight * weighted_l1(batch.image, output, weights)
        expected["known"] += weight * weighted_l1(batch.image, output, 1 - batch.hole_mask)
    for name, value in expected.items():
        assert float(terms[name]) == pytest.approx(float(value), rel=1e-6)
    adversarial = {name: value for name, value in terms.items() if name.startswith("generator_") and "loss" not in name}
    assert adversarial and np.isfinite(float(terms["generator_loss"]))
    assert np.isfinite(float(steps.critic(some_photos(config))["critic_loss"]))
