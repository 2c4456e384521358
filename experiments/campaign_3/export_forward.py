"""Writes a generator as programs for a machine that has a GPU and JAX, but no TensorFlow, to time it there.

    PYTHONPATH=. python experiments/campaign_3/export_forward.py OUTPUT_FOLDER [PLATFORM]

Whole runs of DeepFill v1 at its authors' width: forward_SIZE_BATCH_PRECISION.program.
"""

import json
import pathlib
import sys

import keras
import tensorflow as tf
from export_program import export

from inpaint_tf.models.presets import named_variables
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.state import dtype_policy

CASES = [(256, 1), (512, 1), (1024, 1), (256, 16)]
PRECISIONS = ("float32", "mixed_bfloat16")


def main(output, platform="cuda"):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for precision in PRECISIONS:
        keras.utils.set_random_seed(1)
        with dtype_policy(precision):
            model = build_model("deepfill_v1", width=32)
        variables = named_variables(model)
        for size, batch in CASES:
            specs = {name: tf.TensorSpec(v.shape, tf.float32) for name, v in variables.items()}
            specs["image"] = tf.TensorSpec([batch, size, size, 3], tf.float32)
            specs["hole"] = tf.TensorSpec([1, size, size, 1], tf.float32)

            def forward(values, variables=variables, model=model):
                with keras.StatelessScope(state_mapping=[(v, values[name]) for name, v in variables.items()]):
                    return {"refined": model(values["image"], values["hole"])["refined"]}

            content, results = export(forward, specs, platform)
            name = f"forward_{size}_{batch}_{precision}"
            (output / f"{name}.program").write_bytes(content)
            about = {"arguments": {n: [list(s.shape), s.dtype.name] for n, s in specs.items()}, "results": results}
            (output / f"{name}.json").write_text(json.dumps(about))
            print(name, len(content))


if __name__ == "__main__":
    main(*sys.argv[1:])
