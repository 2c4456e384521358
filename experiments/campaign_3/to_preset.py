"""Makes a preset of weights that `train_programs.py` saved.

PYTHONPATH=. python experiments/campaign_3/to_preset.py PROGRAM.json WEIGHTS.npz PRESET_FOLDER
"""

import json
import pathlib
import sys

import numpy as np

from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model


def main(about, weights, folder):
    about = json.loads(pathlib.Path(about).read_text())
    stored, config, arrays, begin = np.load(weights), about["config"], {}, 0
    for name, shape in about["layout"]["generator"]:
        size = int(np.prod(shape))
        arrays[name] = stored["generator"][begin : begin + size].reshape(shape).astype(np.float32)
        begin += size
    arrays |= {n.split(":", 1)[1]: stored[n].astype(np.float32) for n in stored.files if ":" in n}
    model = build_model(config["model"], width=config["width"])
    save_preset(
        folder,
        model,
        config["model"],
        {"width": config["width"]},
        "RGB",
        source=f"experiments/campaign_3, {pathlib.Path(weights).stem}",
        weights=arrays,
        dtype="float16",
        trained_on={"image": config["image_size"], "hole": config["image_size"] // 2},
        recommended={"detail": "patches", "working_size": "auto", "blend": "poisson"},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
