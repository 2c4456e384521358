"""Rows computed by several processes or in parts: the numbers of one process, and nothing lost to a kill."""

import functools
import json
import os
import pathlib
import signal

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.commands.workers import Outcome, Workers
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.classical import mean_color
from inpaint_tf.evaluation.evaluate import evaluate, prepare_masks
from inpaint_tf.evaluation.method import Completion, Method
from inpaint_tf.evaluation.methods import method_named
from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource
from inpaint_tf.evaluation.runner import EntryRunner, run_method
from inpaint_tf.evaluation.sharing import EntryFailure, EntryJob, EntryWork, Share, compute_part


def call(photos, output, *words):
    return main(["evaluate", "--protocol=free_form", f"--images={photos}", f"--output={output}", *words])


def results(folder):
    """The lines of results.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    timed = ("seconds_per_image", "cpu_seconds_per_image", "workers")
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


def pictures(folder):
    return {path.relative_to(folder): path.read_bytes() for path in (folder / "cache").rglob("*.png")}


@pytest.mark.slow
def test_parts_together_are_the_whole(photos, tmp_path, capsys):
    words = ["--methods=mean,telea"]
    assert call(photos, tmp_path / "one", *words) == 0
    for part in (3, 1, 2):
        assert call(photos, tmp_path / "parts", *words, f"--shard={part}/3") == 0
        assert f"Part {part} of 3: 10 computed, 0 failed." in capsys.readouterr().out
        assert not (tmp_path / "parts/results.jsonl").exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts/cache").rglob("*.json")}
    assert call(photos, tmp_path / "parts", *words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(before) == 2 * 15 + 2
    assert results(tmp_path / "parts") == results(tmp_path / "one")
    assert pictures(tmp_path / "parts") == pictures(tmp_path / "one")


def test_parts_of_several_machines_can_be_copied_together(photos, tmp_path, capsys):
    for part in (1, 2):
        assert call(photos, tmp_path / f"machine{part}", "--methods=mean", f"--shard={part}/2") == 0
    joined = tmp_path / "machine1"
    for path in (tmp_path / "machine2/cache/mean").iterdir():
        (joined / "cache/mean" / path.name).write_bytes(path.read_bytes())
    capsys.readouterr()
    (source, manifest) = ImageSource(photos), prepare_masks(ImageSource(photos), joined, PROTOCOLS["free_form"])
    assert run_method(method_named("mean"), manifest, source, joined, joined).computed == 0


@pytest.mark.slow  # Forty seconds: three processes load TensorFlow.
def test_workers_give_the_numbers_of_one_process(photos, tmp_path, capfd):
    words = ["--methods=telea,preset:photos_small"]
    assert call(photos, tmp_path / "one", *words) == 0
    capfd.readouterr()
    assert call(photos, tmp_path / "two", *words, "--workers=2") == 0
    # What TensorFlow says while it is imported is dropped in a worker as in the command's own process.
    assert "oneDNN" not in (said := capfd.readouterr().err) and "absl::InitializeLog" not in said
    assert results(tmp_path / "two") == results(tmp_path / "one")
    assert pictures(tmp_path / "two") == pictures(tmp_path / "one")
    lines = [json.loads(line) for line in (tmp_path / "two/results.jsonl").read_text().splitlines()]
    assert {line["workers"] for line in lines} == {2}


def deadly(folder, source, times):
    """Work on jobs with a method that kills its process on mask 1, so many times."""

    def fill(image, hole):
        return mean_color(image, hole)

    work = EntryWork(lambda name: Method(name, "1", lambda i, h: Completion(fill(i, h))), source, folder, 2)

    def do(job):
        marks = pathlib.Path(folder) / "deaths"
        deaths = len(list(marks.glob("*"))) if marks.exists() else 0
        if job.entry == 1 and deaths < times:
            marks.mkdir(exist_ok=True)
            (marks / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        failure = work(job)
        return Outcome(error=failure and failure.text)

    return do


def engine(folder, source, times):
    def run(jobs):
        for job, outcome in Workers(2, functools.partial(deadly, folder, source, times))(jobs):
            yield job, outcome.error and EntryFailure(outcome.error, False)

    return run


@pytest.mark.slow  # Twenty seconds: processes load TensorFlow.
@pytest.mark.parametrize("times, lost", [(1, []), (2, [1])], ids=["killed once", "killed twice"])
def test_a_killed_worker_loses_nothing_or_says_what(photos, tmp_path, times, lost):
    method = Method("mine", "1", lambda image, hole: Completion(mean_color(image, hole)))
    source = ImageSource(photos)
    output = tmp_path / "out"
    (run,), lines, page = evaluate(
        source, output, [method], PROTOCOLS["center128"], engine=engine(str(output), source, times)
    )
    assert [row.entry for row in run.failed] == lost and page.exists() and lines[0]["masks"] == 3 - len(lost)
    assert all("ended twice (SIGKILL)" in row.error for row in run.failed)
    # What was given up is tried again by the next run.
    assert evaluate(source, output, [method], PROTOCOLS["center128"])[0][0].computed == len(lost)


def test_a_row_of_another_key_is_not_used_and_does_no_harm(photos, tmp_path):
    """Two versions of a method that share a folder: each counts its own rows, none deletes the other's work midway."""
    source = ImageSource(photos)
    manifest = prepare_masks(source, tmp_path, PROTOCOLS["center128"])

    def runner(fingerprint):
        method = Method("m", fingerprint, lambda image, hole: Completion(mean_color(image, hole)))
        return EntryRunner(method, manifest, source, tmp_path, tmp_path)

    one = runner("1")
    one.compute(0)
    other = runner("2")
    assert other.kept(0) is None and one.kept(0) is not None
    other.compute(1)
    assert one.kept(1) is None and runner("1").kept(0) is not None


def test_an_image_that_cannot_be_used_ends_the_evaluation(photos, tmp_path):
    source = ImageSource(photos)
    manifest = prepare_masks(source, tmp_path, PROTOCOLS["center128"])
    (photos / "b.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(UserError, match=r"b\.png is not the image of the manifest"):
        compute_part([method_named("mean")], manifest, source, tmp_path, Share(2, 3))
    failure = EntryWork(method_named, source, tmp_path, 2)(EntryJob("mean", 1))
    assert failure is not None and failure.input_is_bad

    def engine(jobs):
        yield jobs[0], failure

    with pytest.raises(UserError, match="is not the image of the manifest"):
        compute_part([method_named("mean")], manifest, source, tmp_path, Share(engine=engine))


@pytest.mark.parametrize(
    "words, said",
    [
        (["--shard=4/3", "--methods=mean"], "write I/N with I from 1 to N"),
        (["--shard=0/3", "--methods=mean"], "write I/N with I from 1 to N"),
        (["--shard=two", "--methods=mean"], "write I/N with I from 1 to N"),
        (["--shard=1/2", "--compare=a,b"], "leave it out of study and --compare"),
        (["study", "--shard=1/2"], "leave it out of study and --compare"),
        (["--workers=0", "--methods=mean"], "workers"),
    ],
)
def test_bad_shares_are_one_line(photos, tmp_path, capsys, words, said):
    assert call(photos, tmp_path / "out", *words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (tmp_path / "out").exists()
