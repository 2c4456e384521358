"""Checkpoints that are damaged in any way: one line each, as quickly as a whole one is read."""

import shutil

import numpy as np
import pytest

from inpaint_tf.convert.authors_checkpoint import checkpoint_to_preset
from inpaint_tf.errors import UserError


def damaged(content, kind, rng):
    content = bytearray(content)
    if kind == "cut":
        return content[: rng.integers(len(content))]
    if kind == "flips":
        for position in rng.integers(len(content), size=8):
            content[position] ^= 1 << rng.integers(8)
        return content
    first, last = sorted(rng.integers(len(content), size=2))
    content[first : last + 1] = b"" if kind == "hole" else b"\xff" * (last + 1 - first)
    return content


@pytest.mark.parametrize("kind", ["cut", "flips", "hole", "ones"])
@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_damaged_checkpoint_is_one_line(golden, tmp_path, rng, kind, suffix):
    for number in range(5):
        folder = shutil.copytree(golden, tmp_path / f"{number}", ignore=shutil.ignore_patterns("*.npz"))
        path = folder / f"snap-0.{suffix}"
        path.write_bytes(damaged(path.read_bytes(), kind, rng))
        with pytest.raises(UserError) as caught:
            checkpoint_to_preset(folder, tmp_path / "preset")
        assert str(folder / "snap-0") in str(caught.value) and "\n" not in str(caught.value)
        assert not (tmp_path / "preset").exists()


def test_weights_that_are_no_numbers_are_not_converted(tmp_path):
    import tensorflow as tf

    kernel = np.full((5, 5, 5, 8), np.nan, np.float32)
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "snap-0"),
        tensor_names=["inpaint_net/conv1/kernel"],
        shape_and_slices=[""],
        tensors=[tf.constant(kernel)],
    )
    with pytest.raises(UserError, match="holds NaN or infinity in inpaint_net/conv1/kernel"):
        checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset")
