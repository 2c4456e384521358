"""How long one photo takes and how much memory, by size, hole and form of the run.

Forms: "planned" computes what the hole can see, "full" runs the fast form of the network on the whole photo,
"literal" the paper's form (patches as filters, every pair of patches in memory). The forms of one case are timed in
turns within one process, so that whatever else the machine does hits all of them, and the median counts. Peak memory
is that of a fresh process per form that runs it once; it includes TensorFlow itself, which is given in addition.

Every row says how many multiply-adds were done, how fast a float32 matrix product ran in the same process, and
what share of that the run reached. Weights are random, or a preset's.
"""

import json
import multiprocessing
import pathlib
import re
import resource
import statistics

import numpy as np
from absl import flags

from inpaint_tf.errors import UserError
from inpaint_tf.models.precision import PRECISIONS, building_with
from inpaint_tf.pixels import pad_to_multiple
from inpaint_tf.tensorflow_loading import load_tensorflow

FORMS = ("planned", "full", "literal")
# Seconds at 512 x 512 on a GTX 1080 Ti (paper, section 5.1).
PAPER_SECONDS_512 = 0.2


def define_flags(values):
    """Defines the flags of `inpaint-tf benchmark inference`."""
    flags.DEFINE_string(
        "output", None, "Folder for inference.jsonl, inference.txt and inference.png.", flag_values=values
    )
    flags.DEFINE_string("model", "deepfill_v1", "Registered model; --preset brings its own.", flag_values=values)
    flags.DEFINE_integer("width", 32, "Base width; --preset brings its own.", lower_bound=2, flag_values=values)
    flags.DEFINE_list("sizes", ["256x256", "512x512"], "Photo sizes, WIDTHxHEIGHT.", flag_values=values)
    flags.DEFINE_list(
        "holes",
        ["128"],
        "Holes: a side in pixels (square, in the centre), half (half the photo's sides), or strokes (all over).",
        flag_values=values,
    )
    flags.DEFINE_list("forms", ["planned", "literal"], f"Of {', '.join(FORMS)}.", flag_values=values)
    flags.DEFINE_enum("precision", "float32", PRECISIONS, "Arithmetic of the convolutions.", flag_values=values)
    flags.DEFINE_boolean("xla", False, "Compile the full and literal forms with XLA.", flag_values=values)
    flags.DEFINE_integer("runs", 5, "Timed runs of every form.", lower_bound=1, flag_values=values)
    flags.DEFINE_string("memory_budget", None, "For the planned form, e.g. 1.5GiB.", flag_values=values)


def run(options, memory_budget=None):
    """Measures all cases; prints a table and writes OUTPUT/inference.{jsonl,txt,png}.

    Args:
        options: Parsed flags of `define_flags`.
        memory_budget: Bytes that the planned form may take; None leaves it to the form.

    Returns:
        0, the exit code.

    Raises:
        UserError: for a size, hole or form that is not understood, or a folder that cannot be written.
    """
    settings = {
        "model": options.model,
        "width": options.width,
        "preset": options.preset,
        "precision": options.precision,
        "xla": options.xla,
        "memory_budget": memory_budget,
    }
    if unknown := sorted(set(options.forms) - set(FORMS)):
        raise UserError(f"unknown form {unknown[0]!r}; known: {', '.join(FORMS)}.")
    cases = [(size, hole) for size in map(parse_size, options.sizes) for hole in options.holes]
    for size, hole in cases:
        make_hole(size, hole)
    rows = []
    print(table([]), flush=True)
    for size, hole in cases:
        found = measure(settings, size, hole, options.forms, options.runs)
        print(table(found, header=False), flush=True)
        rows += found
    if options.output:
        write(pathlib.Path(options.output), rows)
    return 0


def measure(settings, size, hole, forms, runs):
    """Rows of one case, one for each form.

    Args:
        settings: model, width, preset, precision, xla, memory_budget.
        size: (H, W).
        hole: As in `make_hole`.
        forms: Of `FORMS`.
        runs: Timed runs of each.

    Returns:
        List of dictionaries; a form that does not fit into memory has "skipped" instead of numbers.
    """
    rows = _in_fresh_process(_time_forms, settings, size, hole, forms, runs)
    for row in rows:
        if "skipped" not in row:
            row |= _in_fresh_process(_measure_memory, settings, size, hole, row["form"])
    return rows


