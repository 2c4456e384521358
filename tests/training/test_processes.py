"""Whole runs as people start them: killed and resumed, on two workers, and the smoke flags. A minute or two each."""

import contextlib
import json
import pathlib
import secrets
import signal
import socket
import time

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.models.presets import load_preset
from inpaint_tf.training.strategy import FIRST_PORT, PORTS
from tests.training.conftest import starting

SMOKE = pathlib.Path(__file__).parents[2] / "flags" / "smoke.flags"
MINUTES = 60


def finished(process, seconds=10 * MINUTES):
    output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def tensors(run, step):
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names}


@pytest.mark.slow
def test_killed_and_resumed_is_bit_identical_to_uninterrupted(start_command, tmp_path):
    words = ["--deterministic", "--max_steps=6", "--checkpoint_every=2", "--log_every=1", "--sample_every=0", "--flip"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    uninterrupted = start_command(*words, f"--run_dir={whole}")
    killed = start_command(*words, "--max_steps=100000", f"--run_dir={parts}")
    metrics = parts / "metrics.jsonl"
    deadline = time.monotonic() + 10 * MINUTES
    while killed.poll() is None and time.monotonic() < deadline:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= 3:
            break
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert finished(uninterrupted)[0] == 0
    reached = len(metrics.read_text().splitlines())
    assert reached < 6, "the run was killed too late to prove anything"

    code, output = finished(start_command(*words, f"--run_dir={parts}"))
    assert code == 0 and "resumes after step" in output
    expected, found = tensors(whole, 6), tensors(parts, 6)
    assert set(found) == set(expected) and len(expected) > 200
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    lines = [[json.loads(line)["step"] for line in (run / "metrics.jsonl").open()] for run in (whole, parts)]
    assert lines[0] == lines[1] == [1, 2, 3, 4, 5, 6]


def two_workers(start_command, *words):
    """Two workers of one cluster on this machine, as running processes."""
    return [start_command(*words, environment={"TF_CONFIG": json.dumps(task)}) for task in two_tasks()]


def two_slurm_tasks(start_command, *words):
    """The same, as `srun --ntasks=2` starts them, without GPUs."""
    job = {"SLURM_JOB_ID": str(free_job()), "SLURM_STEP_NUM_TASKS": "2"}
    nodes = {"SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_TASKS_PER_NODE": "2"}
    return [start_command(*words, environment={**job, **nodes, "SLURM_PROCID": number}) for number in "01"]


def free_job():
    """A job's number whose workers find their two ports free; another one in every run of this test."""
    while True:
        number = secrets.randbelow(PORTS - 1)
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("localhost", FIRST_PORT + number))
            second.bind(("localhost", FIRST_PORT + number + 1))
            return number


def two_tasks():
    """What `TF_CONFIG` says to each of two workers on free ports."""
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in (0, 1)]


# Adam divides by the root of the squared gradient: where that is rounding noise, with the authors' epsilon the update
# is noise of the size of the learning rate (one bias in a thousand differed by 3e-5).
THREE_STEPS = ["--max_steps=3", "--checkpoint_every=3", "--log_every=1", "--sample_every=0", "--epsilon=1e-4"]


@pytest.fixture(scope="module")
def alone(photos, tmp_path_factory):
    """The tensors of one worker's run of three steps."""
    folder = tmp_path_factory.mktemp("alone")
    with starting(photos) as start:
        code, output = finished(start(*THREE_STEPS, f"--run_dir={folder}"))
    assert code == 0, output
    return tensors(folder, 3)


@pytest.mark.slow
@pytest.mark.parametrize("start_both", [two_workers, two_slurm_tasks])
def test_two_workers_train_like_one(start_both, start_command, alone, tmp_path):
    for code, output in map(finished, start_both(start_command, *THREE_STEPS, f"--run_dir={tmp_path}")):
        assert code == 0, output
    one, both = alone, tensors(tmp_path, 3)
    assert set(one) == set(both)
    weights = [name for name in one if name.startswith(("generator/", "critic/", "averages/"))]
    assert len(weights) > 100
    for name in weights:
        np.testing.assert_allclose(both[name], one[name], atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_a_killed_worker_stops_the_other_and_both_go_on(start_command, tmp_path):
    run = tmp_path / "run"
    words = ["--checkpoint_every=2", "--log_every=1", "--sample_every=0", f"--run_dir={run}"]
    chief, other = two_workers(start_command, *words, "--max_steps=100000")
    deadline = time.monotonic() + 10 * MINUTES
    while time.monotonic() < deadline:
        if (run / "metrics.jsonl").exists() and len((run / "metrics.jsonl").read_text().splitlines()) >= 5:
            break
        time.sleep(0.05)
    other.send_signal(signal.SIGKILL)
    other.wait()
    code, output = finished(chief)
    assert code == 1 and "another worker was lost" in output, output
    reached = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    for code, output in map(finished, two_workers(start_command, *words, f"--max_steps={reached + 4}")):
        assert code == 0 and "resumes after step" in output, output
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").open()]
    assert steps == list(range(1, reached + 5))


@pytest.mark.slow
def test_smoke_flags_train_and_sigterm_saves(start_command, tmp_path):
    code, output = finished(start_command(f"--flagfile={SMOKE}", f"--run_dir={tmp_path / 'run'}"))
    assert code == 0 and "done: 6 steps" in output, output
    model, _ = load_preset(tmp_path / "run" / "preset")
    assert model.width == 4
    assert (tmp_path / "run" / "samples" / "step_00000006.png").stat().st_size > 1000

    flags = f"--flagfile={tmp_path / 'run' / 'flags.txt'}"
    process = start_command(flags, "--max_steps=1000000", "--log_every=1")
    for line in process.stdout:
        if line.startswith("step 8/"):
            process.send_signal(signal.SIGTERM)
            break
    code, output = finished(process)
    assert code == 0 and f"resume with: inpaint-tf train {flags}" in output, output
    step = int(output.split("saved after step ")[1].split(";")[0])
    assert step >= 8 and tensors(tmp_path / "run", step)["counters/step/.ATTRIBUTES/VARIABLE_VALUE"] == step
