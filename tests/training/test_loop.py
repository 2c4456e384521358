"""The loop and its folder: what a run leaves behind, how it goes on, and how it fails."""

import json
import re
import resource
import time

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data.pipeline import PhotoLoader
from inpaint_tf.data.sources import open_source
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import load_preset, named_variables
from inpaint_tf.training.divergence import Diverged
from inpaint_tf.training.loop import Trainer
from inpaint_tf.training.prepare import prepare_photos, remember_report
from inpaint_tf.training.run_folder import RunFolder
from inpaint_tf.training.state import raw_variables

STRATEGY = tf.distribute.get_strategy()


@pytest.fixture
def trainer(photos):
    """Function: configuration -> `Trainer`, its lines in `.lines`."""

    def make(config):
        lines = []
        made = Trainer(config, open_source(str(photos)), "data", STRATEGY, say=lines.append)
        made.lines = lines
        return made

    return make


def warm_up_only(tiny, **changes):
    """A run that only ever takes warm-up steps, which compile fast."""
    return tiny(**{"max_steps": 4, "pretrain_coarse_steps": 4, "log_every": 1, "checkpoint_every": 2, **changes})


def records(config):
    with open(f"{config.run_dir}/metrics.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.slow
@pytest.mark.parametrize(
    "n_critic, warm_up, expected",
    [
        (1, 0, "cgcg"),
        (2, 1, "gccgccg"),
        (5, 2, "ggcccccgcccccg"),
    ],
)
def test_generator_and_critics_move_at_these_steps(n_critic, warm_up, expected, tiny, trainer):
    """Every step of the loop, by whose weights changed in it: c critics, g generator."""
    made = trainer(tiny(n_critic=n_critic, pretrain_coarse_steps=warm_up, max_steps=warm_up + 2))
    networks = {"c": raw_variables(made.state.critic), "g": raw_variables(made.state.generator)}
    moves = []

    def watched(step):
        def run(*arguments):
            before = {name: [v.numpy() for v in variables] for name, variables in networks.items()}
            terms = step(*arguments)
            for name, variables in networks.items():
                if any((old != new.numpy()).any() for old, new in zip(before[name], variables)):
                    moves.append(name)
            return terms

        return run

    made.steps.critic, made.steps.generator = watched(made.steps.critic), watched(made.steps.generator)
    made.run()
    assert "".join(moves) == expected


@pytest.mark.slow
def test_a_run_leaves_logs_samples_checkpoints_and_a_preset(tiny, trainer, tmp_path):
    config = tiny(log_every=1, sample_every=2, checkpoint_every=2, n_critic=2)
    made = trainer(config)
    outcome = made.run()
    assert (outcome.step, outcome.finished) == (3, True)
    run = tmp_path / "run"

    found = records(config)
    assert [record["step"] for record in found] == [1, 2, 3]
    names = {"l1", "known", "generator_loss", "critic_loss", "critic_gradient_norm", "generator_gradient_norm"}
    assert all(names <= set(record) and np.isfinite(record["critic_loss"]) for record in found)
    assert found[2]["images_per_second"] > 0 and 0 <= found[2]["data_share"] <= 1
    assert "images_per_second" not in found[0]
    assert made.lines[1].startswith("step 2/3  joint  ") and " left  critic_loss " in made.lines[1]

    counters = made.state.counters
    assert (counters.batches, counters.updates) == (9, 9)
    assert sorted(p.name for p in (run / "checkpoints").glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["step_00000002.png", "step_00000003.png"]
    assert (run / "curves.png").read_bytes()[:4] == b"\x89PNG"

    events = [e for path in run.glob("events*") for e in tf.compat.v1.train.summary_iterator(str(path))]
    scalars = {(e.step, v.tag): v.simple_value for e in events for v in e.summary.value if not v.HasField("image")}
    assert scalars[3, "loss/generator_loss"] == pytest.approx(found[2]["generator_loss"])
    assert {"run/learning_rate", "run/images_per_second"} <= {tag for _, tag in scalars}
    pictures = [v.image for e in events for v in e.summary.value if v.HasField("image")]
    assert len(pictures) == 2 and pictures[0].encoded_image_string[:4] == b"\x89PNG"

    model, preset = load_preset(run / "preset")
    assert preset.channel_order == "RGB" and "step 3" in preset.source
    for average, variable in zip(made.state.averages, model.trainable_variables):
        np.testing.assert_array_equal(average, variable)
    assert any((a.numpy() != v.numpy()).any() for a, v in zip(made.state.averages, raw_variables(made.state.generator)))


@pytest.mark.slow
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tiny, trainer, tmp_path):
    whole = trainer(warm_up_only(tiny, run_dir=str(tmp_path / "whole"), mask_per_image=True, flip=True))
    whole.run()
    config = warm_up_only(tiny, run_dir=str(tmp_path / "parts"), mask_per_image=True, flip=True)
    first = trainer(config)
    first.say = lambda line: setattr(first, "stop", first.state.counters.step >= 2)
    outcome = first.run()
    assert (outcome.step, outcome.finished) == (2, False)
    assert outcome.resume_command == f"inpaint-tf train --flagfile={tmp_path / 'parts' / 'flags.txt'}"
    second = trainer(config)
    assert second.lines == ["resumes after step 2"]
    second.run()
    assert [record["step"] for record in records(config)] == [1, 2, 3, 4]
    ours, theirs = second.state.trackables(), whole.state.trackables()
    for group, variables in theirs.items():
        for name, variable in variables.items():
            np.testing.assert_allclose(ours[group][name], variable, rtol=1e-5, atol=1e-8, err_msg=f"{group} {name}")


@pytest.fixture
def begun(tiny, trainer):
    """A finished run of four warm-up steps with checkpoints of steps 2 and 4; its configuration."""
    config = warm_up_only(tiny)
    trainer(config).run()
    return config


def test_a_damaged_checkpoint_is_passed_over(begun, trainer, tmp_path):
    data = tmp_path / "run" / "checkpoints" / "ckpt-4.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    leftover = tmp_path / "run" / "checkpoints" / "ckpt-6_temp"
    leftover.mkdir()
    made = trainer(begun)
    assert "ckpt-4 is damaged and passed over" in made.lines[0] and made.lines[1] == "resumes after step 2"
    assert not leftover.exists()
    # Lines of steps that are done again are forgotten.
    assert [record["step"] for record in records(begun)] == [1, 2]
    made.folder.close()
    for path in (tmp_path / "run" / "checkpoints").glob("*.data*"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match="all 2 checkpoints .* are damaged"):
        trainer(begun)


@pytest.mark.slow
def test_a_run_that_waits_for_photos_says_so(tiny, trainer, monkeypatch):
    read = PhotoLoader.__call__

    def slowly(self, position, index):
        time.sleep(0.1)
        return read(self, position, index)

    monkeypatch.setattr(PhotoLoader, "__call__", slowly)
    config = warm_up_only(tiny, data_workers=1, max_steps=12, pretrain_coarse_steps=12, checkpoint_every=12)
    made = trainer(config)
    made.run()
    # What was prefetched while the step compiled is used up by then.
    assert records(config)[-1]["data_share"] > 0.5
    assert re.search(r"step 12/12 .* waits \d\d% of the time for photos", "\n".join(made.lines))


def test_a_full_disk_is_a_clear_error_and_leaves_the_last_checkpoint_whole(begun, trainer, tmp_path):
    made = trainer(begun)
    made.state.counters.step = 5
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Files beyond this size cannot be written, as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(
            UserError, match=r"of step 5 cannot be written to [^{}]*; File too large\); that of step 4 is whole"
        ):
            made.checkpoints.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    made.folder.close()
    assert not list((tmp_path / "run" / "checkpoints").glob("ckpt-5*"))
    assert trainer(begun).state.counters.step == 4


@pytest.mark.parametrize("poison, words", [(np.nan, "= nan"), (1e9, r"= \d")])
def test_divergence_stops_with_step_terms_and_checkpoint(tiny, trainer, tmp_path, poison, words):
    config = warm_up_only(tiny, log_every=4, checkpoint_every=1, loss_limit=100.0)
    made = trainer(config)
    step = made.steps.generator

    def poisoned(photos, phase):
        terms = step(photos, phase)
        # Past step 2 the loss is what the poison makes of it.
        return {**terms, "l1": tf.constant(poison, tf.float32)} if made.state.counters.step == 2 else terms

    made.steps.generator = poisoned
    with pytest.raises(Diverged, match=f"diverged at step 3: l1 {words}.*the last good checkpoint is of step 2"):
        made.run()
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").glob("*.index")) == [
        "ckpt-1.index",
        "ckpt-2.index",
    ]


