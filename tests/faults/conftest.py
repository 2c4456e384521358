"""A disk that is nearly full, and commands that are killed where they hurt most."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

REPOSITORY = pathlib.Path(__file__).parents[2]
# Runs a command in which the n-th rename of a file is a kill instead; those of compiled loops into their cache, which
# happen in a fresh environment alone, do not count.
_KILLED = """
import os, signal, sys
from inpaint_tf.commands.dispatcher import main
rename, left = os.replace, [int(sys.argv[1])]
def replace(*names):
    left[0] -= not str(names[-1]).endswith((".nbi", ".nbc"))
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*names)
os.replace = replace
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB, where this process may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def photos(tmp_path):
    """Folders of four noisy photos (60 kB each) and their masks."""
    rng = np.random.default_rng(0)
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (128, 160, 3), np.uint8)).save(tmp_path / "photos" / f"{index}.png")
        mask = np.zeros((128, 160), np.uint8)
        mask[40:80, 50 : 80 + 8 * index] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{index}.png")
    return tmp_path / "photos"


@pytest.fixture
def killed():
    """Function: number of the rename that kills, words of a command -> runs it until then."""

    def run(rename, *words):
        command = [sys.executable, "-c", _KILLED, str(rename), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return run
