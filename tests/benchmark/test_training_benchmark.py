"""The training benchmark on tiny networks and a handful of photos."""

import json
import time

import cv2
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.benchmark import machine, photos, training
from inpaint_tf.benchmark.photos import made_up_photos
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.data.sources import FileSource

TINY = {"image_size": 32, "width": 2, "critic_width": 2, "batch_size": 2, "n_critic": 1, "crop": "fit_crop"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return {**TINY, "train_data": str(made_up_photos(tmp_path_factory.mktemp("photos"), 32))}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(training, "_ITERATION_SECONDS", 1.0)
    monkeypatch.setattr(training, "_DATA_SECONDS", 0.05)
    monkeypatch.setattr(machine, "_SIDE", 128)


@pytest.mark.slow
def test_rows_of_training_and_time_that_is_spent_waiting(settings, monkeypatch):
    # Reading a photo takes longer than a step, which what is decoded ahead must not hide.
    read, numbers = FileSource.read, []

    def slow(self, number):
        time.sleep(0.1)
        numbers.append(number)
        return read(self, number)

    monkeypatch.setattr(FileSource, "read", slow)
    monkeypatch.setattr(training, "_DATA_SECONDS", 1.0)
    rows = training.measure({**settings, "data_workers": 1}, 2)
    assert [row["what"] for row in rows] == ["critic_step", "generator_step", "iteration", "photos"]
    for row in rows:
        assert json.loads(json.dumps(row)) == row
        assert row["seconds"] > 0 and row["peak_of"] == "process" and row["peak_memory_gib"] > 0.1
        assert f"{row['images_per_second']:7.2f} images/s" in training.describe(row)
    iteration, alone = rows[2:]
    assert iteration["images_per_second"] == pytest.approx(2 * 2 / iteration["seconds"])
    assert 0.2 < iteration["data_share"] < 1 and "waiting for photos" in training.describe(iteration)
    # Ten photos fit into the second, and a batch that had been ready would make them twelve; a reader may be some
    # milliseconds into a photo when the clock starts.
    assert alone["images_per_second"] < 1.1 / 0.1
    assert len(numbers) > 8 and "of_authors" not in iteration


def test_memory_that_runs_out_is_a_row(settings, monkeypatch):
    def failing(*_):
        raise tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB")

    monkeypatch.setattr(training, "_measured", failing)
    (row,) = training.measure(settings, 1)
    assert row["skipped"] == "memory ran out" and "memory ran out" in training.describe(row)


@pytest.mark.parametrize("precision, allowed", [("float32", False), ("tf32", True), ("mixed_bfloat16", False)])
def test_tf32_is_a_choice(settings, monkeypatch, precision, allowed):
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    seen = []

    def looking(config, repeats, word):
        seen.append((tf.config.experimental.tensor_float_32_execution_enabled(), word))
        return []

    monkeypatch.setattr(training, "_measured", looking)
    try:
        training.measure({**settings, "precision": training.PRECISIONS[precision]}, 1, precision)
        assert seen == [(allowed, precision)]
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def test_every_combination_is_a_run(settings, tmp_path, monkeypatch, capsys):
    asked = []

    def measured(function, given, repeats, precision):
        asked.append((precision, given["precision"], given["batch_size"], given["jit_compile"], given["data_workers"]))
        return [training._about(training.TrainingConfig(**given), "iteration", precision) | {"skipped": "a test"}]

    monkeypatch.setattr(machine, "in_fresh_process", measured)
    words = ["--precisions=float32,tf32,bfloat16", "--batch_sizes=2,4", "--xla", "--data_workers=3", "--device=cpu"]
    assert main(["benchmark", "train", *words, f"--output={tmp_path}"]) == 0
    expected = [("float32", "float32"), ("bfloat16", "mixed_bfloat16")]
    assert asked == [(*p, size, xla, 3) for p in expected for size in (2, 4) for xla in (False, True)]
    assert len((tmp_path / "training.jsonl").read_text().splitlines()) == 8
    assert capsys.readouterr().out.count("tf32 is left out") == 1


def test_photos_a_second(settings):
    row = photos.measure({**settings, "data_workers": 2}, 0.1)
    assert row["images_per_second"] == pytest.approx(2 / row["seconds"])
    assert row["photos"] % 2 == 0 and row["photos"] >= 2
    assert row["images_per_core_second"] == pytest.approx(2 / row["processor_seconds"])


def test_photos_from_the_command_line(settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "in_fresh_process", lambda function, given, _: function(given, 0.05))
    words = ["--image_size=32", "--data_workers=1,2", f"--train_data={settings['train_data']}", f"--output={tmp_path}"]
    assert main(["benchmark", "photos", *words]) == 0
    rows = [json.loads(line) for line in (tmp_path / "photos.jsonl").read_text().splitlines()]
    assert [row["data_workers"] for row in rows] == [1, 2] and "photos/s" in capsys.readouterr().out


def test_photos_that_are_made_up(tmp_path):
    made_up_photos(tmp_path, 64)
    shapes = {cv2.imread(str(path)).shape for path in tmp_path.glob("*.jpg")}
    assert shapes == {(64, 80, 3)} and len(list(tmp_path.glob("*.jpg"))) == 32
    assert np.std(cv2.imread(str(tmp_path / "00.jpg"))) > 20
