"""Presets that somebody else made, badly or with intent: one line each, before anything is built or filled."""

import hashlib
import io
import json
import os
import zipfile

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import load_preset, read_config, save_preset
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "whole"
    save_preset(folder, build_model("deepfill_v1", width=4), "deepfill_v1", {"width": 4}, "RGB", source="a test")
    return folder


@pytest.fixture
def preset(whole, tmp_path):
    """Function: changed fields and arrays (or the whole content) -> folder of a preset with a right SHA-256."""

    def make(fields=None, content=None, **arrays):
        with np.load(whole / "weights.npz") as weights:
            arrays = {**{name: weights[name] for name in weights.files}, **arrays}
        if content is None:
            written = io.BytesIO()
            np.savez(written, **arrays)
            content = written.getvalue()
        folder = tmp_path / "preset"
        folder.mkdir()
        (folder / "weights.npz").write_bytes(content)
        config = json.loads((whole / "config.json").read_text())
        config["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / "config.json").write_text(json.dumps({**config, **(fields or {})}))
        return folder

    return make


def message(folder):
    with pytest.raises(UserError) as caught:
        load_preset(folder)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"sha256": None}, "sha256 must be a SHA-256, 64 hexadecimal digits, not null"),
        ({"sha256": ""}, "sha256 must be a SHA-256"),
        ({"model": ["deepfill_v1"]}, 'model must be one of .*, not \\["deepfill_v1"\\]'),
        ({"config": 4}, "config must be an object, not 4"),
        ({"config": {"width": "4"}}, 'config.width must be a whole number from 1 to 4096, not "4"'),
        ({"config": {"width": -1}}, "not -1"),
        ({"config": {"width": True}}, "not true"),
        ({"config": {"width": 4000}}, "width 4000, but no layer of weights.npz is wider than 16"),
        ({"config": {"width": 4, "attention_form": "quick"}}, "attention_form|form"),
        ({"config": {"width": 4, "\x1b[2J": 1}}, "\\\\x1b"),
        ({"config": {"width": 4, "dtype": "float99"}}, "has no dtype"),
        ({"summary": None}, "summary must be text, not null"),
        ({"detail": "patchy"}, 'detail must be one of none, patches, not "patchy"'),
        ({"working_size": 3.5}, "working_size must be one of auto, full, not 3.5"),
        ({"blend": None}, "blend must be one of none, poisson"),
        ({"trained_on": 256}, "trained_on must be an object, not 256"),
        ({"trained_on": {"image": 256, "hole": -1}}, "trained_on.hole must be a whole number"),
        ({"source": 3}, "source must be text, not 3"),
        ({"channel_order": "HSV"}, "channel_order must be one of RGB, BGR"),
        ({"\x1bcolour": 1}, "colour is unknown"),
    ],
)
def test_a_wrong_configuration_is_one_line(preset, fields, words):
    folder = preset(fields)
    assert str(folder / "config.json") in message(folder)
    with pytest.raises(UserError, match=words):
        load_preset(folder)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"null", b"[]", b"{", b"[" * 100_000, b'{"model": NaN}', b"1" * 5000]
)
def test_a_configuration_that_is_none_is_one_line(preset, content):
    folder = preset()
    (folder / "config.json").write_bytes(content)
    assert "cannot be read as a preset's configuration" in message(folder)


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def damaged_member():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(np.zeros(1000, np.float32)))
    broken = bytearray(content.getvalue())
    broken[60:70] = b"\xff" * 10
    return bytes(broken)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no", npy(np.zeros(3)), damaged_member(), b"\x93NUMPY\x01\x00", b"\x1b" * 99]
)
def test_weights_that_are_no_archive_are_one_line(preset, content):
    assert "weights.npz cannot be read as a preset's weights" in message(preset(content=content))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda a: np.full_like(a, np.nan), "holds NaN or infinity in coarse/conv1/kernel"),
        (lambda a: np.where(np.arange(a.size).reshape(a.shape) == 7, np.inf, a), "NaN or infinity"),
        (lambda a: a.astype(np.float64) * 1e300, "holds NaN or infinity in coarse/conv1/kernel"),
        (lambda a: a.astype(np.complex64), "other values than floats: coarse/conv1/kernel \\(complex64\\)"),
        (lambda a: a.astype(str), "other values than floats"),
        (lambda a: a.astype(np.int64), "other values than floats"),
        (lambda a: a.astype(object), "cannot be read|no arrays"),
        (lambda a: a[..., :2], "has shape"),
    ],
)
def test_weights_that_would_fill_holes_with_nonsense_are_refused(preset, whole, change, words):
    with np.load(whole / "weights.npz") as weights:
        kernel = weights["coarse/conv1/kernel"]
    folder = preset(**{"coarse/conv1/kernel": change(kernel)})
    with pytest.raises(UserError, match=words):
        load_preset(folder)


def test_an_archive_that_would_unpack_to_more_than_memory_is_refused(preset, monkeypatch):
    monkeypatch.setattr("inpaint_tf.models.weights_file.MOST_BYTES", 1000)
    assert "unpacked it has more than" in message(preset())


@pytest.mark.parametrize("name", ["config.json", "weights.npz"])
def test_a_pipe_is_not_waited_for(preset, name):
    folder = preset()
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(UserError):
        load_preset(folder) if name != "config.json" else read_config(folder)


def test_weights_are_checked_before_they_are_saved_or_given(whole, tmp_path):
    model = build_model("deepfill_v1", width=4)
    variable = model.variables[0]
    variable.assign(np.full(variable.shape, np.nan))
    with pytest.raises(UserError, match="NaN or infinity"):
        save_preset(tmp_path / "x", model, "deepfill_v1", {"width": 4}, "RGB", source="")
    assert not (tmp_path / "x").exists()
