"""How fast training is: a critic step, a generator step, a whole iteration with its data, and the data alone.

Machines differ, and so does what else they do meanwhile. So every row says how fast a float32 matrix product ran in
the same process, and gives its time in units of that: `gemm_tflop` is what the product would have computed in the same
time. Where the authors' graph was measured so on two cores, the row says how its time compares. On a CPU both are also
given by processor time, which other work on the machine disturbs less than the clock.

Every combination runs in a process of its own, so that its peak of memory is its own: on a GPU what TensorFlow's
allocator took of it, on a CPU the process's.
"""

import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

from inpaint_tf.benchmark import photos
from inpaint_tf.benchmark.inference import computed_here, with_xla
from inpaint_tf.benchmark.json_lines import append_lines
from inpaint_tf.errors import UserError
from inpaint_tf.machine_memory import ran_out_of_memory
from inpaint_tf.training.configuration import TrainingConfig

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
# The words of --precisions -> `TrainingConfig.precision`.
PRECISIONS = {
    "float32": "float32",
    "tf32": "tf32",
    "bfloat16": "mixed_bfloat16",
    "mixed_bfloat16": "mixed_bfloat16",
    "mixed_float16": "mixed_float16",
}
# An iteration is timed again and again for so long, and the data alone is drawn for so long.
_ITERATION_SECONDS, _DATA_SECONDS = 30.0, 5.0


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of `inpaint-tf benchmark train` and `photos` that are not there yet."""

    def define(function: Callable[..., Any], name: str, default: Any, text: str, **limits: int) -> None:
        if name not in values:
            function(name, default, text, flag_values=values, **limits)

    define(flags.DEFINE_string, "output", None, "Folder for training.jsonl or photos.jsonl.")
    define(flags.DEFINE_string, "model", "deepfill_v1", "Name of the generator in the registry of models.")
    define(flags.DEFINE_integer, "width", 32, "Base width of the generator.", lower_bound=2)
    define(flags.DEFINE_integer, "critic_width", 64, "Base width of the critics.", lower_bound=1)
    define(flags.DEFINE_integer, "image_size", 256, "Side of the training images.", lower_bound=32)
    define(flags.DEFINE_integer, "n_critic", 5, "Critic steps of an iteration.", lower_bound=1)
    define(flags.DEFINE_list, "batch_sizes", ["4", "16"], "Images a step.")
    define(flags.DEFINE_list, "precisions", None, f"Of {', '.join(PRECISIONS)}.")
    define(flags.DEFINE_boolean, "xla", False, "The steps compiled by XLA as well, rows of their own.")
    define(flags.DEFINE_integer, "repeats", 3, "Timed runs of every step; the median counts.", lower_bound=1)
    define(flags.DEFINE_string, "train_data", "", "Photos as in inpaint-tf train; empty makes some up.")
    define(
        flags.DEFINE_list,
        "data_workers",
        ["0"],
        "Photos decoded at once; 0 lets tf.data decide. photos: a row for each number; train takes the first.",
    )


def run(options: flags.FlagValues) -> int:
    """Measures all combinations, prints a line for each row and appends them to OUTPUT/training.jsonl.

    Args:
        options: Parsed flags of `define_flags`.

    Returns:
        0, the exit code.

    Raises:
        UserError: for impossible settings or a folder that cannot be written.
    """
    from inpaint_tf.benchmark.machine import in_fresh_process
    from inpaint_tf.provenance import device, revision

    rows = []
    with tempfile.TemporaryDirectory() as made_up:
        for settings, precision in list(_combinations(options, made_up)):
            for row in in_fresh_process(measure, settings, options.repeats, precision):
                row |= {"device": device(), "revision": revision()}
                print(describe(row), flush=True)
                rows.append(row)
    if options.output:
        append_lines(pathlib.Path(options.output) / "training.jsonl", rows)
    return 0


def measure(settings: dict[str, Any], repeats: int, precision: str = "") -> list[dict[str, Any]]:
    """Measures one configuration, in this process.

    Args:
        settings: Fields of a `TrainingConfig`.
        repeats: Timed runs of every step, and at most so many of an iteration.
        precision: A word of `PRECISIONS`; empty is what the settings say.

    Returns:
        Rows "critic_step", "generator_step", "iteration" and "photos": what, batch_size, precision, jit_compile,
        seconds, images_per_second, gemm_gflops, gemm_tflop, on a CPU cpu_gemm_tflop, where the authors' figure is known
        of_authors (and cpu_of_authors), peak_memory_gib with peak_of; and for the iteration data_share, the share of
        its time that it waited for photos. One row with "skipped" if memory runs out.
    """
    from inpaint_tf.training.strategy import set_arithmetic

    config = TrainingConfig(**settings)
    precision = precision or config.precision
    set_arithmetic(config)
    try:
        return _measured(config, repeats, precision)
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        return [_about(config, "iteration", precision) | {"skipped": "memory ran out"}]


def describe(row: dict[str, Any]) -> str:
    """A row as a line for people."""
    arithmetic = row["precision"] + ("+xla" if row["jit_compile"] else "")
    start = f"{row['what']:<14} batch {row['batch_size']:>2} {arithmetic:<18}"
    if "skipped" in row:
        return f"{start} skipped: {row['skipped']}"
    if row["what"] == "photos":
        return (
            f"{start} {row['seconds']:7.2f} s  {row['images_per_second']:7.2f} images/s can be decoded, "
            f"{row['images_per_core_second']:.0f} for every second of a core"
        )
    authors = f", {row['of_authors']:.2f} of the authors' time" if "of_authors" in row else ""
    processor = f" ({row['cpu_of_authors']:.2f} by processor time)" if "cpu_of_authors" in row else ""
    data = f", {row['data_share']:.1%} of it waiting for photos" if "data_share" in row else ""
    return (
        f"{start} {row['seconds']:7.2f} s  {row['images_per_second']:7.2f} images/s  = {row['gemm_tflop']:.2f} TFLOP "
        f"of float32 GEMM at {row['gemm_gflops']:.0f} GFLOP/s{authors}{processor}{data}, "
        f"{row['peak_memory_gib']:.1f} GiB of the {row['peak_of']}"
    )


def _measured(config: TrainingConfig, repeats: int, precision: str) -> list[dict[str, Any]]:
    import tensorflow as tf

    from inpaint_tf.benchmark.machine import GemmSpeed, gemm_speed, has_gpu, peak_memory, timed
    from inpaint_tf.data.pipeline import PhotoLoader, distributed_batches
    from inpaint_tf.data.sources import open_source
    from inpaint_tf.training.recipes import recipe_for
    from inpaint_tf.training.state import TrainingState
    from inpaint_tf.training.steps import Steps

    strategy = tf.distribute.get_strategy()
    recipe = recipe_for(config.model)
    state = TrainingState(config, recipe, strategy)
    steps = Steps(config, recipe, state, strategy)
    phase = recipe.phase(config, 0)
    batches = distributed_batches(PhotoLoader(open_source(config.train_data), config), config, 0, strategy)
    batch = next(batches)
    waits: list[float] = []

    def drawn() -> Any:
        started = time.perf_counter()
        found = next(batches)
        waits.append(time.perf_counter() - started)
        return found

    def iteration() -> None:
        # As the loop has it: a batch is drawn when its step is due, while the device still works on the one before.
        terms = [steps.critic(drawn()) for _ in range(config.batches_per_iteration - 1)]
        _wait([*terms, steps.generator(drawn(), phase.name)])

    peak = gemm_speed()
    rows = []
    for what, function in (
        ("critic_step", lambda: _wait(steps.critic(batch))),
        ("generator_step", lambda: _wait(steps.generator(batch, phase.name))),
    ):
        function()  # Traces and compiles.
        seconds, processor = sorted(timed(function) for _ in range(repeats))[repeats // 2]
        rows.append(_row(config, what, precision, seconds, processor, config.batch_size))
    # What was decoded ahead while nothing trained would hide that photos come too slowly: it is used up first, unless
    # iterations are so long that decoding keeps up anyway.
    expected = rows[0]["seconds"] * (config.batches_per_iteration - 1) + rows[1]["seconds"]
    for _ in range(2 if expected < _ITERATION_SECONDS / 6 else 0):
        iteration()
    waits.clear()
    times = [timed(iteration)]
    while len(times) < repeats and sum(seconds for seconds, _ in times) + times[0][0] < _ITERATION_SECONDS:
        times.append(timed(iteration))
    total = sum(seconds for seconds, _ in times)
    seconds, processor = sorted(times)[len(times) // 2]
    images = config.batch_size * config.batches_per_iteration
    rows.append(_row(config, "iteration", precision, seconds, processor, images) | {"data_share": sum(waits) / total})
    memory = peak_memory()
    alone = photos.measure(_settings(config), _DATA_SECONDS)
    peak = GemmSpeed(*map(max, peak, gemm_speed()))
    rows = [_relate(row, peak, not has_gpu()) for row in rows]
    rows.append(_about(config, "photos", precision) | alone)
    return [row | {"peak_memory_gib": memory.gib, "peak_of": memory.of} for row in rows]


def _combinations(options: flags.FlagValues, folder: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Fields of a `TrainingConfig`, and the word of its precision."""
    given = options.precisions or ["float32", "bfloat16"]
    if unknown := sorted(set(given) - set(PRECISIONS)):
        raise UserError(f"unknown precision {unknown[0]!r}; of training known: {', '.join(PRECISIONS)}.")
    size = options.image_size
    data = options.train_data or str(photos.made_up_photos(pathlib.Path(folder), size))
    names = ("model", "width", "critic_width", "image_size", "n_critic")
    shared = {name: getattr(options, name) for name in names} | {
        "train_data": data, "crop": "fit_crop", "data_workers": photos.whole_numbers(options, "data_workers")[0],
    }  # fmt: skip
    sizes = photos.whole_numbers(options, "batch_sizes")
    for precision in computed_here(given):
        for batch_size in sizes:
            for jit_compile in with_xla(options.xla):
                settings = {**shared, "batch_size": batch_size, "jit_compile": jit_compile}
                settings["precision"] = PRECISIONS[precision]
                TrainingConfig(**settings)
                yield settings, precision