def parse_size(text):
    """(H, W) of "WIDTHxHEIGHT". Raises UserError for anything else."""
    match = re.fullmatch(r"(\d+)x(\d+)", text.strip())
    if not match or "0" in match.groups():
        raise UserError(f"size {text!r} is not understood; give WIDTHxHEIGHT, for example 1920x1080.")
    return int(match[2]), int(match[1])


def make_hole(size, name):
    """bool [H, W] of a hole's name: a side in pixels, "half" or "strokes". Raises UserError for another."""
    height, width = size
    hole = np.zeros(size, bool)
    if name == "strokes":
        return _strokes(size)
    if name == "half":
        sides = height // 2, width // 2
    elif name.isdigit() and 0 < int(name) < min(size):
        sides = int(name), int(name)
    else:
        raise UserError(
            f"hole {name!r} does not fit a photo of {width}x{height}; give a side in pixels below the photo's, half, "
            "or strokes."
        )
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    hole[top : top + sides[0], left : left + sides[1]] = True
    return hole


def table(rows, header=True):
    """Rows as text for people."""
    lines = []
    if header:
        lines.append(
            f"{'photo':>10} {'hole':>8} {'form':>8} {'median s':>9} {'min-max':>15} {'of literal':>10} {'GMAC':>8}"
            f" {'of GEMM':>8} {'peak GiB':>9}"
        )
    for row in rows:
        start = f"{row['width_px']}x{row['height_px']}".rjust(10) + f" {row['hole']:>8} {row['form']:>8}"
        if "skipped" in row:
            lines.append(f"{start} {row['skipped']}")
            continue
        of_literal = f"{row['of_literal']:.3f}" if "of_literal" in row else ""
        spread = f"{row['seconds_min']:.2f}-{row['seconds_max']:.2f}"
        paper = f"  ({row['of_paper']:.2f} of the paper's GPU)" if "of_paper" in row else ""
        lines.append(
            f"{start} {row['seconds']:9.3f} {spread:>15} {of_literal:>10} {row['gmac']:8.1f}"
            f" {row['share_of_gemm']:8.0%} {row.get('peak_gib', float('nan')):9.2f}{paper}"
        )
    return "\n".join(lines)


def write(folder, rows):
    """Appends the rows to inference.jsonl and writes the table and the plot of these rows, by hole if of one photo."""
    from inpaint_tf.benchmark.plot import scaling_plot
    from inpaint_tf.data.image_files import write_image

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "inference.jsonl", "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        (folder / "inference.txt").write_text(table(rows) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}.") from error
    one_photo = len({(row["height_px"], row["width_px"]) for row in rows}) == 1
    write_image(folder / "inference.png", scaling_plot(rows, "hole" if one_photo else "pixels"))


def _in_fresh_process(function, *arguments):
    with multiprocessing.get_context("spawn").Pool(1, initializer=load_tensorflow) as pool:
        return pool.apply(function, arguments)


def _time_forms(settings, size, hole_name, forms, runs):
    from inpaint_tf.benchmark.machine import description, gemm_speed, timed
    from inpaint_tf.planned.macs import literal_macs

    hole = make_hole(size, hole_name)
    rows, ready = [], {}
    for form in forms:
        row = {
            "height_px": size[0], "width_px": size[1], "hole": hole_name, "hole_px": int(hole.sum()), "form": form,
            **settings,
        }  # fmt: skip
        engine = _engine(settings, form)
        if reason := _too_large(form, engine.model.network, size):
            row["skipped"] = reason
        else:
            ready[form] = row, engine, []
        rows.append(row)
    if not ready:
        return rows
    photo, peak = _photo(size), gemm_speed().by_clock
    for row, engine, _ in ready.values():
        outcome = engine(photo, hole)
        plan = outcome.get("plan")
        literal = literal_macs(engine.model.network, engine.model.width, _padded(size))
        row["gmac"] = (plan.macs if plan else literal) / 1e9
        row["gmac_literal"] = literal / 1e9
    for _ in range(runs):
        for _, engine, seconds in ready.values():
            seconds.append(timed(lambda engine=engine: engine(photo, hole)))
    for row, _, seconds in ready.values():
        clock = [wall for wall, _ in seconds]
        row |= {
            "seconds": statistics.median(clock),
            "seconds_min": min(clock),
            "seconds_max": max(clock),
            "processor_seconds": statistics.median(processor for _, processor in seconds),
            "runs": runs,
            "gemm_gflops": peak,
            **description(),
        }
        row["share_of_gemm"] = 2 * row["gmac"] / row["seconds"] / peak
        if size == (512, 512):
            row["of_paper"] = row["seconds"] / PAPER_SECONDS_512
    if "literal" in ready:
        literal = ready["literal"][0]
        for row, _, _ in ready.values():
            row["of_literal"] = row["seconds"] / literal["seconds"]
            row["processor_of_literal"] = row["processor_seconds"] / literal["processor_seconds"]
    return rows


