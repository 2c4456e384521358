"""How long one photo takes and how much memory, by size, hole, form of the run and arithmetic.

Forms: "planned" computes what the hole can see, "full" runs the fast form of the network on the whole photo,
"literal" the paper's form (patches as filters, every pair of patches in memory). The forms of one case are timed in
turns within one process, so that whatever else the machine does hits all of them, and the median counts; every
arithmetic has a process of its own. Peak memory is that of a fresh process per form that runs it once: on a GPU what
its allocator took, on a CPU the process's, TensorFlow itself included, which is given in addition.

Every row says how many multiply-adds were done, how fast a float32 matrix product ran in the same process, and
what share of that the run reached. Weights are random, or a preset's.
"""

import dataclasses
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from absl import flags

from inpaint_tf.benchmark.cases import Size, made_up_photo, make_hole, padded, parse_size
from inpaint_tf.benchmark.dilations import time_dilations
from inpaint_tf.benchmark.engines import FORMS, Engine, Form, Settings, load_engine, too_large
from inpaint_tf.benchmark.inference_table import published_row, table, write
from inpaint_tf.errors import UserError
from inpaint_tf.machine_memory import ran_out_of_memory
from inpaint_tf.models.precision import PRECISIONS

# The paper's measurement (section 5.1): the full model at the authors' width on 512x512, a hole of a quarter.
PAPER_SIZE, PAPER_HOLE, PAPER = (512, 512), "half", Settings()


def define_flags(values: flags.FlagValues) -> None:
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
    flags.DEFINE_list(
        "precisions",
        None,
        "Arithmetic, a row each. inference: of float32 (default), tf32 (GPUs only), bfloat16. train: these and "
        "mixed_float16; default float32, bfloat16.",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "xla",
        False,
        "Compiled by XLA as well, a row each. inference: the full and literal forms and the dilations. train: the "
        "steps.",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "dilations", False, "Also the dilated convolutions alone, a row for each rate.", flag_values=values
    )
    flags.DEFINE_boolean(
        "paper",
        False,
        "Also the paper's measurement (DeepFill v1, width 32, 512x512, a hole of a quarter, full) and its own number.",
        flag_values=values,
    )
    flags.DEFINE_integer("runs", 5, "Timed runs of every form.", lower_bound=1, flag_values=values)
    flags.DEFINE_string("memory_budget", None, "For the planned form, e.g. 1.5GiB.", flag_values=values)


def run(options: flags.FlagValues, memory_budget: int | None = None) -> int:
    """Measures all cases; prints a table and writes OUTPUT/inference.{jsonl,txt,png}.

    Args:
        options: Parsed flags of `define_flags`.
        memory_budget: Bytes that the planned form may take; None leaves it to the form.

    Returns:
        0, the exit code.

    Raises:
        UserError: for a size, hole, form or precision that is not understood, or a folder that cannot be written.
    """
    from inpaint_tf.benchmark.machine import in_fresh_process

    if unknown := sorted(set(options.forms) - set(FORMS)):
        raise UserError(f"unknown form {unknown[0]!r}; known: {', '.join(FORMS)}.")
    if unknown := sorted(set(options.precisions or ()) - set(PRECISIONS)):
        raise UserError(f"unknown precision {unknown[0]!r}; of inference known: {', '.join(PRECISIONS)}.")
    sizes = [parse_size(text) for text in options.sizes]
    cases = [(size, hole) for size in sizes for hole in options.holes]
    for size, hole in cases:
        make_hole(size, hole)
    if not ((cases and options.forms) or (sizes and options.dilations) or options.paper):
        raise UserError("nothing to measure: --sizes, --holes and --forms must name at least one each.")
    settings = Settings(options.model, options.width, options.preset, memory_budget=memory_budget)
    precisions = computed_here(options.precisions or ["float32"])
    forms = [Form(name, xla) for name in options.forms for xla in with_xla(options.xla and name != "planned")]
    rows: list[dict[str, Any]] = []

    def show(found: list[dict[str, Any]]) -> None:
        print(table(found, header=False), flush=True)
        rows.extend(found)

    print(table([]), flush=True)
    for precision in precisions:
        chosen = dataclasses.replace(settings, precision=precision)
        for size, hole in cases:
            show(measure(chosen, size, hole, forms, options.runs))
        for size in sizes if options.dilations else ():
            for xla in with_xla(options.xla):
                show(in_fresh_process(time_dilations, chosen, size, options.runs, xla))
        if options.paper:
            full = [Form("full", xla) for xla in with_xla(options.xla)]
            chosen = dataclasses.replace(PAPER, precision=precision)
            show(measure(chosen, PAPER_SIZE, PAPER_HOLE, full, options.runs))
    if options.paper:
        show([published_row(PAPER_SIZE, PAPER_HOLE)])
    if options.output:
        write(pathlib.Path(options.output), rows)
    return 0


