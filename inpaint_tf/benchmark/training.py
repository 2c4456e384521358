"""How fast training is: a critic step, a generator step, and a whole iteration with its data.

Machines differ, and so does what else they do meanwhile. So every row says how fast a float32 matrix product ran in
the same process, and gives its time in units of that: `gemm_tflop` is what the product would have computed in the same
time. Where the authors' graph was measured so on two cores, the row says how its time compares. On a CPU both are also
given by processor time, which other work on the machine disturbs less than the clock.

Every combination runs in a process of its own, so that its peak of memory is its own.
"""

import json
import multiprocessing
import pathlib
import resource
import tempfile
import time

import numpy as np
from absl import flags

from inpaint_tf.errors import UserError
from inpaint_tf.tensorflow_loading import load_tensorflow
from inpaint_tf.training.configuration import PRECISIONS, TrainingConfig

# The authors' TensorFlow 1 graph in float32 on two cores with a GEMM peak of 313 GFLOP/s: seconds by (what, batch).
AUTHORS_GFLOPS = 313
AUTHORS_SECONDS = {
    ("critic_step", 4): 3.9,
    ("generator_step", 4): 3.5,
    ("critic_step", 16): 8.6,
    ("generator_step", 16): 12.5,
    ("iteration", 16): 55.0,
}
AUTHORS_MEMORY_GIB = {4: 2.3, 16: 6.0}


def define_flags(values):
    """Defines the flags of `inpaint-tf benchmark train` that are not there yet."""

    def define(function, name, default, text, **limits):
        if name not in values:
            function(name, default, text, flag_values=values, **limits)

    define(flags.DEFINE_string, "output", None, "Folder for training.jsonl.")
    define(flags.DEFINE_string, "model", "deepfill_v1", "Name of the generator in the registry of models.")
    define(flags.DEFINE_integer, "width", 32, "Base width of the generator.", lower_bound=2)
    define(flags.DEFINE_integer, "critic_width", 64, "Base width of the critics.", lower_bound=1)
    define(flags.DEFINE_integer, "image_size", 256, "Side of the training images.", lower_bound=32)
    define(flags.DEFINE_integer, "n_critic", 5, "Critic steps of an iteration.", lower_bound=1)
    define(flags.DEFINE_list, "batch_sizes", ["4", "16"], "Images a step.")
    define(flags.DEFINE_list, "precisions", ["float32", "mixed_bfloat16"], f"Of {', '.join(PRECISIONS)}.")
    define(flags.DEFINE_boolean, "jit_compile", False, "Compile the steps with XLA.")
    define(flags.DEFINE_integer, "repeats", 3, "Timed runs of every step; the median counts.", lower_bound=1)
    define(flags.DEFINE_string, "train_data", "", "Photos as in inpaint-tf train; empty makes some up.")


def run(options):
    """Measures all combinations, prints a line for each and appends them to OUTPUT/training.jsonl.

    Args:
        options: Parsed flags of `define_flags`.

    Returns:
        0, the exit code.

    Raises:
        UserError: for impossible settings or a folder that cannot be written.
    """
    from inpaint_tf.provenance import device, revision

    rows = []
    with tempfile.TemporaryDirectory() as made_up:
        for settings in _combinations(options, made_up):
            context = multiprocessing.get_context("spawn")
            with context.Pool(1, initializer=load_tensorflow) as pool:
                found = pool.apply(measure, (settings, options["repeats"].value))
            for row in found:
                row |= {"device": device(), "revision": revision()}
                print(describe(row), flush=True)
            rows += found
    if options["output"].value:
        _append(pathlib.Path(options["output"].value) / "training.jsonl", rows)
    return 0


