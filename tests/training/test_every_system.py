"""Every system through `inpaint-tf train`: a few steps, the preset it leaves, and a photo filled with it.

Half a minute each: what takes the time is tracing the steps.
"""

import json

import cv2
import numpy as np
import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.inference.inpainter import Inpainter

# System -> what differs in its flags.
SYSTEMS = {
    "deepfill_v1": [],
    "deepfill_v1_no_fusion": [],
    "deepfill_v1_baseline": [],
    "deepfill_v1_single_stage": [],
    "local critic only": ["--critics=local"],
    "global critic only": ["--critics=global"],
    "deepfill_v2": ["--width=4", "--adversarial=hinge"],
    "deepfill_v2_guided": ["--width=4", "--adversarial=hinge"],
    "glcic": ["--adversarial=bce", "--pretrain_critic_steps=1", "--learning_rate=1", "--ema_decay=0"],
}
TINY = ["--width=2", "--critic_width=2", "--image_size=32", "--batch_size=2", "--n_critic=1", "--sample_every=0"]


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_trains_and_inpaints(system, photos, tmp_path, capsys):
    model = "deepfill_v1" if "critic" in system else system
    words = [*TINY, f"--model={model}", "--pretrain_coarse_steps=1", "--max_steps=3", *SYSTEMS[system]]
    assert main(["train", *words, f"--train_data={photos}", f"--run_dir={tmp_path / 'run'}", "--log_every=1"]) == 0
    assert "done: 3 steps" in capsys.readouterr().out
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert [record["step"] for record in records] == [1, 2, 3]
    assert np.isfinite(records[-1]["generator_loss"]) and np.isfinite(records[-1]["critic_loss"])

    inpainter = Inpainter.from_preset(tmp_path / "run" / "preset")
    image = cv2.imread(str(photos / "0.png"))[..., ::-1].copy()
    hole = np.zeros(image.shape[:2], bool)
    hole[10:30, 10:30] = True
    completed = inpainter(image, hole)
    assert np.array_equal(completed[~hole], image[~hole]) and not np.array_equal(completed, image)
