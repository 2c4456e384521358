"""Configuration and flags: one source for defaults, ranges, help and checks."""

import dataclasses
import json
import pathlib
import re

import pytest
from absl import flags

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.commands.train import configuration, define_flags
from inpaint_tf.errors import UserError
from inpaint_tf.losses import ADVERSARIAL_LOSSES
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.configuration import ADVERSARIAL, TrainingConfig
from inpaint_tf.training.run_folder import flag_file

FLAGS = pathlib.Path(__file__).parents[2] / "flags"
# Flag files of this command; other commands have theirs.
TRAINING_FLAGS = sorted(path for path in FLAGS.glob("*.flags") if "--train_data" in path.read_text())


def test_names_of_adversarial_losses_are_those_of_the_registry():
    assert set(ADVERSARIAL) == set(ADVERSARIAL_LOSSES)


def test_defaults_are_the_authors():
    config = TrainingConfig()
    authors = {
        "width": 32, "critic_width": 64, "image_size": 256, "box_size": 128, "batch_size": 16, "n_critic": 5,
        "learning_rate": 1e-4, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-8, "adversarial_weight": 1e-3,
        "l1_weight": 1.2, "known_weight": 1.2, "coarse_weight": 1.2, "penalty_weight": 10, "spatial_discount": 0.9,
        "flip": False, "colour_jitter": 0, "mask_per_image": False, "learning_rate_schedule": "constant",
    }  # fmt: skip
    assert {name: getattr(config, name) for name in authors} == authors


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"image_size": 100}, "--image_size=100 must be a multiple of 16"),
        ({"width": 5}, "--width=5 must be even"),
        ({"accumulate": 3}, "--accumulate=3 does not divide --batch_size=16"),
        ({"n_critic": 0}, "--n_critic=0 contradicts --adversarial_weight=0.001"),
        ({"r1_weight": 1.0}, "--r1_weight=1.0 contradicts --adversarial=wgan"),
        ({"feature_matching_weight": 1.0, "n_critic": 0, "adversarial_weight": 0}, "--feature_matching_weight=1.0"),
        ({"spectrum_weight": 1.0, "image_size": 48}, "needs --image_size of 64 or more, not 48"),
        ({"initial_stage": "coarse"}, "says nothing without --initial_preset"),
        ({"precision": "tf32", "deterministic": True}, "--deterministic contradicts --precision=tf32"),
        ({"precision": "int8"}, "known: float32, tf32, mixed_bfloat16, mixed_float16"),
        ({"spatial_discount": 1.5}, "out of range: 0.01 to 1.0"),
        ({"learning_rate": float("nan")}, "out of range"),
        ({"batch_size": 2.5}, "must be of type int"),
    ],
)
def test_impossible_configurations_say_why(changes, words):
    with pytest.raises(UserError, match=words):
        TrainingConfig(**changes)


def test_differences_ignore_what_may_change():
    config = TrainingConfig(max_steps=5, n_critic=2)
    before = {**config.to_dict(), "max_steps": 9, "log_every": 1, "n_critic": 5}
    assert config.differences(before) == {"n_critic": (2, 5)}


def parse(*words):
    values = flags.FlagValues()
    define_flags(values)
    values(["train", *words])
    return configuration(values)


def test_every_field_is_a_documented_flag(capsys):
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(TrainingConfig):
        assert f"--{'[no]' if field.type is bool else ''}{field.name}: " in text
        assert field.metadata["help"].split(".")[0].split(";")[0].split("(")[0].strip()[:30] in text
    assert parse() == TrainingConfig()


def test_the_flag_file_of_a_run_says_the_same(tmp_path):
    config = TrainingConfig(flip=True, learning_rate=3e-5, train_data="/data/a b.txt", crop="resize", max_steps=7)
    (tmp_path / "flags.txt").write_text(flag_file(config))
    assert parse(f"--flagfile={tmp_path / 'flags.txt'}") == config


@pytest.mark.parametrize(
    "word, message",
    [
        ("--widht=3", "Unknown command line flag 'widht'"),
        ("--n_critic=-1", "not an integer in the range"),
        ("--crop=middle", "should be one of"),
        ("--width=7", "must be even"),
        ("extra", "takes flags only"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(word, message, capsys):
    assert main(["train", word]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(message, error)


@pytest.mark.parametrize("path", TRAINING_FLAGS, ids=lambda path: path.stem)
def test_flag_files_are_valid(path):
    config = parse(f"--flagfile={path}")
    assert config.max_steps >= 1


def test_the_papers_four_sets_train_alike_but_for_the_crop():
    configs = {path.stem: parse(f"--flagfile={path}") for path in TRAINING_FLAGS}
    assert {"places2_256", "celebahq_256", "imagenet_256", "dtd_256", "cpu_small", "smoke"} <= set(configs)
    assert configs["places2_256"] == TrainingConfig()
    for name, crop in (("celebahq_256", "resize"), ("imagenet_256", "fit_crop"), ("dtd_256", "random_crop")):
        assert configs[name] == TrainingConfig(crop=crop)


def test_dry_run_describes_and_writes_nothing(tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", f"--run_dir={run}", "--width=4", "--critic_width=8", "--batch_size=2", "--dry_run"]) == 0
    text = capsys.readouterr().out
    described, rest = text[: text.rindex("}") + 1], text[text.rindex("}") + 1 :]
    assert json.loads(described)["width"] == 4
    assert f"generator: {build_model('deepfill_v1', width=4).count_params():,} parameters" in rest
    assert "critics: " in rest and "GiB" in rest
    assert not run.exists()
