"""From a preset to files that run without Python: written aside, compared with the Keras model, then put in place.

DIR/1/                            SavedModel, in the layout that TensorFlow Serving watches
DIR/inpaint_256x256_float32.tflite    one LiteRT file for every size and type of weights
DIR/inpaint_256x256.onnx          one ONNX file for every size
DIR/export.json                   what is in each: bytes, operations, latency, difference from the Keras model
"""

import collections
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from inpaint_tf.errors import UserError, reason
from inpaint_tf.export import litert, onnx_file
from inpaint_tf.export.network_function import Size, levels_function, network_function, parse_size, size_name
from inpaint_tf.export.saved_model import VERSION, SavedModelRunner, saved_model_ops, write_saved_model
from inpaint_tf.export.verify import (
    Limit,
    difference_of_floats,
    difference_of_levels,
    float_inputs,
    photos,
    timed_in_turns,
)
from inpaint_tf.files import check_free, new_folder
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.generator import Generator
from inpaint_tf.models.presets import PresetConfig, load_preset, preset_folder
from inpaint_tf.provenance import device, revision

FORMATS = ("saved_model", "litert", "onnx")
REPORT = "export.json"
# What a file of any size is timed at.
TIMED_SIZE = (256, 256)
HOLDS = "the network alone, on the whole photo at its size: no patches, no working size, no blending"
# What is accepted. Quantised weights are another network, so they are held to a PSNR.
LIMITS = {
    "saved_model": Limit(levels=1),
    "onnx": Limit(levels=1),
    "float32": Limit(largest=1e-3),
    "float16": Limit(psnr=50),
    "int8": Limit(psnr=25),
}


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """What to write.

    Attributes:
        formats: Of `FORMATS`.
        sizes: For LiteRT and ONNX, each "WIDTHxHEIGHT" in multiples of 8, or "any".
        weights: For LiteRT, of `litert.WEIGHTS`.
        runs: Timed runs of each file.
    """

    formats: tuple[str, ...] = FORMATS
    sizes: tuple[str, ...] = ("256x256",)
    weights: tuple[str, ...] = litert.WEIGHTS
    runs: int = 5

    def check(self) -> None:
        """Raises UserError for what is unknown, a size that does not work, or a missing package."""
        for given, known, what in ((self.formats, FORMATS, "format"), (self.weights, litert.WEIGHTS, "weights")):
            if unknown := sorted(set(given) - set(known)):
                raise UserError(f"{what} {unknown[0]!r} is unknown; known: {', '.join(known)}.")
        for size in self.sizes:
            parse_size(size)
        if set(self.formats) - {"saved_model"} and not self.sizes:
            raise UserError("LiteRT and ONNX need a size: WIDTHxHEIGHT in multiples of 8, or any.")
        if "litert" in self.formats:
            litert.check_installed()
        if "onnx" in self.formats:
            onnx_file.check_installed()


