"""A few damaged inputs of every reader, those of `experiments/reliability`: read, or refused in one printable line."""

import pathlib
import shutil
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "experiments" / "reliability"))
from readers import READERS

from inpaint_tf.errors import UserError


@pytest.mark.parametrize("name", READERS)
def test_damage_is_read_or_refused_in_one_line(name, tmp_path):
    reader, whole = READERS[name], tmp_path / "whole"
    whole.mkdir()
    reader.make(whole)
    reader.read(shutil.copytree(whole, tmp_path / "copy" / "input"))
    for number in range(12):
        shutil.rmtree(tmp_path / "copy")
        folder = pathlib.Path(shutil.copytree(whole, tmp_path / "copy" / "input"))
        # Other numbers than those of the long run, which begins at 0.
        reader.damage(folder, np.random.default_rng([20, 10**9 + number]))
        try:
            reader.read(folder)
        except UserError as error:
            assert "\n" not in str(error) and "\x1b" not in str(error) and len(str(error)) < 2000
