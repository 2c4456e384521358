import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data.sketches import hed_edges, photo_edges
from inpaint_tf.errors import UserError
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.recipes.deepfill_v2 import brush_masks
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps


def configuration(**options):
    return TrainingConfig(**{
        "model": "deepfill_v2", "width": 8, "critic_width": 2, "image_size": 64, "batch_size": 2, "n_critic": 1,
        "adversarial": "hinge", "adversarial_weight": 1.0, "l1_weight": 1.0, "coarse_weight": 1.0, "beta_2": 0.999,
        "learning_rate": 1e-3, **options,
    })  # fmt: skip


def steps_of(config):
    recipe, strategy = recipe_for(config.model), tf.distribute.get_strategy()
    state = TrainingState(config, recipe, strategy)
    return state, Steps(config, recipe, state, strategy)


def test_holes_are_boxes_united_with_strokes():
    config, seed = configuration(image_size=256), tf.constant([3, 4])
    _, holes = recipe_for("deepfill_v2").sample_holes(config, 8, seed)
    _, boxes = recipe_for("deepfill_v1").sample_holes(config, 8, seed)
    assert holes.shape == (8, 256, 256, 1) and set(np.unique(holes)) == {0, 1}
    assert np.all(holes.numpy() >= boxes.numpy())
    shares = holes.numpy().mean((1, 2, 3)) - boxes.numpy().mean((1, 2, 3))
    # Strokes alone cover 5 to 35 % of the image, part of it inside the box.
    assert 0.02 < shares.mean() < 0.3 and len({round(float(share), 6) for share in shares}) > 4
    assert np.array_equal(recipe_for("deepfill_v2").sample_holes(config, 8, seed)[1], holes)


def test_strokes_scale_with_the_image():
    wide, narrow = (brush_masks(40, size, [1, 2]).mean() for size in (256, 64))
    assert 0.6 < wide / narrow < 1.6


@pytest.mark.slow
def test_a_few_steps_move_everything_and_lower_the_loss():
    state, steps = steps_of(configuration(image_size=32))
    before = {name: {n: v.numpy() for n, v in group.items()} for name, group in state.trackables().items()}
    photos = tf.constant(np.random.default_rng(0).integers(0, 256, (2, 2, 2, 3)).repeat(16, 1).repeat(16, 2), tf.uint8)
    losses = []
    for _ in range(6):
        assert set(steps.critic(photos)) == {"critic_loss", "critic_gradient_norm"}
        losses.append(float(steps.generator(photos, "joint")["l1"]))
    assert np.mean(losses[-2:]) < np.mean(losses[:2])
    after = state.trackables()
    for name in ("generator", "critic"):
        for variable, value in after[name].items():
            assert not np.array_equal(value.numpy(), before[name][variable]), variable
    # u is saved with the rest.
    assert sum(variable.endswith("/u") for variable in after["critic"]) == 6


def test_a_guided_model_and_its_critic_see_the_photos_edges(rng):
    config = configuration(model="deepfill_v2_guided", image_size=32)
    recipe = recipe_for(config.model)
    generator, critic = build_model(config.model, width=8), recipe.build_critic(config)
    image = np.zeros((1, 32, 32, 3), np.float32)
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:24, 8:24] = 1
    # Photos that differ inside the hole only: what the generator makes of them differs through the sketch alone.
    image[:, :, 16:] = 0.5
    batches = [
        Batch(own, tf.constant(mask), None, None, lines)
        for own, lines in (
            recipe.sketch(config, tf.constant(photo, tf.float32), (3, 4), 0)
            for photo in (image, np.where(mask > 0, 0, image))
        )
    ]
    batch = batches[0]
    terms = recipe.generator_terms(config, generator, critic, batch, "joint")
    assert np.isfinite(terms["generator_loss"]) and np.isfinite(
        recipe.critic_terms(config, generator, critic, batch)["critic_loss"]
    )
    guides = [b.guide * b.hole_mask for b in batches]
    known = image * (1 - mask)
    filled = [generator(known, mask, guide)["refined"].numpy() for guide in guides]
    assert np.max(np.abs(filled[0] - filled[1])) > 1e-6
    assert critic.guided and tuple(critic.stack.convs[0].kernel.shape) == (5, 5, 5, 2)


def test_hed_draws_other_sketches(rng):
    image = tf.constant(rng.uniform(-1, 1, (1, 4, 4, 3)).astype(np.float32).repeat(16, 1).repeat(16, 2))
    lines = {}
    for sketches in ("gradients", "hed"):
        config = configuration(model="deepfill_v2_guided", image_size=64, sketches=sketches)
        recipe = recipe_for(config.model)
        recipe.prepare(config)
        own, lines[sketches] = recipe.sketch(config, image, (3, 4), 0)
        np.testing.assert_array_equal(own, image)
    assert np.array_equal(lines["gradients"], photo_edges(image))
    assert np.array_equal(lines["hed"], hed_edges(image)) and not np.array_equal(*lines.values())


def test_a_share_of_the_batches_are_collages(rng):
    image = tf.constant(rng.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32))
    config = configuration(model="deepfill_v2_guided", image_size=64, batch_size=2, sketch_collages=0.4)
    recipe = recipe_for(config.model)
    changed = 0
    for batch in range(100):
        own, lines = recipe.sketch(config, image, (3, batch), 0)
        collages = not np.array_equal(own, image)
        changed += collages
        assert collages != np.array_equal(lines, photo_edges(image))
    assert 25 <= changed <= 55


def test_only_guided_models_have_sketches():
    with pytest.raises(UserError, match="--sketches=hed contradicts --model=deepfill_v2"):
        configuration(model="deepfill_v2", sketches="hed")
    with pytest.raises(UserError, match="--sketch_collages=0.5 contradicts --model=deepfill_v1"):
        configuration(model="deepfill_v1", sketch_collages=0.5)


def test_warm_up_moves_the_coarse_network_only():
    config = configuration(pretrain_coarse_steps=1, image_size=32)
    state, steps = steps_of(config)
    assert steps.recipe.phase(config, 0).name == "warm_up" and steps.recipe.phase(config, 1).name == "joint"
    before = {v.path: v.numpy() for v in state.generator.variables}
    terms = steps.generator(tf.zeros((2, 32, 32, 3), tf.uint8), "warm_up")
    assert set(terms) == {"l1", "generator_loss", "generator_gradient_norm"}
    moved = {v.path.split("/")[1] for v in state.generator.variables if not np.array_equal(v, before[v.path])}
    assert moved == {"coarse"}
