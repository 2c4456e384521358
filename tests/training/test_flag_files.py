"""Flag files differ from each other in what they say, and in nothing else."""

import dataclasses
import pathlib
import re

import pytest
from absl import flags

from inpaint_tf.commands import train
from inpaint_tf.training.configuration import TrainingConfig

FOLDER = pathlib.Path(__file__).parents[2] / "flags"
# File -> the file that it is a variant of. What it differs in stands in its first lines.
VARIANTS = {
    "places2_256_gpu_bfloat16": "places2_256",
    "baseline_places2_256": "places2_256",
    "no_fusion_places2_256": "places2_256",
    "single_critic_places2_256": "places2_256",
    "single_stage_places2_256": "places2_256",
}


def configuration(name: str) -> TrainingConfig:
    values = flags.FlagValues()
    train.define_flags(values)
    values(["train", f"--flagfile={FOLDER / name}.flags", "--train_data=photos", "--run_dir=run"])
    return train.configuration(values)


def differing(name: str, other: str) -> set[str]:
    """Names of the options whose values differ once every default is filled in."""
    one, two = configuration(name).to_dict(), configuration(other).to_dict()
    return {field for field in one if one[field] != two[field]}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_in_what_its_first_lines_say(name):
    comment = " ".join(re.findall(r"^# ?(.*)", (FOLDER / f"{name}.flags").read_text(), re.MULTILINE))
    said = re.search(r"Differs in: (.*?)\. Add ", comment)
    assert differing(name, VARIANTS[name]) == set(re.findall(r"--(\w+)", said[1])) != set()


def test_the_one_for_gpus_is_for_gpus():
    config = configuration("places2_256_gpu_bfloat16")
    assert (config.precision, config.jit_compile, config.data_workers) == ("mixed_bfloat16", True, 16)
    assert "mixed_bfloat16" not in (FOLDER / "places2_256.flags").read_text()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.flags")), ids=lambda path: path.stem)
def test_every_file_is_a_configuration_with_options_once(path):
    configuration(path.stem)
    given = re.findall(r"^--(\w+)", path.read_text(), re.MULTILINE)
    assert len(given) == len(set(given))
    assert {"train_data", "run_dir"}.isdisjoint(given) and set(given) <= {
        f.name for f in dataclasses.fields(TrainingConfig)
    }
