"""The export command: what it reports, what it refuses, and that nothing unchecked is put in place."""

import importlib.util

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.export import exporter
from inpaint_tf.export.verify import Difference, Limit, photos


def test_report(report, exported):
    files = {entry["file"]: entry for entry in report["files"]}
    floats = {f"inpaint_{size}{suffix}" for size in ("64x48", "any") for suffix in ("_float32.tflite", ".onnx")}
    assert set(files) == {"1", *floats}
    for name in floats:
        assert files[name]["bytes"] == (exported / name).stat().st_size
        # ONNX files give levels, of which one is 0.0078 in [-1, 1].
        assert files[name]["difference"]["largest"] < (0.008 if name.endswith(".onnx") else 1e-3)
        assert files[name].get("offsets_moved", 0) == 0
    assert files["1"]["difference"]["levels"] <= 1
    assert files["inpaint_any.onnx"]["opset"] == 18
    assert all(entry["latency"]["seconds"] > 0 and entry["latency_keras"]["seconds"] > 0 for entry in files.values())
    # Only what the graph needs: no patches are extracted, neither by the network nor by the tiles.
    assert files["1"]["ops"]["Conv2D"] >= 39 and "ExtractImagePatches" not in files["1"]["ops"]
    assert report["holds"].startswith("the network alone")
    assert report["model"] == "deepfill_v1" and len(report["preset_sha256"]) == 64


def test_weights_are_stored_once(report, preset):
    (saved_model,) = (entry for entry in report["files"] if entry["file"] == "1")
    # Warm-up requests of 1.6 MB, a graph of 1.1 MB, and 4 bytes a parameter (58 thousand here).
    assert saved_model["bytes"] < 4e6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size=100x64", "--format=onnx"], "both sides must be multiples of 8"),
        (["--format=litert", "--weights=int4"], "weights 'int4' is unknown; known: float32, float16, int8"),
        (["--preset=nowhere"], "preset 'nowhere' is neither"),
        (["word"], "takes flags only"),
    ],
)
def test_bad_input(words, said, tmp_path, capsys):
    assert main(["export", f"--output={tmp_path / 'out'}", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_folder_with_something_in_it(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["export", f"--output={tmp_path}"]) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert main(["export"]) == 2


@pytest.mark.parametrize(
    ("format_name", "package", "extra"), [("litert", "ai_edge_litert", "litert"), ("onnx", "tf2onnx", "onnx")]
)
def test_missing_extra(format_name, package, extra, tmp_path, capsys, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find_spec(name))
    assert main(["export", f"--format={format_name}", f"--output={tmp_path / 'out'}"]) == 2
    assert f"pip install inpaint_tf[{extra}]" in capsys.readouterr().err


@pytest.mark.slow
def test_what_fails_its_check_is_not_put_in_place(preset, tmp_path, monkeypatch):
    monkeypatch.setitem(exporter.LIMITS, "onnx", Limit(levels=-1))
    with pytest.raises(UserError, match="inpaint_16x16.onnx does not give the Keras model's pixels"):
        exporter.export_preset(preset, tmp_path / "out", exporter.ExportOptions(("onnx",), ("16x16",), runs=1))
    assert not list(tmp_path.iterdir())


def test_limits():
    Limit(levels=1).check("it", Difference(0.01, 50, 1))
    for beyond in (Difference(0.01, 50, 2), Difference(float("nan"), 50, 0)):
        with pytest.raises(UserError, match="does not give"):
            Limit(levels=1).check("it", beyond)
    with pytest.raises(UserError, match="24.0 dB in the hole"):
        Limit(psnr=25).check("it", Difference(0.01, 24, 1))


def test_photos_to_verify_on():
    for size in (None, (64, 200), (512, 512), (720, 1280)):
        for image, mask in photos(size):
            assert image.shape[:2] == mask.shape[:2] == (size or (427, 640))
            assert 0.01 < (mask > 127).mean() < 0.6
