"""What a run survives: lists and logs that are damaged, kills between two files, and what it must never delete."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.util import deprecation

from inpaint_tf.data.sources import open_source
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import read_config
from inpaint_tf.training import checkpoints, run_folder
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.divergence import Diverged
from inpaint_tf.training.loop import Trainer
from inpaint_tf.training.run_folder import RunFolder

STRATEGY = tf.distribute.get_strategy()
TINY = {"image_size": 32, "width": 2, "critic_width": 2, "batch_size": 4, "n_critic": 1, "sample_images": 2}
# Of the warm-up, whose steps compile fast.
FOUR_STEPS = {"max_steps": 4, "pretrain_coarse_steps": 4, "log_every": 1, "checkpoint_every": 2, "sample_every": 0}


@pytest.fixture
def trainer(photos):
    """Function: configuration -> `Trainer`, its lines in `.lines`."""

    def make(config):
        lines = []
        made = Trainer(config, open_source(str(photos)), "data", STRATEGY, say=lines.append)
        made.lines = lines
        return made

    return make


@pytest.fixture
def config(tiny):
    """Of a run that makes checkpoints of steps 2 and 4."""
    return tiny(**FOUR_STEPS)


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    """The folder of a finished run, not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    config = TrainingConfig(**{**TINY, **FOUR_STEPS, "train_data": str(photos), "run_dir": str(folder)})
    Trainer(config, open_source(str(photos)), "data", STRATEGY, say=lambda line: None).run()
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run, which `config` resumes."""
    return shutil.copytree(finished, tmp_path / "run")


def pairs(run):
    return {path.name: path.read_bytes() for path in (run / "checkpoints").glob("ckpt-*")}


def steps(run):
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_bytes().splitlines()]


def missing(listed):
    listed.unlink()


def flipped(listed):
    content = bytearray(listed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    listed.write_bytes(content)


def empty(listed):
    listed.write_bytes(b"")


def names_nothing(listed):
    listed.write_text('model_checkpoint_path: "ckpt-9"\nall_model_checkpoint_paths: "ckpt-9"\n')


@pytest.mark.parametrize("damage", [missing, flipped, empty, names_nothing])
def test_whatever_the_list_says_no_checkpoint_is_lost(run, config, trainer, damage):
    before = pairs(run)
    damage(run / "checkpoints" / "checkpoint")
    made = trainer(config)
    assert made.state.counters.step == 4 and made.lines[0].endswith("after step 4")
    assert pairs(run) == before and steps(run) == [1, 2, 3, 4]
    # The list is whole again, for TensorFlow's own tools.
    assert tf.train.latest_checkpoint(str(run / "checkpoints")).endswith("ckpt-4")


def test_the_list_is_tensorflows_and_written_without_its_warning(run, config, trainer, caplog, monkeypatch):
    monkeypatch.setattr(deprecation, "_PRINTED_WARNING", {})  # It warns once in a process.
    tf.get_logger().addHandler(caplog.handler)
    try:
        trainer(config)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert "deprecated" not in caplog.text
    listed = tf.train.get_checkpoint_state(str(run / "checkpoints"))
    assert [path.rpartition("/")[2] for path in listed.all_model_checkpoint_paths] == ["ckpt-2", "ckpt-4"]
    assert listed.model_checkpoint_path.endswith("checkpoints/ckpt-4")


def test_a_pair_that_the_list_does_not_name_yet_is_used(run, config, trainer):
    tf.compat.v1.train.update_checkpoint_state(
        str(run / "checkpoints"), "ckpt-2", all_model_checkpoint_paths=["ckpt-2"]
    )
    assert trainer(config).state.counters.step == 4


def test_only_the_oldest_of_too_many_is_deleted(run, config, trainer):
    assert checkpoints.whole_checkpoints(run / "checkpoints") == [2, 4]
    made = trainer(config)
    for step in (5, 6):
        made.state.counters.step = step
        made.checkpoints.save()
    assert checkpoints.whole_checkpoints(run / "checkpoints") == [4, 5, 6]
    assert sorted(path.name for path in (run / "checkpoints").iterdir() if "ckpt" not in path.name) == ["checkpoint"]


def test_a_run_whose_checkpoints_are_gone_is_not_buried(run, config, trainer):
    metrics = (run / "metrics.jsonl").read_bytes()
    for data in (run / "checkpoints").glob("*.data-*"):
        data.rename(run / "samples.bak")
    with pytest.raises(UserError, match="holds no whole checkpoint, but ckpt-4.index says that there was one"):
        trainer(config)
    assert (run / "metrics.jsonl").read_bytes() == metrics and len(list((run / "checkpoints").glob("*.index"))) == 2


def test_a_run_without_checkpoints_whose_preset_says_that_there_were_is_not_buried(run, config, trainer):
    (run / "checkpoints").rename(run.parent / "elsewhere")
    with pytest.raises(UserError, match="no checkpoint, but its preset"):
        trainer(config)
    assert steps(run) == [1, 2, 3, 4]


def test_half_a_shard_is_no_checkpoint(tmp_path):
    for name in ("ckpt-1.index", "ckpt-1.data-00000-of-00002", "ckpt-2.index", "ckpt-2.data-00000-of-00001",
                 "ckpt-3.data-00000-of-00001", "ckpt-x.index"):  # fmt: skip
        (tmp_path / name).write_bytes(b"1")
    assert checkpoints.whole_checkpoints(tmp_path) == [2]


def test_a_damaged_byte_in_the_metrics_is_put_aside(run, config, trainer):
    lines = (run / "metrics.jsonl").read_bytes().splitlines()
    lines[1] = b'{"step": \xff2}'
    (run / "metrics.jsonl").write_bytes(b"\n".join(lines) + b'\n{"step": 5, "l')
    made = trainer(config)
    assert steps(run) == [1, 3, 4]
    assert (run / "metrics.damaged").read_bytes() == b'{"step": \xff2}\n'
    assert [record["step"] for record in made.folder.records()] == [1, 3, 4]


def test_a_kill_between_checkpoint_and_preset_is_made_good(config, trainer, tmp_path, monkeypatch):
    made = trainer(config)
    monkeypatch.setattr(made.folder, "replace_folder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    made.state.counters.step = 4
    with pytest.raises(KeyboardInterrupt):
        made._save()
    made.folder.close()
    run = tmp_path / "run"
    assert checkpoints.whole_checkpoints(run / "checkpoints") == [4] and not (run / "preset").exists()
    outcome = trainer(config).run()
    assert outcome.finished and "step 4 of run" in read_config(run / "preset").source
    # A third time writes nothing anew.
    before = (run / "preset" / "config.json").stat().st_ino
    trainer(config).run()
    assert (run / "preset" / "config.json").stat().st_ino == before


def test_a_kill_before_samples_and_measurement_loses_neither(tiny, trainer, photos, tmp_path, monkeypatch):
    config = tiny(max_steps=2, pretrain_coarse_steps=2, checkpoint_every=2, sample_every=2, log_every=1,
                  validation_images=str(photos), validate_every=2)  # fmt: skip
    made = trainer(config)
    made.monitor._validation = None
    monkeypatch.setattr(made, "_draw_samples", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        made.run()
    made.folder.close()
    again = trainer(config)
    monkeypatch.setattr(again.monitor, "measure", lambda: {"center128/psnr/hole": 12.0})
    again.run()
    run = tmp_path / "run"
    assert (run / "samples" / "step_00000002.png").exists()
    assert [record for record in again.folder.records() if "center128/psnr/hole" in record] == [
        {"step": 2, "center128/psnr/hole": 12.0}
    ]
    third = trainer(config)
    monkeypatch.setattr(third.monitor, "measure", lambda: pytest.fail("measured twice"))
    third.run()


def test_a_kill_before_the_first_file_is_forgiven(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "write_bytes", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        RunFolder(tiny(), "data")
    monkeypatch.undo()
    run = tmp_path / "run"
    assert [path.name for path in run.iterdir()] == [".lock"]
    (run / ".inpaint_tf-999999999-1-00000000-1-abc").write_bytes(b"{")
    RunFolder(tiny(), "data").close()
    assert (run / "configuration.json").exists()


def test_what_is_advised_after_divergence_is_accepted(config, run, trainer, tmp_path, photos):
    changed = TrainingConfig(**{**config.to_dict(), "learning_rate": 1e-5, "clip_norm": 1.0, "max_steps": 5})
    trainer(changed).folder.close()
    record = json.loads((run / "configuration.json").read_text())
    assert record["configuration"]["learning_rate"] == 1e-5
    assert record["changed"][0]["options"] == {
        "max_steps": [4, 5], "learning_rate": [1e-4, 1e-5], "clip_norm": [0.0, 1.0]
    }  # fmt: skip
    # The same again is no change.
    trainer(changed).folder.close()
    assert len(json.loads((run / "configuration.json").read_text())["changed"]) == 1


def test_a_resumed_run_tells_tensorboard_which_steps_come_again(run, config, trainer):
    """What TensorBoard does with it: of every step there is one value, the later one."""
    for suffix in ("index", "data-00000-of-00001"):
        (run / "checkpoints" / f"ckpt-4.{suffix}").unlink()
    trainer(config).run()
    kept = {}
    for path in sorted(run.glob("events.out.tfevents.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            if event.session_log.status == tf.compat.v1.SessionLog.START:
                kept = {key: values for key, values in kept.items() if key[0] < event.step}
            for value in event.summary.value:
                kept.setdefault((event.step, value.tag), []).append(value.simple_value)
    assert {step for step, _ in kept} == {1, 2, 3, 4}
    assert all(len(values) == 1 for values in kept.values())
    assert len(list(run.glob("*.resumed_3"))) == 1


def test_divergence_names_the_photos_of_the_step(config, trainer, photos):
    # One reader: with several, the order in which photos are read is not that of the stream.
    made = trainer(dataclasses.replace(config, data_workers=1))
    step, batches = made.steps.generator, []
    source, read = made.loader.source, made.loader.source.read

    def poisoned(photos, phase):
        terms = step(photos, phase)
        return {**terms, "l1": tf.constant(np.nan)} if made.state.counters.step == 1 else terms

    def watched(index):
        batches.append(source.name(index))
        return read(index)

    source.read, made.steps.generator = watched, poisoned
    with pytest.raises(Diverged) as caught:
        made.run()
    named = str(caught.value).split("on a batch of ")[1].split(";")[0].split(", ")
    assert "diverged at step 2" in str(caught.value) and len(named) == 4
    assert named in [batches[first : first + 4] for first in (0, 4, 8)]
    assert all(name.startswith(str(photos)) for name in named)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"configuration": 3}', '{"configuration": {"model": []}}', "\x00", "[" * 100_000, '{"a": 1}'],
)
def test_a_damaged_configuration_is_one_line(tiny, tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "configuration.json").write_text(content)
    with pytest.raises(UserError, match="cannot be read as a run's configuration") as caught:
        RunFolder(tiny(), "data")
    assert "\n" not in str(caught.value)
    shutil.rmtree(tmp_path / "run")
