"""Photos and configurations small enough to train on within seconds."""

import contextlib
import os
import pathlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

from inpaint_tf.training.configuration import TrainingConfig

REPOSITORY = pathlib.Path(__file__).parents[2]
TINY = {
    "image_size": 32, "width": 2, "critic_width": 2, "batch_size": 4, "n_critic": 1, "sample_images": 2,
    "pretrain_coarse_steps": 0, "pretrain_critic_steps": 0,
}  # fmt: skip


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder with 10 photos of smooth noise, 40x48 px."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(10):
        small = rng.integers(0, 255, (5, 6, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), cv2.resize(small, (48, 40), interpolation=cv2.INTER_CUBIC))
    return folder


@pytest.fixture
def tiny(photos, tmp_path):
    """Function: changes -> a tiny `TrainingConfig` that trains in tmp_path/run."""

    def make(**changes):
        defaults = {"train_data": str(photos), "run_dir": str(tmp_path / "run"), "max_steps": 3, "sample_every": 0}
        return TrainingConfig(**{**TINY, **defaults, **changes})

    return make


@pytest.fixture
def start_command(photos):
    """Function: words of `inpaint-tf train`, environment -> a running process."""
    with starting(photos) as start:
        yield start


@contextlib.contextmanager
def starting(photos):
    """What `start_command` gives; at the end, what still runs is killed."""
    processes = []

    def start(*words, environment=None, log=None):
        tiny = [f"--{name}={value}" for name, value in TINY.items()]
        process = subprocess.Popen(
            [sys.executable, "-m", "inpaint_tf", "train", f"--train_data={photos}", *tiny, *words],
            cwd=REPOSITORY,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **(environment or {})},
            stdout=log or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    try:
        yield start
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
