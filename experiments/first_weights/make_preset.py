"""Turns the averaged weights of a run of `train.py` into a preset folder.

python experiments/first_weights/make_preset.py --run_dir=DIR --output=inpaint_tf/weights/photos_small
"""

import json
import pathlib

import numpy as np
from absl import app, flags

from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model

FLAGS = flags.FLAGS
flags.DEFINE_string("run_dir", None, "Folder of the run.", required=True)
flags.DEFINE_string("output", None, "Preset folder to write.", required=True)
flags.DEFINE_string("model_card", None, "Markdown file to put into the preset.")


def main(_):
    run_dir = pathlib.Path(FLAGS.run_dir)
    with np.load(run_dir / "average.npz") as arrays:
        weights = {name.split("/", 1)[1]: arrays[name] for name in arrays.files}
    width = weights["coarse/conv1/kernel"].shape[-1]
    last = json.loads((run_dir / "metrics.jsonl").read_text().splitlines()[-1])
    save_preset(
        FLAGS.output,
        build_model("deepfill_v1", width=width),
        "deepfill_v1",
        {"width": width},
        "RGB",
        source=f"experiments/first_weights, {last['step']} steps",
        summary="Photos of all kinds, L1 only, no critics; trained on research-only data too: see MODEL_CARD.md.",
        dtype="float16",
        weights=weights,
        extra_files={"MODEL_CARD.md": pathlib.Path(FLAGS.model_card).read_bytes()} if FLAGS.model_card else None,
    )


if __name__ == "__main__":
    app.run(main)
