"""Kills a training run and a batch of photos at random moments, and compares what comes of them with undisturbed ones.

    PYTHONPATH=. python experiments/reliability/kills.py --training=50 --batch=10 --output=OUTPUT_FOLDER

Training: the same command is started again until it ends by itself, killed (SIGKILL) a random time after its start as
often as asked for. In the end the values of the checkpoint, metrics, samples and preset must be those of a run that was
never killed, bit for bit, and nothing hidden may be left. Batch: the same with `inpaint --resume` and its photos.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

TINY = ("--image_size=32", "--width=2", "--critic_width=2", "--batch_size=2", "--n_critic=1", "--log_every=1",
        "--checkpoint_every=5", "--sample_every=10", "--sample_images=1", "--deterministic")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=int, default=50, help="Kills of a training run.")
    parser.add_argument("--batch", type=int, default=10, help="Kills of a batch.")
    parser.add_argument("--steps", type=int, default=400, help="Of the training run.")
    parser.add_argument("--photos", type=int, default=400, help="Of the batch.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="Folder for kills.jsonl.")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        photos, masks = _make_photos(scratch, options.photos)
        if options.training:
            words = ["train", f"--train_data={photos}", f"--max_steps={options.steps}", *TINY]
            lines.append(_compare("training", scratch, words, "run_dir", options.training, rng, _training_state))
        if options.batch:
            words = ["inpaint", f"--image={photos}", f"--mask={masks}", "--resume", "--deterministic"]
            lines.append(_compare("batch", scratch, words, "output", options.batch, rng, _pictures))
    if options.output:
        from inpaint_tf.provenance import revision

        path = pathlib.Path(options.output)
        path.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps({**line, "revision": revision()}) + "\n" for line in lines)
        (path / "kills.jsonl").write_text(text, encoding="utf-8")
    return int(not all(line["equal"] and not line["left_over"] for line in lines))


def _compare(name, scratch, words, flag, kills, rng, state):
    whole, torn = scratch / f"{name}_whole", scratch / f"{name}_torn"
    started = time.monotonic()
    _run([*words, f"--{flag}={whole}"], None)
    seconds = time.monotonic() - started
    done, starts = 0, 0
    while True:
        # From the first import to past the end: most kills fall where work is done.
        moment = rng.uniform(0.2, 0.6 * seconds) if done < kills else None
        ended = _run([*words, f"--{flag}={torn}"], moment)
        starts += 1
        done += not ended
        if ended and (done >= kills or state(torn) != state(whole)):
            break
        if ended:  # Before all kills were spent: they fall on another one.
            shutil.rmtree(torn)
    left = [str(path.relative_to(torn)) for path in torn.rglob(".inpaint_tf-*")]
    line = {
        "what": name, "kills": done, "starts": starts, "seconds_undisturbed": round(seconds, 1),
        "equal": state(torn) == state(whole), "left_over": left,
    }  # fmt: skip
    print(json.dumps(line), flush=True)
    return line


def _run(words, seconds):
    """Runs a command, killed after so many seconds if it lasts as long. Returns whether it ended by itself."""
    command = [sys.executable, "-m", "inpaint_tf", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return False
    if process.returncode or "Traceback" in err:
        raise SystemExit(f"{' '.join(words)} failed with {process.returncode}: {err}")
    return True


def _training_state(folder):
    """Everything of a run that must not depend on how often it was killed."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder / "checkpoints")))
    values = {
        name: hashlib.sha256(np.ascontiguousarray(reader.get_tensor(name)).tobytes()).hexdigest()
        for name in reader.get_variable_to_shape_map()
        if "save_counter" not in name and "GRAPH" not in name
    }
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timeless = [{k: v for k, v in line.items() if k not in ("images_per_second", "data_share")} for line in metrics]
    pictures = {path.name: path.read_bytes() for path in (folder / "samples").iterdir()}
    weights = (folder / "preset" / "weights.npz").read_bytes()
    return values, timeless, pictures, weights


def _pictures(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _make_photos(folder, count):
    rng = np.random.default_rng(0)
    photos, masks = folder / "photos", folder / "masks"
    photos.mkdir(), masks.mkdir()
    for index in range(count):
        height, width = rng.integers(48, 120, 2)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(photos / f"{index:03d}.png")
        mask = np.zeros((height, width), np.uint8)
        mask[10 : height // 2, 10 : width // 2] = 255
        Image.fromarray(mask).save(masks / f"{index:03d}.png")
    return photos, masks


if __name__ == "__main__":
    sys.exit(main())
