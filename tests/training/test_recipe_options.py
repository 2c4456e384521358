"""What each recipe says of options: its defaults are its flag file's, and what it does not have is refused."""

import dataclasses
import pathlib
import subprocess
import sys

import pytest
from absl import flags

from inpaint_tf.commands.train import configuration, define_flags
from inpaint_tf.errors import UserError
from inpaint_tf.models.registry import MODELS
from inpaint_tf.training.configuration import OF_RECIPE, TrainingConfig, help_text
from inpaint_tf.training.recipes import RECIPES, option_defaults, options_for, recipe_for
from inpaint_tf.training.recipes.base import Recipe

ROOT = pathlib.Path(__file__).parents[2]


def parse(*words):
    values = flags.FlagValues()
    define_flags(values)
    values(["train", *words])
    return configuration(values)


def test_every_model_has_a_recipe_and_its_options():
    assert set(RECIPES) == set(MODELS)
    for name in MODELS:
        assert isinstance(recipe_for(name), Recipe)
    with pytest.raises(UserError, match="no way to train --model=lama; known: deepfill_v1, "):
        TrainingConfig(model="lama")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_have_a_default_for_what_systems_differ_in(name):
    of_recipe = {field.name for field in dataclasses.fields(TrainingConfig) if field.default is OF_RECIPE}
    assert set(options_for(name).defaults) == of_recipe
    config = TrainingConfig(model=name)
    assert {option: getattr(config, option) for option in of_recipe} == dict(options_for(name).defaults)
    assert None not in config.to_dict().values()


@pytest.mark.parametrize(
    "model, file",
    [
        ("deepfill_v1", "places2_256"),
        ("deepfill_v1_no_fusion", "no_fusion_places2_256"),
        ("deepfill_v1_baseline", "baseline_places2_256"),
        ("deepfill_v1_single_stage", "single_stage_places2_256"),
        ("deepfill_v2", "deepfill_v2_places2_256"),
        ("deepfill_v2_guided", "deepfill_v2_guided_256"),
        ("glcic", "glcic_places2"),
    ],
)
def test_the_defaults_are_those_of_the_papers_flag_file(model, file):
    assert (
        parse(f"--flagfile={ROOT / 'flags' / file}.flags") == TrainingConfig(model=model) == parse(f"--model={model}")
    )


def test_an_option_that_is_given_counts_more_than_the_recipes():
    config = TrainingConfig(model="glcic", n_critic=5, mask_per_image=False)
    assert (config.n_critic, config.mask_per_image, config.batch_size) == (5, False, 96)


V1, SINGLE, V2, GLCIC = "deepfill_v1", "deepfill_v1_single_stage", "deepfill_v2", "glcic"