def test_a_contradicting_configuration_is_refused_with_all_differences(tiny):
    RunFolder(tiny(), "data").close()
    with pytest.raises(UserError, match=r"--width was 2, now 4, --batch_size was 4, now 8"):
        RunFolder(tiny(width=4, batch_size=8), "data")
    with pytest.raises(UserError, match="not those that the run .* was begun with"):
        RunFolder(tiny(), "other data")
    # More steps or another cadence are welcome.
    RunFolder(tiny(max_steps=9, log_every=3), "data").close()


def test_configuration_is_written_before_the_first_step(tiny, tmp_path):
    folder = RunFolder(tiny(), "data")
    record = json.loads((tmp_path / "run" / "configuration.json").read_text())
    assert record["configuration"] == tiny().to_dict() and record["revision"] and record["data_fingerprint"] == "data"
    assert folder.resume_command.endswith("/run/flags.txt")
    with pytest.raises(UserError, match="another process trains in"):
        RunFolder(tiny(), "data")
    folder.close()


def test_a_folder_with_something_else_is_left_alone(tiny, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("...")
    with pytest.raises(UserError, match="not empty and no run's folder"):
        RunFolder(tiny(), "data")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_the_check_is_remembered(tiny, photos, tmp_path):
    config = tiny(bad_data_limit=0.5)
    names = sorted(path.name for path in photos.iterdir())
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join([*(str(photos / name) for name in names), "missing.png"]))
    config = tiny(bad_data_limit=0.5, train_data=str(listed))
    lines = []
    source, fingerprint, report = prepare_photos(config, say=lines.append)
    assert len(source) == len(names) and list(report.bad.values()) == ["missing"]
    assert "1 of 11 training photos cannot be used (1 missing)" in lines[0] and lines[0].endswith("left out")
    RunFolder(config, fingerprint).close()
    remember_report(config, fingerprint, report)
    lines.clear()
    again, same, _ = prepare_photos(config, say=lines.append)
    assert len(again) == len(source) and same == fingerprint and not lines


def test_exported_weights_are_the_weights_themselves_without_averages(tiny, trainer):
    made = trainer(tiny(ema_decay=0.0))
    assert made.state.averages is None
    exported = made.state.exported_weights()
    for name, variable in named_variables(made.state.generator).items():
        np.testing.assert_array_equal(exported[name], variable.numpy())


def test_batches_that_cannot_be_cut_are_refused(tiny, trainer):
    with pytest.raises(UserError, match="does not divide"):
        trainer(tiny(accumulate=3))
