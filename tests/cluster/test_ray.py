"""On a Ray cluster of this machine. Needs the extra `ray`, which is too heavy for every run of the tests:

pip install ".[ray]" && pytest tests/cluster
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

for part in ("ray.data", "ray.train"):  # Ray without what these two need counts as none.
    pytest.importorskip(part, reason="the extra ray is not installed; pip install '.[ray]'", exc_type=ImportError)
pytestmark = pytest.mark.slow  # A minute each: a cluster starts, and every worker loads TensorFlow.
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    hole = np.zeros((64, 64), np.uint8)
    hole[16:40, 20:50] = 255
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for number in range(8):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / f"photos/{number}.png")
        Image.fromarray(hole).save(tmp_path / f"masks/{number}.png")
    return tmp_path


def run(*words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "inpaint_tf", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment, check=False)


def test_actors_give_the_pictures_of_one_process_and_skip_what_is_done(photos):
    (photos / "photos/5.png").write_bytes(b"no picture")
    call = ["inpaint", f"--image={photos / 'photos'}", f"--mask={photos / 'masks'}", "--detail=none"]
    alone = run(*call, f"--output={photos / 'one'}")
    cluster = run(*call, f"--output={photos / 'two'}", "--workers=2", "--engine=ray")
    assert cluster.returncode == alone.returncode == 1, cluster.stderr
    assert "7 completed, 0 kept, 1 failed" in cluster.stdout and "5.png" in cluster.stderr
    for path in (photos / "one").iterdir():
        difference = np.abs(np.array(Image.open(path)).astype(int) - np.array(Image.open(photos / "two" / path.name)))
        assert difference.max() <= 1  # Other numbers of threads add in another order.
    (photos / "two/3.png").unlink()
    again = run(*call, f"--output={photos / 'two'}", "--workers=2", "--engine=ray", "--resume")
    assert "1 completed, 6 kept, 1 failed" in again.stdout


def test_two_workers_train_together(photos):
    call = ["train", f"--flagfile={ROOT / 'flags/smoke.flags'}", f"--train_data={photos / 'photos'}", "--batch_size=4"]
    done = run(*call, f"--run_dir={photos / 'run'}", "--engine=ray", "--ray_workers=2")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in (photos / "run/metrics.jsonl").read_text().splitlines()]
    assert records[-1]["step"] == 6 and (photos / "run/preset/weights.npz").exists()


def test_one_photo_and_two_engines_are_refused(photos):
    words = [f"--image={photos / 'photos/0.png'}", f"--mask={photos / 'masks/0.png'}", f"--output={photos / 'x.png'}"]
    assert "for many photos" in run("inpaint", *words, "--engine=ray").stderr
    many = [f"--image={photos / 'photos'}", f"--mask={photos / 'masks'}", f"--output={photos / 'x'}"]
    assert "leave out --shard" in run("inpaint", *many, "--engine=ray", "--shard=1/2").stderr
