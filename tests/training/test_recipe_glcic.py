import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.training.adadelta import Adadelta
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps

CONFIG = TrainingConfig(
    model="glcic", width=4, critic_width=2, image_size=32, batch_size=4, n_critic=1, adversarial="bce",
    adversarial_weight=4e-4, pretrain_coarse_steps=9, pretrain_critic_steps=1, max_steps=50, learning_rate=1.0,
    ema_decay=0.0, mask_per_image=True,
)  # fmt: skip


def test_three_phases():
    phases = [recipe_for("glcic").phase(CONFIG, step) for step in range(12)]
    assert [phase.name for phase in phases] == ["reconstruction"] * 9 + ["critic_only"] + ["joint"] * 2
    assert [(phase.critic_steps, phase.generator_moves) for phase in phases[8:11]] == [(0, True), (1, False), (1, True)]


def test_adadelta_is_that_of_keras(rng):
    start, gradients = rng.normal(size=(5, 3)), rng.normal(size=(6, 5, 3))
    ours, theirs = (tf.Variable(start, dtype=tf.float32) for _ in range(2))
    optimizer, reference = Adadelta([ours]), keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-6)
    reference_variable = keras.Variable(start, dtype="float32")
    reference.build([reference_variable])
    for count, gradient in enumerate(gradients, 1):
        gradient = tf.constant(gradient, tf.float32)
        optimizer.update(
            ours, gradient, *optimizer.slots_of(ours), count=tf.constant(float(count)), rate=tf.constant(1.0)
        )
        reference.apply_gradients([(gradient, reference_variable)])
    assert np.max(np.abs(ours.numpy() - reference_variable.numpy())) < 1e-6
    assert np.max(np.abs(ours.numpy() - theirs.numpy())) > 1e-3
    assert set(optimizer.slots) == {"squared_gradient", "squared_update"}


@pytest.mark.slow
def test_each_phase_moves_what_it_should_and_the_error_falls():
    recipe, strategy = recipe_for("glcic"), tf.distribute.get_strategy()
    state = TrainingState(CONFIG, recipe, strategy)
    steps = Steps(CONFIG, recipe, state, strategy)
    photos = tf.constant(np.random.default_rng(0).integers(0, 256, (4, 2, 2, 3)).repeat(16, 1).repeat(16, 2), tf.uint8)

    def values(model):
        return [v.numpy() for v in model.trainable_variables]

    def moved(model, before):
        return [not np.array_equal(a, b) for a, b in zip(values(model), before)]

    generator, critic = values(state.generator), values(state.critic)
    losses = [float(steps.generator(photos, "reconstruction")["l2"]) for _ in range(25)]
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])
    # Biases in front of a batch normalisation have no gradient; everything else moves.
    still = [v.path for v, m in zip(state.generator.trainable_variables, moved(state.generator, generator)) if not m]
    assert all(path.endswith("bias") for path in still) and not any(moved(state.critic, critic))

    generator = values(state.generator)
    assert np.isfinite(float(steps.critic(photos)["critic_loss"]))
    assert not any(moved(state.generator, generator)) and sum(moved(state.critic, critic)) > 20
    terms = steps.generator(photos, "joint")
    assert float(terms["generator_loss"]) == pytest.approx(
        float(terms["l2"]) + 4e-4 * float(terms["generator_adversarial"]), rel=1e-5
    )
