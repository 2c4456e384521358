"""Work on several processes: everything is done once, and a killed process loses nothing."""

import functools
import os
import pathlib
import signal

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.commands.workers import Outcome, Workers, parse_shard
from inpaint_tf.errors import UserError


def doer(folder, deadly=(), once=()):
    """A job is a name; doing it leaves a file. Deadly jobs kill their process, `once` ones the first time only."""

    def do(job):
        marks = pathlib.Path(folder)
        if job in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if job in once and not (marks / f"{job}.tried").exists():
            (marks / f"{job}.tried").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with open(marks / f"{job}.done", "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}\n")
        return Outcome(notes=(f"did {job}",))

    return do


def run(tmp_path, jobs, count=2, **kinds):
    return dict(Workers(count, functools.partial(doer, str(tmp_path), **kinds))(jobs))


def test_every_job_is_done_once_and_processors_are_shared(tmp_path):
    jobs = [f"job{number}" for number in range(9)]
    outcomes = run(tmp_path, jobs, count=3)
    assert {job: outcome.notes for job, outcome in outcomes.items()} == {job: (f"did {job}",) for job in jobs}
    lines = [(tmp_path / f"{job}.done").read_text().splitlines() for job in jobs]
    assert all(len(line) == 1 for line in lines)
    assert {line[0].split()[1] for line in lines} == {str(max(1, len(os.sched_getaffinity(0)) // 3))}


def test_processors_are_left_alone_where_rounding_must_not_change(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    list(Workers(2, functools.partial(doer, str(tmp_path)), share_processors=False)(["a", "b"]))
    assert {path.read_text().split()[1] for path in tmp_path.glob("*.done")} == {"7"}


@pytest.mark.slow
def test_nothing_is_lost_when_a_worker_is_killed(tmp_path):
    outcomes = run(tmp_path, ["a", "b", "c", "d", "e"], once=("b", "d"))
    assert all(outcome.error is None for outcome in outcomes.values()) and len(outcomes) == 5
    assert {path.stem for path in tmp_path.glob("*.done")} == set("abcde")


def test_a_job_that_always_kills_its_process_is_given_up_and_the_others_are_done(tmp_path):
    outcomes = run(tmp_path, ["a", "b", "c", "d"], deadly=("c",))
    assert [job for job, outcome in outcomes.items() if outcome.error] == ["c"]
    assert "ended twice (SIGKILL)" in outcomes["c"].error and "memory" in outcomes["c"].error


@pytest.mark.slow
def test_workers_that_always_die_are_not_started_for_ever(tmp_path):
    jobs = [str(number) for number in range(20)]
    with pytest.raises(UserError, match="one worker after the other ends"):
        run(tmp_path, jobs, deadly=jobs)


def test_stopping_early_leaves_no_process(tmp_path):
    running = Workers(2, functools.partial(doer, str(tmp_path)))([str(number) for number in range(50)])
    next(running)
    running.close()
    import multiprocessing

    assert not multiprocessing.active_children()


@pytest.mark.parametrize("text, part", [(None, (1, 1)), ("1/1", (1, 1)), ("2/5", (2, 5))])
def test_shards(text, part):
    assert parse_shard(text) == part


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UserError, match="write I/N with I from 1 to N"):
        parse_shard(text)


@pytest.fixture
def photos(tmp_path):
    """Folders of five small photos and their masks; one of the photos is damaged."""
    rng = np.random.default_rng(0)
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    hole = np.zeros((32, 40), np.uint8)
    hole[8:20, 10:30] = 255
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (32, 40, 3), np.uint8)).save(tmp_path / f"photos/{number}.png")
        Image.fromarray(hole).save(tmp_path / f"masks/{number}.png")
    (tmp_path / "photos/3.png").write_bytes(b"no picture")
    return tmp_path


def call(photos, output, *words):
    folders = [f"--image={photos / 'photos'}", f"--mask={photos / 'masks'}", f"--output={photos / output}"]
    return main(["inpaint", *folders, "--detail=none", *words])


@pytest.mark.slow
def test_shards_together_do_every_photo_once(photos, capsys):
    assert call(photos, "out", "--shard=1/2") == 0
    assert sorted(path.name for path in (photos / "out").iterdir()) == ["0.png", "2.png", "4.png"]
    assert call(photos, "out", "--shard=2/2") == 1
    assert "1 completed, 0 kept, 1 failed" in capsys.readouterr().out
    assert len(list((photos / "out").iterdir())) == 4


@pytest.mark.slow  # Twenty seconds: two processes load TensorFlow.
def test_workers_give_the_pictures_and_the_summary_of_one_process(photos, capsys):
    assert call(photos, "one") == 1
    alone = capsys.readouterr()
    assert call(photos, "two", "--workers=2") == 1
    together = capsys.readouterr()
    assert together.out == alone.out.replace("one.", "two.") and "4 completed, 0 kept, 1 failed" in together.out
    assert "3.png" in together.err
    for path in (photos / "one").iterdir():
        assert np.array_equal(np.array(Image.open(path)), np.array(Image.open(photos / "two" / path.name)))


def test_two_ways_of_sharing_out_at_once_are_refused(photos, capsys):
    assert call(photos, "out", "--engine=ray", "--shard=1/2") == 2
    assert "--engine=ray shares photos out itself; leave out --shard" in capsys.readouterr().err
    assert call(photos, "out", "--shard=3/2") == 2
    assert "write I/N with I from 1 to N" in capsys.readouterr().err


def test_one_photo_is_not_shared_out(photos, capsys):
    words = [f"--image={photos / 'photos/0.png'}", f"--mask={photos / 'masks/0.png'}", f"--output={photos / 'x.png'}"]
    assert main(["inpaint", *words, "--workers=2"]) == 2
    assert "for many photos" in capsys.readouterr().err
