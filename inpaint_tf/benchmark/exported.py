"""Exported files next to the Keras model they were made from: the same photo, in turns, in one process.

`--saved_model`, `--tflite` and `--onnx` name what `inpaint-tf export` wrote, `--preset` the weights. Every form takes
float32 image and mask and gives float32 pixels. Two clocks: wall time, and what all cores together spent, which other
work on the machine hardly changes. "keras" is the whole network on the whole photo (the Inpainter's full plan); the
planned run is a row of `benchmark inference`.
"""

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from inpaint_tf.benchmark.json_lines import append_lines
from inpaint_tf.errors import UserError
from inpaint_tf.pixels import is_hole, to_float

# Commands define their flags without TensorFlow.
if TYPE_CHECKING:
    from inpaint_tf.export.litert import LiteRTRunner
    from inpaint_tf.export.onnx_file import OnnxRunner
    from inpaint_tf.export.saved_model import SavedModelRunner
    from inpaint_tf.inference.inpainter import Inpainter

    Runner = LiteRTRunner | OnnxRunner | SavedModelRunner


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags that name exported files."""
    flags.DEFINE_string("saved_model", None, "SavedModel folder to time.", flag_values=values)
    flags.DEFINE_list("tflite", [], "LiteRT files to time.", flag_values=values)
    flags.DEFINE_list("onnx", [], "ONNX files to time.", flag_values=values)
    flags.DEFINE_string("preset", None, "Preset to run, or that exported files are compared with.", flag_values=values)


def wanted(options: flags.FlagValues) -> bool:
    """Whether exported files are to be measured."""
    return bool(options.saved_model or options.tflite or options.onnx)


def run(options: flags.FlagValues) -> int:
    """Measures all sizes; prints a table and appends OUTPUT/exported.jsonl.

    Args:
        options: Parsed flags of `define_flags` and of `benchmark.inference.define_flags` (sizes, runs, output).

    Returns:
        0, the exit code.

    Raises:
        UserError: for a file that is none, a size that is not understood, or a folder that cannot be written.
    """
    from inpaint_tf.benchmark.cases import parse_size
    from inpaint_tf.benchmark.machine import description
    from inpaint_tf.inference.inpainter import Inpainter

    sizes = [parse_size(text) for text in options.sizes]
    inpainter = Inpainter.from_preset(options.preset, plan="full", detail="none", working_size="full", blend="none")
    runners = load_runners(options)
    print(header(), flush=True)
    rows = []
    for size in sizes:
        for row in measure(inpainter, runners, size, options.runs):
            print(line(row), flush=True)
            rows.append({**row, "preset": options.preset, **description()})
    if options.output:
        append_lines(pathlib.Path(options.output) / "exported.jsonl", rows)
    return 0


def load_runners(options: flags.FlagValues) -> "dict[str, Runner]":
    """File name -> runner. Raises UserError for a file that cannot be run or a missing package."""
    from inpaint_tf.export.litert import LiteRTRunner
    from inpaint_tf.export.onnx_file import OnnxRunner
    from inpaint_tf.export.saved_model import SavedModelRunner

    runners: dict[str, Runner] = {}
    if options.saved_model:
        runners[f"{pathlib.Path(options.saved_model).name} (SavedModel)"] = SavedModelRunner(options.saved_model)
    for paths, runner in ((options.tflite, LiteRTRunner), (options.onnx, OnnxRunner)):
        runners |= {pathlib.Path(path).name: runner(path) for path in paths}
    return runners


def measure(
    inpainter: "Inpainter", runners: "Mapping[str, Runner]", size: tuple[int, int], runs: int
) -> list[dict[str, Any]]:
    """Rows of one size: the Keras model, then every file; what does not take the size has "skipped" instead.

    Args:
        inpainter: An `Inpainter` of plan "full".
        runners: Name -> runner of float32 image and mask.
        size: (H, W).
        runs: Timed runs of each.
    """
    from inpaint_tf.export.onnx_file import OnnxRunner
    from inpaint_tf.export.verify import difference_of_floats, difference_of_levels, photos, timed_in_turns

    case = photos(size)[1]
    image, hole = to_float(case[0]), is_hole(case[1]).astype(np.float32)
    calls: dict[str, Any] = {"keras": lambda: inpainter.run(case[0], case[1][..., 0])}
    rows: dict[str, dict[str, Any]] = {
        name: {"form": name, "height_px": size[0], "width_px": size[1]} for name in ("keras", *runners)
    }
    for name, runner in runners.items():
        try:
            if isinstance(runner, OnnxRunner):
                difference = difference_of_levels(runner.complete, inpainter, [case])
            else:
                difference, _ = difference_of_floats(runner, inpainter, [case])
        except UserError as error:
            rows[name]["skipped"] = str(error)
            continue
        rows[name] |= {"largest_difference": difference.largest, "psnr_in_hole": difference.psnr}
        inputs = case[:2] if isinstance(runner, OnnxRunner) else (image, hole)
        calls[name] = lambda runner=runner, inputs=inputs: runner(*inputs)
    times = timed_in_turns(calls, runs)
    for name, found in times.items():
        of_keras = found["processor_seconds"] / times["keras"]["processor_seconds"]
        rows[name] |= {**found, "runs": runs, "processor_of_keras": of_keras}
    return list(rows.values())


def header() -> str:
    """The names of the columns; "of Keras" compares what the cores spent."""
    return (
        f"{'photo':>10} {'form':<32} {'median s':>9} {'best s':>8} {'cores s':>8} {'of Keras':>9} {'off by':>8}"
        f" {'dB':>6}"
    )


def line(row: Mapping[str, Any]) -> str:
    """A row as text for people."""
    start = f"{row['width_px']}x{row['height_px']}".rjust(10) + f" {row['form']:<32}"
    if "skipped" in row:
        return f"{start} skipped: {row['skipped']}"
    text = (
        f"{start} {row['seconds']:9.3f} {row['seconds_min']:8.3f} {row['processor_seconds']:8.3f}"
        f" {row['processor_of_keras']:9.2f}"
    )
    if "largest_difference" in row:
        text += f" {row['largest_difference']:8.1e} {row['psnr_in_hole']:6.1f}"
    return text