def _measure_memory(settings, size, hole_name, form):
    """Peak memory of one run in this, fresh, process."""
    import tensorflow as tf

    engine = _engine(settings, form)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine(_photo(size), make_hole(size, hole_name))
    found = {
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "before_gib": before / 2**20,
    }
    if tf.config.list_physical_devices("GPU"):
        found["gpu_peak_gib"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**30
    return found


class _Engine:
    """A form of the run: float32 image [H, W, 3] and bool hole [H, W] of any size -> the form's dictionary."""

    def __init__(self, model, call):
        self.model = model
        self._call = call

    def __call__(self, photo, hole):
        return self._call(pad_to_multiple(photo), pad_to_multiple(hole)[..., np.newaxis].astype(np.float32))


def _engine(settings, form):
    import tensorflow as tf

    from inpaint_tf.inference.full_run import FullRun
    from inpaint_tf.models.presets import load_preset
    from inpaint_tf.models.registry import build_model
    from inpaint_tf.planned.run import PlannedRun

    attention = {"attention_form": "literal"} if form == "literal" else {}
    with building_with(settings["precision"]):
        if settings["preset"]:
            model, _ = load_preset(settings["preset"], **attention)
        else:
            model = build_model(settings["model"], width=settings["width"], **attention)
    if form == "planned":
        return _Engine(model, PlannedRun(model, settings["memory_budget"]))
    if not settings["xla"]:
        return _Engine(model, FullRun(model))
    compiled = tf.function(lambda image, mask: model(image, mask), jit_compile=True)

    def call(image, mask):
        outputs = compiled(image[np.newaxis], mask[np.newaxis])
        return {name: output[0].numpy() for name, output in outputs.items()}

    return _Engine(model, call)


def _padded(size):
    """(H, W) of a photo that was mirrored up to multiples of 8."""
    return -(-size[0] // 8) * 8, -(-size[1] // 8) * 8


def _too_large(form, network, size):
    """Why a form cannot run on a size, or None: both full forms hold several matrices of all pairs of positions."""
    from inpaint_tf.machine_memory import free_memory
    from inpaint_tf.planned.macs import attention_pairs
    from inpaint_tf.planned.memory import in_mib

    if form == "planned":
        return None
    matrices = 4 if form == "literal" else 6
    needed = matrices * 4 * attention_pairs(network, _padded(size))
    free = free_memory()
    return f"skipped: needs about {in_mib(needed)}, {in_mib(free)} are free" if needed > 0.8 * free else None


def _photo(size):
    """A smooth float32 [H, W, 3] picture in [-1, 1] with a little noise; always the same for a size."""
    import cv2

    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.uniform(-0.8, 0.8, (6, 8, 3)).astype(np.float32), size[::-1])
    noise = rng.normal(scale=0.1, size=(64, 64, 3)).astype(np.float32)
    tiles = [-(-side // 64) for side in size]
    return np.clip(smooth + np.tile(noise, (*tiles, 1))[: size[0], : size[1]], -1, 1)


def _strokes(size):
    """Brush strokes all over a photo: about a sixth of it, the same share at every size."""
    import cv2

    rng = np.random.default_rng(0)
    drawn = np.zeros(size, np.uint8)
    diagonal = np.hypot(*size)
    while drawn.mean() < 0.15:
        point = rng.uniform(0, 1, 2) * size[::-1]
        for _ in range(4):
            turned = np.clip(point + rng.normal(scale=diagonal / 16, size=2), 0, np.subtract(size[::-1], 1))
            ends = [tuple(int(x) for x in end) for end in (point, turned)]
            cv2.line(drawn, ends[0], ends[1], 1, thickness=int(rng.uniform(0.008, 0.018) * diagonal) + 1)
            point = turned
    return drawn.astype(bool)