def with_xla(wanted: bool) -> tuple[bool, ...]:
    """Without XLA, and with it too if wanted."""
    return (False, True) if wanted else (False,)


def computed_here(precisions: Sequence[str]) -> list[str]:
    """Those of some precisions that this machine has; says which are left out. Raises UserError if none is left."""
    from inpaint_tf.benchmark.machine import has_gpu

    if has_gpu() or "tf32" not in precisions:
        return list(precisions)
    if set(precisions) == {"tf32"}:
        raise UserError("--precisions=tf32 is arithmetic of GPUs, and this runs on a CPU; give float32.")
    print("tf32 is left out: it is arithmetic of GPUs, and this runs on a CPU, where it is float32.", flush=True)
    return [precision for precision in precisions if precision != "tf32"]


def measure(settings: Settings, size: Size, hole: str, forms: Sequence[Form], runs: int) -> list[dict[str, Any]]:
    """Rows of one case, one for each form.

    Args:
        settings: What is run.
        size: (H, W).
        hole: As in `make_hole`.
        forms: The forms.
        runs: Timed runs of each.

    Returns:
        Dictionaries; a form that does not fit into memory has "skipped" instead of numbers.
    """
    from inpaint_tf.benchmark.machine import in_fresh_process

    rows = in_fresh_process(time_forms, settings, size, hole, forms, runs)
    for row in rows:
        if "skipped" not in row:
            row |= in_fresh_process(measure_memory, settings, size, hole, Form(row["form"], row["xla"]))
    return rows


def time_forms(settings: Settings, size: Size, hole_name: str, forms: Sequence[Form], runs: int) -> list[dict]:
    """`measure` without memory, in this process."""
    from inpaint_tf.benchmark.machine import description, gemm_speed, timed
    from inpaint_tf.planned.macs import literal_macs

    hole, photo = make_hole(size, hole_name), made_up_photo(size)
    rows: list[dict[str, Any]] = []
    ready: list[tuple[dict[str, Any], Engine, list[tuple[float, float]]]] = []
    for form in forms:
        row = {
            "height_px": size[0], "width_px": size[1], "hole": hole_name, "hole_px": int(hole.sum()),
            "form": form.name, "xla": form.xla, **dataclasses.asdict(settings),
        }  # fmt: skip
        rows.append(row)
        engine = load_engine(settings, form)
        network, width = engine.model.network, engine.model.width
        try:
            reason = too_large(form, network, size)
            plan = None if reason else engine(photo, hole).get("plan")
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            reason, plan = "skipped: memory ran out", None
        if reason:
            row["skipped"] = reason
            continue
        literal = literal_macs(network, width, padded(size))
        row |= {"gmac": (plan.macs if plan else literal) / 1e9, "gmac_literal": literal / 1e9}
        ready.append((row, engine, []))
    if not ready:
        return rows
    peak = gemm_speed().by_clock
    for _ in range(runs):
        for _, engine, seconds in ready:
            seconds.append(timed(lambda engine=engine: engine(photo, hole)))
    for row, _, seconds in ready:
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
    _relate(rows)
    return rows


def measure_memory(settings: Settings, size: Size, hole_name: str, form: Form) -> dict[str, Any]:
    """Peak memory of one run in this, fresh, process; nothing if it runs out, beside another process's say."""
    from inpaint_tf.benchmark.machine import peak_memory, process_gib

    engine = load_engine(settings, form)
    before = process_gib()
    try:
        engine(made_up_photo(size), make_hole(size, hole_name))
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        return {}
    peak = peak_memory()
    found = {"peak_gib": peak.gib, "peak_of": peak.of, "before_gib": before}
    return found | ({"process_gib": process_gib()} if peak.of == "GPU" else {})


def _relate(rows: list[dict[str, Any]]) -> None:
    """Adds what share of the literal form's time, without XLA, each form takes."""
    literal = [row for row in rows if row["form"] == "literal" and not row["xla"] and "skipped" not in row]
    for row in rows if literal else ():
        if "skipped" not in row:
            row["of_literal"] = row["seconds"] / literal[0]["seconds"]
            row["processor_of_literal"] = row["processor_seconds"] / literal[0]["processor_seconds"]