def _settings(config: TrainingConfig) -> dict[str, Any]:
    """What of a configuration matters to its photos."""
    names = ("train_data", "image_size", "crop", "batch_size", "n_critic", "data_workers")
    return {name: getattr(config, name) for name in names}


def _wait(terms: Any) -> None:
    import tensorflow as tf

    for term in tf.nest.flatten(terms):
        float(term)


def _about(config: TrainingConfig, what: str, precision: str) -> dict[str, Any]:
    return {
        "what": what,
        "model": config.model,
        "width": config.width,
        "image_size": config.image_size,
        "batch_size": config.batch_size,
        "n_critic": config.n_critic,
        "precision": precision,
        "jit_compile": config.jit_compile,
        "data_workers": config.data_workers,
    }


def _row(
    config: TrainingConfig, what: str, precision: str, seconds: float, processor: float, images: int
) -> dict[str, Any]:
    return _about(config, what, precision) | {
        "seconds": seconds,
        "processor_seconds": processor,
        "images_per_second": images / seconds,
    }


def _relate(row: dict[str, Any], peak: Any, on_cpu: bool) -> dict[str, Any]:
    """Adds the time in units of the machine's matrix product and, where it is known, of the authors'."""
    row |= {"gemm_gflops": peak.by_clock, "gemm_tflop": row["seconds"] * peak.by_clock / 1e3}
    if on_cpu:
        row["cpu_gemm_tflop"] = row["processor_seconds"] * peak.by_processor / 1e3
    authors = AUTHORS_SECONDS.get((row["what"], row["batch_size"]))
    default = (row["model"], row["width"], row["image_size"], row["n_critic"]) == ("deepfill_v1", 32, 256, 5)
    if authors and default:
        row["of_authors"] = row["gemm_tflop"] * 1e3 / (authors * AUTHORS_GFLOPS)
        if on_cpu:
            row["cpu_of_authors"] = row["cpu_gemm_tflop"] * 1e3 / (authors * AUTHORS_GFLOPS)
    return row
