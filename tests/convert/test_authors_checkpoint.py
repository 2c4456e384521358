import json

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.convert.authors_checkpoint import checkpoint_to_preset, find_checkpoint, preset_to_checkpoint
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import load_preset, named_variables, save_preset
from inpaint_tf.models.registry import build_model


def write_checkpoint(prefix, arrays):
    names = sorted(arrays)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(arrays[name]) for name in names],
    )


@pytest.fixture
def arrays(golden):
    reader = tf.train.load_checkpoint(str(golden / "snap-0"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_there_and_back_is_bit_identical(golden, tmp_path):
    done = checkpoint_to_preset(golden / "snap-0", tmp_path / "preset")
    assert (done.model, done.width, done.loaded) == ("deepfill_v1", 8, 84)
    assert len(done.kept) == 20 and all(name.startswith("discriminator/") for name in done.kept)
    names = preset_to_checkpoint(tmp_path / "preset", tmp_path / "back" / "snap-0")
    assert len(names) == 104
    for suffix in ("index", "data-00000-of-00001"):
        assert (tmp_path / "back" / f"snap-0.{suffix}").read_bytes() == (golden / f"snap-0.{suffix}").read_bytes()


def test_values_land_under_their_names(golden, arrays, tmp_path):
    checkpoint_to_preset(golden, tmp_path / "preset")
    model, config = load_preset(tmp_path / "preset")
    variables = named_variables(model)
    assert config.channel_order == "BGR"
    assert np.array_equal(variables["coarse/conv7_atrous/kernel"], arrays["inpaint_net/conv7_atrous/kernel"])
    upsample = arrays["inpaint_net/allconv13_upsample/allconv13_upsample_conv/bias"]
    assert np.array_equal(variables["decoder/allconv13_upsample/bias"], upsample)


@pytest.fixture
def golden_v2(golden):
    return golden.parent / "v2"


def test_deepfill_v2_there_and_back_is_bit_identical(golden_v2, tmp_path):
    done = checkpoint_to_preset(golden_v2, tmp_path / "preset")
    assert (done.model, done.width, done.loaded) == ("deepfill_v2", 12, 84)
    assert len(done.kept) == 18 and all(name.startswith("discriminator/sn_patch_gan/") for name in done.kept)
    assert len(preset_to_checkpoint(tmp_path / "preset", tmp_path / "back" / "snap-0")) == 102
    for suffix in ("index", "data-00000-of-00001"):
        assert (tmp_path / "back" / f"snap-0.{suffix}").read_bytes() == (golden_v2 / f"snap-0.{suffix}").read_bytes()


def test_the_published_v2_layout_is_taken_whole(golden_v2, tmp_path):
    """Every name and shape of the two published checkpoints, with made-up values."""
    shapes = json.loads((golden_v2 / "release_variables.json").read_text())
    published = {name: np.full(shape, 0.5, np.float32) for name, shape in shapes.items()}
    write_checkpoint(tmp_path / "snap-0", published)
    done = checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset")
    assert (done.model, done.width, done.loaded) == ("deepfill_v2", 48, 84)
    weights = {name for name in shapes if name.startswith("inpaint_net/") and name.split("/")[-1] in ("kernel", "bias")}
    assert len(weights) == 84 and set(done.kept) == set(shapes) - weights
    # What is left: the critic with its u, Adam's slots and powers, the learning rate, the step.
    assert {name.split("/")[0] for name in done.kept} == {
        "inpaint_net", "discriminator", "beta1_power", "beta2_power", "lr", "global_step"
    }  # fmt: skip
    assert all(name.split("/")[-1].startswith("Adam") for name in done.kept if name.startswith("inpaint_net/"))


def test_a_guided_v2_is_recognised(golden_v2, tmp_path):
    reader = tf.train.load_checkpoint(str(golden_v2 / "snap-0"))
    arrays = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    arrays["inpaint_net/conv1/kernel"] = np.zeros((5, 5, 6, 12), np.float32)
    write_checkpoint(tmp_path / "snap-0", arrays)
    assert checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset").model == "deepfill_v2_guided"


@pytest.mark.parametrize("name", ["snap-0", "snap-0.index", "snap-0.data-00000-of-00001", ""])
def test_a_checkpoint_is_found_by_prefix_file_or_folder(name, golden):
    assert find_checkpoint(golden / name) == golden / "snap-0"


def test_a_baseline_is_recognised(tmp_path):
    names = {"inpaint_net/conv1/kernel": np.zeros((5, 5, 5, 4), np.float32)}
    write_checkpoint(tmp_path / "snap-1", names)
    with pytest.raises(UserError, match=r"inpaint_net/allconv11/kernel \(3, 3, 16, 16\) is missing"):
        checkpoint_to_preset(tmp_path / "snap-1", tmp_path / "preset")


def test_missing_extra_and_misshapen_variables_are_named(arrays, tmp_path):
    del arrays["inpaint_net/conv3/bias"]
    arrays["inpaint_net/conv99/bias"] = np.zeros(7, np.float32)
    arrays["inpaint_net/xconv5/kernel"] = np.zeros((3, 3, 16, 31), np.float32)
    write_checkpoint(tmp_path / "snap-0", arrays)
    with pytest.raises(UserError) as error:
        checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset")
    message = str(error.value)
    assert "inpaint_net/conv3/bias (16,) is missing" in message
    assert "inpaint_net/conv99/bias (7,) is not of this model" in message
    assert "inpaint_net/xconv5/kernel has shape (3, 3, 16, 31), the model needs (3, 3, 16, 32)" in message
    assert not (tmp_path / "preset").exists()


def test_a_training_snapshot_keeps_its_slots(arrays, tmp_path):
    arrays["inpaint_net/conv1/kernel/Adam"] = arrays["inpaint_net/conv1/kernel"] * 2
    arrays["global_step"] = np.int64(7)
    write_checkpoint(tmp_path / "snap-7", arrays)
    done = checkpoint_to_preset(tmp_path / "snap-7", tmp_path / "preset")
    assert {"global_step", "inpaint_net/conv1/kernel/Adam"} < set(done.kept)
    preset_to_checkpoint(tmp_path / "preset", tmp_path / "back")
    reader = tf.train.load_checkpoint(str(tmp_path / "back"))
    assert reader.get_tensor("global_step") == 7
    assert reader.get_tensor("global_step").dtype == np.int64


def test_no_checkpoint(tmp_path, golden):
    with pytest.raises(UserError, match="does not exist"):
        checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset")
    with pytest.raises(UserError, match="holds 0 checkpoints"):
        checkpoint_to_preset(tmp_path, tmp_path / "preset")
    (tmp_path / "snap-0.index").write_bytes((golden / "snap-0.index").read_bytes())
    with pytest.raises(UserError, match="data file is missing"):
        checkpoint_to_preset(tmp_path / "snap-0", tmp_path / "preset")


def test_rgb_weights_are_not_passed_off_as_the_authors(tmp_path):
    save_preset(tmp_path / "p", build_model("deepfill_v1", width=4), "deepfill_v1", {"width": 4}, "RGB", source="test")
    with pytest.raises(UserError, match="trained on RGB"):
        preset_to_checkpoint(tmp_path / "p", tmp_path / "snap")


def test_an_existing_checkpoint_is_kept(golden, tmp_path):
    checkpoint_to_preset(golden, tmp_path / "preset")
    preset_to_checkpoint(tmp_path / "preset", tmp_path / "snap-0")
    with pytest.raises(UserError, match="exists already"):
        preset_to_checkpoint(tmp_path / "preset", tmp_path / "snap-0")