def export_preset(
    preset: str | os.PathLike | None,
    output: str | os.PathLike,
    options: ExportOptions = ExportOptions(),
    say: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """Exports a preset. Nothing is left unless every file passed.

    Args:
        preset: Name or folder; None is the default preset.
        output: Folder to write; must not exist or be empty.
        options: `ExportOptions`.
        say: Is given a line about each file as soon as it passed.

    Returns:
        What `export.json` holds.

    Raises:
        UserError: for wrong options, a folder with something in it, an operation that a format lacks, or a file that
            does not give the Keras model's pixels.
    """
    options.check()
    output = pathlib.Path(output)
    check_free(output)
    model, config = load_preset(preset)
    report: dict[str, Any] = {
        "preset": preset_folder(preset).name,
        "preset_sha256": config.sha256,
        "model": config.model,
        "config": config.config,
        "channel_order_of_files": "RGB",
        "guided": model.guided,
        "holds": HOLDS,
        "revision": revision(),
        "device": device(),
        "tensorflow": tf.__version__,
        "files": [],
    }
    if config.detail != "none" or config.working_size != "full":
        say(f"The files hold {HOLDS}; inpaint-tf inpaint and Inpainter add what this preset recommends.")
    try:
        with new_folder(output) as made:
            for entry in _Exporter(model, config, made, options).entries():
                report["files"].append(entry)
                say(summary(entry))
            (made / REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except tf.errors.OpError as error:
        # A full disk, when TensorFlow writes.
        raise UserError(f"cannot write {output}: {reason(error)}.") from error
    return report


def summary(entry: dict[str, Any]) -> str:
    """A line about a file for people."""
    return (
        f"{entry['file']}: {entry['bytes'] / 1e6:.1f} MB, off by {entry['difference']['largest']:.1e} in [-1, 1], "
        f"{entry['difference']['psnr']:.0f} dB in the hole; {entry['latency']['seconds']:.2f} s at "
        f"{entry['latency']['size']}, Keras {entry['latency_keras']['seconds']:.2f} s"
    )


class _Exporter:
    """Writes and checks one file after the other."""

    def __init__(self, model: Generator, config: PresetConfig, folder: pathlib.Path, options: ExportOptions) -> None:
        self.model, self.config, self.folder, self.options = model, config, folder, options
        self.inpainter = Inpainter(model, config.channel_order, plan="full")

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yields what the report says about each file, once it passed."""
        if "saved_model" in self.options.formats:
            yield self._saved_model()
        for size in map(parse_size, self.options.sizes):
            function = network_function(self.model, self.config.channel_order, size)
            if "litert" in self.options.formats:
                for weights in self.options.weights:
                    yield self._litert(function, size, weights)
            if "onnx" in self.options.formats:
                yield self._onnx(levels_function(self.model, self.config.channel_order, size), size)

    def _saved_model(self) -> dict[str, Any]:
        folder = self.folder / VERSION
        with litert.quiet():
            write_saved_model(folder, self.model, self.config.channel_order)
        runner = SavedModelRunner(folder)
        difference = difference_of_levels(runner.complete, self.inpainter, photos(guided=self.model.guided))
        LIMITS["saved_model"].check("the SavedModel", difference)
        image, mask, *_ = photos(TIMED_SIZE)[1]
        calls = {"file": lambda: runner.complete(image, mask), "keras": lambda: self.inpainter(image, mask[..., 0])}
        return {
            "file": VERSION,
            "format": "saved_model",
            "size": "any",
            "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            "difference": dataclasses.asdict(difference),
            **self._latencies(calls, TIMED_SIZE),
            "ops": dict(saved_model_ops(folder).most_common()),
        }

    def _litert(self, function: Any, size: Size | None, weights: str) -> dict[str, Any]:
        name = f"inpaint_{size_name(size)}_{weights}.tflite"
        content = litert.to_litert(function, weights)
        (self.folder / name).write_bytes(content)
        entry = self._float_file(name, litert.LiteRTRunner(self.folder / name), size, LIMITS[weights])
        ops = _counted(litert.litert_ops(content))
        return {"file": name, "format": "litert", "weights": weights, **entry, "ops": ops}

    def _onnx(self, function: Any, size: Size | None) -> dict[str, Any]:
        name = f"inpaint_{size_name(size)}.onnx"
        origin = {
            "preset": self.config.source,
            "preset_sha256": self.config.sha256,
            "model": self.config.model,
            "inpaint_tf": revision(),
        }
        content = onnx_file.to_onnx(function, origin)
        (self.folder / name).write_bytes(content)
        runner = onnx_file.OnnxRunner(self.folder / name)
        # With an open size none of the sizes that are tried is the first one's multiple.
        cases = photos(size or TIMED_SIZE, self.model.guided)
        if size is None:
            cases += photos((TIMED_SIZE[0] // 2 - 3, TIMED_SIZE[1] - 59), self.model.guided)
        difference = difference_of_levels(runner.complete, self.inpainter, cases)
        LIMITS["onnx"].check(name, difference)
        image, mask = cases[1][:2]
        calls = {"file": lambda: runner(image, mask), "keras": lambda: self.inpainter(image, mask[..., 0])}
        entry = {
            "size": size_name(size),
            "bytes": len(content),
            "difference": dataclasses.asdict(difference),
            **self._latencies(calls, size or TIMED_SIZE),
        }
        ops = _counted(onnx_file.onnx_ops(content))
        return {"file": name, "format": "onnx", "opset": onnx_file.OPSET, **entry, "ops": ops}

    def _float_file(self, name: str, runner: litert.LiteRTRunner, size: Size | None, limit: Limit) -> dict[str, Any]:
        guided = self.model.guided
        cases = photos(size or TIMED_SIZE, guided)
        if size is None:
            # Two sizes, so that nothing in the file can depend on the first.
            cases += photos((TIMED_SIZE[0] // 2, TIMED_SIZE[1] - 56), guided)
        difference, moved = difference_of_floats(runner, self.inpainter, cases)
        limit.check(name, difference)
        image, mask = cases[1][:2]
        arrays = float_inputs(image, mask)
        calls = {"file": lambda: runner(*arrays), "keras": lambda: self.inpainter(image, mask[..., 0])}
        return {
            "size": size_name(size),
            "bytes": (self.folder / name).stat().st_size,
            "difference": dataclasses.asdict(difference),
            "offsets_moved": moved,
            **self._latencies(calls, size or TIMED_SIZE),
        }

    def _latencies(self, calls: Mapping[str, Callable[[], object]], size: Size) -> dict[str, Any]:
        times = timed_in_turns(calls, self.options.runs)
        return {"latency": {"size": size_name(size), **times["file"]}, "latency_keras": times["keras"]}


def _counted(ops: collections.Counter[str]) -> dict[str, int]:
    return dict(ops.most_common())
