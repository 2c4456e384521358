"""A disk that fills up: one line that says so, nothing half-written, and what was there before is whole."""

import pathlib
import subprocess

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands.dispatcher import main

RESULTS = pathlib.Path(__file__).parents[2] / "experiments/table1/results/results.jsonl"


def left_over(folder):
    return [path.name for path in folder.rglob("*") if path.name.startswith(".")]


def said(capsys):
    err = capsys.readouterr().err
    assert "No space left on device" in err and "Traceback" not in err, err
    return err


def test_a_batch_says_which_photos_are_missing_and_keeps_the_others(small_disk, photos, tmp_path, capsys):
    masks = photos.parent / "masks"
    _filled(small_disk)
    assert main(["inpaint", f"--image={photos}", f"--mask={masks}", f"--output={small_disk / 'out'}"]) == 1
    said(capsys)
    written = list((small_disk / "out").glob("*.png"))
    assert 1 <= len(written) < 4 and not left_over(small_disk)
    for path in written:
        assert np.array(Image.open(path)).shape == (128, 160, 3)


@pytest.mark.parametrize("words", [["make_records", "--shards=2"], ["masks", "make", "--kind=brush", "--count=900"]])
def test_folders_are_whole_or_not_there(small_disk, photos, words, capsys):
    source = [f"--train_data={photos}"] if words[0] == "make_records" else []
    _filled(small_disk)
    assert main([*words, *source, f"--output={small_disk / 'out'}"]) == 2
    err = said(capsys)
    assert err.splitlines()[-1].startswith("inpaint-tf: cannot write ") and not left_over(small_disk)
    assert not (small_disk / "out" / "manifest.json").exists() and not list((small_disk / "out").glob("*.tfrecord"))


@pytest.mark.slow  # 20 s: an export.
def test_an_export_says_so_and_leaves_nothing(small_disk, capsys):
    assert main(["export", "--format=saved_model", f"--output={small_disk / 'out'}"]) == 2
    err = said(capsys)
    assert len(err.splitlines()) == 1 and not list(small_disk.iterdir())


@pytest.mark.parametrize("command", ["compare", "masks", "records", "convert", "train"])
def test_a_disk_that_cannot_be_written_is_one_line(small_disk, photos, golden, command, capsys):
    out = small_disk / "out"
    (small_disk / "results.jsonl").write_bytes(RESULTS.read_bytes()[:100_000].rsplit(b"\n", 1)[0])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    words = {
        "compare": ["evaluate", f"--compare={small_disk}", f"--output={out}"],
        "masks": ["masks", "make", "--kind=box", "--count=2", f"--output={out}"],
        "records": ["make_records", f"--train_data={photos}", "--shards=1", f"--output={out}"],
        "convert": ["convert", f"--checkpoint={golden}", f"--output={out}"],
        "train": ["train", f"--train_data={photos}", "--image_size=32", f"--run_dir={out}"],
    }
    assert main(words[command]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("inpaint-tf: cannot ") and "Read-only file system" in err[-1]


def _filled(folder):
    (folder / "filler").write_bytes(bytes(130_000))
