"""inpaint-tf masks make and show."""

import json

import numpy as np
from PIL import Image

from inpaint_tf.commands.dispatcher import main


def test_make_and_show_a_kind(tmp_path, capsys):
    call = ["masks", "make", "--kind=brush", "--count=9", "--height=96", "--width=128", "--area=0.2:0.3", "--seed=4"]
    assert main([*call, f"--output={tmp_path}/set"]) == 0
    assert main([*call, f"--output={tmp_path}/again"]) == 0
    first, again = ((tmp_path / name / "manifest.json").read_bytes() for name in ("set", "again"))
    assert first == again
    entries = json.loads(first)["entries"]
    assert len(entries) == 9 and all(0.2 <= entry["area"] < 0.3 for entry in entries)
    capsys.readouterr()
    assert main(["masks", "show", f"{tmp_path}/set", f"--output={tmp_path}/sheet.png"]) == 0
    assert "0.2-0.3: 9" in capsys.readouterr().out
    # Eight columns of 128 with gaps of 4; two rows with gaps below a title line of 22.
    assert Image.open(tmp_path / "sheet.png").size == (8 * 132 - 4, 22 + 2 * 132)


def test_make_a_protocol(tmp_path, rng):
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 256, (300, 280, 3), np.uint8)).save(tmp_path / "photos" / f"{name}.png")
    call = ["masks", "make", "--protocol=free_form", f"--images={tmp_path}/photos", f"--output={tmp_path}/set"]
    assert main(call) == 0
    entries = json.loads((tmp_path / "set/manifest.json").read_text())["entries"]
    assert [entry["image"]["name"] for entry in entries] == ["a.png"] * 5 + ["b.png"] * 5


def test_bad_usage_is_one_line(tmp_path, capsys):
    for words, said in [
        ([], "masks make"),
        (["make"], "--output"),
        (["make", f"--output={tmp_path}/x"], "--kind"),
        (["make", f"--output={tmp_path}/x", "--protocol=center128"], "--images"),
        (["make", f"--output={tmp_path}/x", "--kind=box", "--height=100"], "does not fit"),
        (["make", f"--output={tmp_path}/x", "--kind=box", "--area=0.1:0.2"], "brush"),
        (["make", f"--output={tmp_path}/x", "--kind=brush", "--area=oops"], "--area=oops"),
        (["show", f"{tmp_path}/nothing"], "manifest.json"),
    ]:
        assert main(["masks", *words]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
    assert not (tmp_path / "x").exists()