@pytest.mark.parametrize(
    "model, changes, words",
    [
        (V1, {"pretrain_critic_steps": 1}, "--pretrain_critic_steps=1 contradicts --model=deepfill_v1: only GLCIC"),
        (V1, {"adversarial": "hinge", "penalty_weight": 5.0}, "--penalty_weight=5.0 .* not hinge. Leave it out."),
        (V1, {"critics": "local", "global_weight": 2.0}, "--global_weight=2.0 .* no global critic"),
        (V1, {"holes": "mixed"}, "--holes=mixed contradicts --reconstruction=authors"),
        (V1, {"pretrain_coarse_steps": 9, "max_steps": 8}, "the warm-up is part of the run"),
        (SINGLE, {"coarse_weight": 2.0}, "--coarse_weight=2.0 .* one output"),
        (SINGLE, {"holes": "mixed"}, "--holes=mixed contradicts --reconstruction=authors"),
        (V2, {"critics": "local"}, "--critics=local contradicts --model=deepfill_v2: only DeepFill v1 has"),
        (V2, {"global_weight": 2.0}, "--global_weight=2.0 .* one critic"),
        (V2, {"penalty_weight": 1.0}, "--penalty_weight=1.0 .* spectral normalisation"),
        (V2, {"pretrain_critic_steps": 1}, "--pretrain_critic_steps=1 .* only GLCIC"),
        (V2, {"known_weight": 1.0}, "--known_weight=1.0 .* all pixels"),
        (V2, {"spatial_discount": 0.99}, "--spatial_discount=0.99 .* not discounted"),
        (V2, {"width": 6}, "--width=6 .* multiples of 4"),
        (GLCIC, {"adversarial": "wgan"}, "--adversarial=wgan contradicts --model=glcic"),
        (GLCIC, {"max_steps": 500}, "--pretrain_coarse_steps=90 --pretrain_critic_steps=10"),
        (GLCIC, {"n_critic": 0, "adversarial_weight": 0.0}, "contradicts --n_critic=0: nothing would move"),
        (GLCIC, {"critics": "global"}, "--critics=global .* one score"),
        (GLCIC, {"global_weight": 0.5}, "--global_weight=0.5 .* one score"),
        (GLCIC, {"feature_matching_weight": 1.0}, "--feature_matching_weight=1.0 .* one score"),
        (GLCIC, {"r1_weight": 1.0, "adversarial": "non_saturating"}, "--r1_weight=1.0 .* batch normalisation"),
        (GLCIC, {"penalty_weight": 1.0}, "--penalty_weight=1.0 .* no gradient penalty"),
        (GLCIC, {"l1_weight": 1.0}, "--l1_weight=1.0 .* no L1"),
        (GLCIC, {"known_weight": 1.0}, "--known_weight=1.0 .* no L1"),
        (GLCIC, {"coarse_weight": 1.0}, "--coarse_weight=1.0 .* no L1"),
        (GLCIC, {"reconstruction": "hole"}, "--reconstruction=hole contradicts --model=glcic"),
        (GLCIC, {"spatial_discount": 0.99}, "--spatial_discount=0.99 .* no L1"),
        (GLCIC, {"beta_1": 0.9}, "--beta_1=0.9 .* Adadelta"),
        (GLCIC, {"beta_2": 0.99}, "--beta_2=0.99 .* Adadelta"),
        (GLCIC, {"epsilon": 1e-3}, "--epsilon=0.001 .* Adadelta"),
        (GLCIC, {"initial_stage": "coarse", "initial_preset": "x"}, "--initial_stage=coarse .* one stage"),
    ],
)
def test_what_contradicts_a_model_is_refused(model, changes, words):
    with pytest.raises(UserError, match=words):
        TrainingConfig(model=model, **changes)


@pytest.mark.parametrize(
    "model, changes",
    [
        (SINGLE, {"pretrain_coarse_steps": 10, "coarse_weight": 2.0}),
        (V2, {"reconstruction": "hole", "known_weight": 1.0, "spatial_discount": 0.99, "holes": "mixed"}),
        (V2, {"adversarial": "wgan"}),
        (GLCIC, {"l1_weight": 1.2, "beta_2": 0.9, "holes": "mixed", "adversarial": "hinge"}),
    ],
)
def test_what_goes_together_is_taken(model, changes):
    config = TrainingConfig(model=model, **changes)
    assert all(getattr(config, name) == value for name, value in changes.items())


def test_help_names_the_systems_defaults():
    fields = {field.name: field for field in dataclasses.fields(TrainingConfig)}
    assert option_defaults("n_critic") == {"DeepFill v1": 5, "DeepFill v2": 1, "GLCIC": 1}
    assert help_text(fields["n_critic"]).endswith("Default: 5 (DeepFill v1), 1 (DeepFill v2), 1 (GLCIC).")
    assert "Default:" not in help_text(fields["flip"])


def test_configurations_are_refused_before_tensorflow_is_loaded():
    code = (
        "import sys, inpaint_tf.training.configuration as c; c.TrainingConfig(); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
