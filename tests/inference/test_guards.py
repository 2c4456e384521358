"""A fill that is no number is refused, a forked child says so at once, and 200 photos leave memory flat."""

import multiprocessing
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.inference import guards
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.registry import build_model

HOLE = np.zeros((40, 48), bool)
HOLE[10:20, 10:30] = True


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (40, 48, 3), np.uint8)


@pytest.mark.parametrize("plan, value", [("hole", np.nan), ("full", np.inf)])
def test_one_weight_that_is_no_number_is_named(photo, plan, value):
    model = build_model("deepfill_v1", width=4)
    variable = next(v for v in model.variables if "conv5/kernel" in v.path)
    kernel = variable.numpy()
    kernel[0, 0, 0, 0] = value
    variable.assign(kernel)
    with pytest.raises(UserError, match=r"no number for .* of 200 pixels .*NaN or infinity in .*conv5/kernel"):
        Inpainter(model, plan=plan)(photo, HOLE)


def test_an_overflow_with_finite_weights_is_told_apart():
    fill = np.zeros((40, 48, 3))
    fill[12, 12, 1] = np.inf
    with pytest.raises(UserError, match="no number for 1 of 200 pixels of the hole: the weights are finite"):
        guards.check_fill(fill, HOLE, build_model("deepfill_v1", width=4))
    fill[12, 12, 1], fill[0, 0, 0] = 0, np.nan
    guards.check_fill(fill, HOLE, None)  # Outside of the hole nothing is taken from it.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_says_so_at_once(photo):
    inpainter = Inpainter(build_model("deepfill_v1", width=4))
    inpainter(photo, HOLE)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            inpainter(photo, HOLE)
        except UserError as error:
            said = str(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    assert "forked" in said and 'get_context("spawn")' in said


def _fill(photo):
    return Inpainter(build_model("deepfill_v1", width=4))(photo, HOLE).shape


@pytest.mark.slow  # 10 s: a second TensorFlow.
def test_a_spawned_child_works(photo):
    Inpainter(build_model("deepfill_v1", width=4))(photo, HOLE)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_fill, (photo,)) == photo.shape


@pytest.mark.slow  # Half a minute.
def test_200_photos_of_many_sizes_leave_memory_and_times_flat(tmp_path):
    """In a process of its own: resident memory after 200 is that after 100, and so is the time of a photo."""
    code = (
        "import numpy as np, time, resource\nfrom inpaint_tf import Inpainter\n"
        "inpainter, rng, times = Inpainter.from_preset(), np.random.default_rng(0), []\n"
        "def resident():\n"
        " return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize() / 2**20\n"
        "for number in range(200):\n"
        " height, width = rng.integers(64, 200, 2)\n"
        " photo = rng.integers(0, 256, (height, width, 3), np.uint8)\n"
        " hole = np.zeros((height, width), bool)\n"
        " hole[10 : height // 2, 10 : width // 2] = True\n"
        " started = time.process_time()\n inpainter(photo, hole)\n times.append(time.process_time() - started)\n"
        " if number == 99: half = resident()\n"
        "print(half, resident(), np.median(times[50:100]), np.median(times[150:]), inpainter.traces)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=_repository())
    assert done.returncode == 0, done.stderr
    half, full, before, after, _ = map(float, done.stdout.split())
    assert full < 1.05 * half + 20 and full < 1500, (half, full)
    assert after < 1.5 * before, (before, after)


def _repository():
    return pathlib.Path(__file__).parents[2]
