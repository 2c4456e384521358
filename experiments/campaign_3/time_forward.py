"""Times the programs of `export_forward.py`: a line of JSON each. Needs JAX and NumPy.

[NVIDIA_TF32_OVERRIDE=0] python time_forward.py FOLDER
"""

import json
import os
import pathlib
import sys
import time

import jax
import numpy as np
from jax import export


def main(folder):
    folder = pathlib.Path(folder)
    tf32 = os.environ.get("NVIDIA_TF32_OVERRIDE") != "0"
    order = ["512_1_", "256_1_", "256_16_", "1024_1_"]
    paths = [p for key in order for p in sorted(folder.glob(f"forward_{key}*.program")) if tf32 or "float32" in p.stem]
    rng = np.random.default_rng(0)
    for path in paths:
        about = json.loads(path.with_suffix(".json").read_text())
        call = export.deserialize(bytearray(path.read_bytes())).call
        specs = [jax.ShapeDtypeStruct(tuple(shape), kind) for shape, kind in about["arguments"].values()]
        run = jax.jit(call).lower(*specs).compile()
        _, size, batch, precision = path.stem.split("_", 3)
        values = {}
        for name, (shape, _) in about["arguments"].items():
            # Any weights take the same time; these keep values from growing.
            scale = np.sqrt(2 / max(1, np.prod(shape[:-1])))
            values[name] = jax.device_put(rng.normal(0, scale, shape).astype(np.float32))
        hole = np.zeros((1, int(size), int(size), 1), np.float32)
        quarter = int(size) // 4
        hole[:, quarter : 3 * quarter, quarter : 3 * quarter] = 1
        values["hole"] = jax.device_put(hole)
        shape = (int(batch), int(size), int(size), 3)
        images = [jax.device_put(rng.uniform(-1, 1, shape).astype(np.float32)) for _ in range(4)]
        times = []
        for repeat in range(25):
            values["image"] = images[repeat % 4]
            jax.block_until_ready(values["image"])
            started = time.perf_counter()
            found = run(*(values[n] for n in about["arguments"]))
            jax.block_until_ready(found)
            times.append(time.perf_counter() - started)
        times = np.array(times[5:]) * 1e3
        memory = run.memory_analysis()
        line = {
            "size": int(size),
            "batch": int(batch),
            "precision": "bfloat16" if "bfloat16" in precision else "tf32" if tf32 else "float32",
            "milliseconds": round(float(np.median(times)), 3),
            "fastest": round(float(times.min()), 3),
            "temporary_mib": round(memory.temp_size_in_bytes / 2**20, 1) if memory else None,
            "finite": bool(np.isfinite(np.asarray(found[0])).all()),
            "device": jax.devices()[0].device_kind,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