def measure(settings, repeats):
    """Measures one configuration, in this process.

    Args:
        settings: Fields of a `TrainingConfig`.
        repeats: Timed runs of every step.

    Returns:
        Three dictionaries, for "critic_step", "generator_step" and "iteration": what, batch_size, precision, seconds,
        images_per_second, gemm_gflops, gemm_tflop, on a CPU cpu_gemm_tflop, where the authors' figure is known
        of_authors (and cpu_of_authors), peak_memory_gib; and for the iteration data_share.
    """
    import tensorflow as tf

    from inpaint_tf.benchmark.machine import GemmSpeed, gemm_speed, timed
    from inpaint_tf.data.pipeline import PhotoLoader, distributed_batches
    from inpaint_tf.data.sources import open_source
    from inpaint_tf.training.recipes import recipe_for
    from inpaint_tf.training.state import TrainingState
    from inpaint_tf.training.steps import Steps

    config = TrainingConfig(**settings)
    strategy = tf.distribute.get_strategy()
    recipe = recipe_for(config.model)
    state = TrainingState(config, recipe, strategy)
    steps = Steps(config, recipe, state, strategy)
    phase = recipe.phase(config, 0)
    batches = distributed_batches(PhotoLoader(open_source(config.train_data), config), config, 0, strategy)
    photos = next(batches)
    waited = 0.0

    def critic_step():
        _wait(steps.critic(photos))

    def generator_step():
        _wait(steps.generator(photos, phase.name))

    def iteration():
        nonlocal waited
        started = time.perf_counter()
        taken = [next(batches) for _ in range(config.batches_per_iteration)]
        waited = time.perf_counter() - started
        terms = [steps.critic(batch) for batch in taken[:-1]]
        _wait([*terms, steps.generator(taken[-1], phase.name)])

    peak = gemm_speed()
    rows = []
    images = {"iteration": config.batch_size * config.batches_per_iteration}
    for what, function in (("critic_step", critic_step), ("generator_step", generator_step), ("iteration", iteration)):
        if what != "iteration":
            function()  # Traces and compiles.
        times = sorted(timed(function) for _ in range(1 if what == "iteration" else repeats))
        rows.append(_row(config, what, times[len(times) // 2], images.get(what, config.batch_size), waited))
    peak = GemmSpeed(*map(max, peak, gemm_speed()))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    on_cpu = not tf.config.list_physical_devices("GPU")
    return [_relate(row, peak, memory, on_cpu) for row in rows]


def describe(row):
    """A row as a line for people."""
    authors = f", {row['of_authors']:.2f} of the authors' time" if "of_authors" in row else ""
    processor = f" ({row['cpu_of_authors']:.2f} by processor time)" if "cpu_of_authors" in row else ""
    data = f", {row['data_share']:.1%} waiting for photos" if "data_share" in row else ""
    return (
        f"{row['what']:<14} batch {row['batch_size']:>2} {row['precision']:<14} {row['seconds']:7.2f} s  "
        f"{row['images_per_second']:7.2f} images/s  = {row['gemm_tflop']:.2f} TFLOP of float32 GEMM at "
        f"{row['gemm_gflops']:.0f} GFLOP/s{authors}{processor}{data}, {row['peak_memory_gib']:.1f} GiB"
    )


def _combinations(options, folder):
    photos = options["train_data"].value or _made_up_photos(pathlib.Path(folder), options["image_size"].value)
    shared = {
        name: options[name].value
        for name in ("model", "width", "critic_width", "image_size", "n_critic", "jit_compile")
    }
    for precision in options["precisions"].value:
        for batch_size in options["batch_sizes"].value:
            if not batch_size.isdigit():
                raise UserError(f"--batch_sizes={batch_size} must be whole numbers, separated by commas.")
            settings = {**shared, "precision": precision, "batch_size": int(batch_size), "train_data": str(photos)}
            TrainingConfig(**settings, crop="fit_crop")
            yield {**settings, "crop": "fit_crop"}


def _made_up_photos(folder, size):
    import cv2

    rng = np.random.default_rng(0)
    for index in range(32):
        small = rng.integers(0, 255, (16, 20, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index:02d}.jpg"), cv2.resize(small, (size * 5 // 4, size)))
    return folder


def _wait(terms):
    import tensorflow as tf

    for term in tf.nest.flatten(terms):
        float(term)


def _row(config, what, times, images, waited):
    seconds, processor = times
    row = {
        "what": what,
        "model": config.model,
        "width": config.width,
        "image_size": config.image_size,
        "batch_size": config.batch_size,
        "n_critic": config.n_critic,
        "precision": config.precision,
        "jit_compile": config.jit_compile,
        "seconds": seconds,
        "processor_seconds": processor,
        "images_per_second": images / seconds,
    }
    return row | ({"data_share": waited / seconds} if what == "iteration" else {})


def _relate(row, peak, memory, on_cpu):
    row |= {"gemm_gflops": peak.by_clock, "gemm_tflop": row["seconds"] * peak.by_clock / 1e3, "peak_memory_gib": memory}
    if on_cpu:
        row["cpu_gemm_tflop"] = row["processor_seconds"] * peak.by_processor / 1e3
    authors = AUTHORS_SECONDS.get((row["what"], row["batch_size"]))
    default = (row["model"], row["width"], row["image_size"], row["n_critic"]) == ("deepfill_v1", 32, 256, 5)
    if authors and default:
        row["of_authors"] = row["gemm_tflop"] * 1e3 / (authors * AUTHORS_GFLOPS)
        if on_cpu:
            row["cpu_of_authors"] = row["cpu_gemm_tflop"] * 1e3 / (authors * AUTHORS_GFLOPS)
    return row


def _append(path, rows):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}.") from error
