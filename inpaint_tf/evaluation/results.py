"""Results as lines: what `results.jsonl` and `differences.jsonl` hold, and what may be compared.

A line is one number with everything needed to say what it is. Numbers under different manifests are about other pixels
or other masks; they are refused side by side. The same holds for a measure in the features of different networks.
"""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from inpaint_tf.errors import UserError, name_some, printable, reading
from inpaint_tf.evaluation.aggregate import estimate, grid, paired_difference
from inpaint_tf.evaluation.bootstrap import SEED
from inpaint_tf.evaluation.runner import MethodRun
from inpaint_tf.files import regular_bytes, write_bytes
from inpaint_tf.masks.manifest import Manifest
from inpaint_tf.masks.sets import area_bin
from inpaint_tf.schema import (
    MOST_BYTES,
    any_value,
    finite,
    integer,
    mapping,
    nullable,
    optional,
    parse_json,
    record,
    text,
)

ALL_AREAS = "all"
# What says which number of a table a line is.
_PLACE = ("method", "metric", "region", "scale", "pooling", "area")
RESULTS = "results.jsonl"
DIFFERENCES = "differences.jsonl"


# What tables and comparisons read of a line of `results.jsonl`.
LINE = record(
    {
        **dict.fromkeys(("method", "metric", "region", "scale", "pooling", "area", "protocol", "manifest"), text),
        "value": finite(),
        "ci_low": nullable(finite()),
        "ci_high": nullable(finite()),
        "seconds_per_image": nullable(finite(0)),
        "masks": integer(0),
        "failed": optional(integer(0)),
        "capped": optional(integer(0)),
        "network": optional(text),
        "features": optional(integer(1)),
    },
    others=True,
)


def result_lines(manifest: Manifest, runs: Sequence[MethodRun]) -> list[dict[str, Any]]:
    """The lines of `results.jsonl`: every method, every cell, over all masks and by the share of area masked.

    Args:
        manifest: `Manifest`.
        runs: `runner.MethodRun`s over it.

    Returns:
        List of dictionaries with method, metric, region, scale, pooling, area ("all" or a bin), value, ci_low,
        ci_high, images, masks, failed (masks on which the method failed), protocol, manifest, revision, seed,
        device, seconds_per_image (wall clock), cpu_seconds_per_image, fingerprint, workers (processes at a time, which
        the seconds depend on); capped for PSNR.
    """
    images = [entry.photo.sha256 for entry in manifest.entries]
    bins = [area_bin(entry.area) for entry in manifest.entries]
    lines = []
    for run in runs:
        for area in (ALL_AREAS, *sorted(set(bins))):
            chosen = [row for row in run.rows if area in (ALL_AREAS, bins[row.entry])]
            done = [row for row in chosen if row.error is None]
            about = about_run(manifest, run) | {"area": area, "failed": len(chosen) - len(done)}
            for cell in grid():
                found = estimate([row.terms or {} for row in done], [images[row.entry] for row in done], cell)
                if found is not None:
                    lines.append({"method": run.method, **cell.__dict__, **found, **about})
    return lines


def difference_lines(manifest: Manifest, runs: Sequence[MethodRun]) -> list[dict[str, Any]]:
    """The lines of `differences.jsonl`: every pair of methods, every cell, on the masks that both completed.

    `value` is the first method's value minus that of `versus`; `better` is the share of masks on which the first is the
    better one.
    """
    lines = []
    for position, run in enumerate(runs):
        for other in runs[:position]:
            pairs = [(a, b) for a, b in zip(run.rows, other.rows, strict=True) if a.error is None and b.error is None]
            images = [manifest.entries[a.entry].photo.sha256 for a, _ in pairs]
            for cell in grid():
                ours, theirs = ([pair[side].terms or {} for pair in pairs] for side in (0, 1))
                found = paired_difference(ours, theirs, images, cell)
                if found is not None:
                    about = {"versus": other.method, "protocol": manifest.name, "manifest": manifest.hash, "seed": SEED}
                    lines.append({"method": run.method, **cell.__dict__, **found, **about})
    return lines


def write_lines(path: str | pathlib.Path, lines: Sequence[dict[str, Any]]) -> None:
    """Writes dictionaries as JSON lines, aside first and then renamed."""
    write_bytes(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def read_lines(path: str | pathlib.Path, schema: Any = mapping(any_value)) -> list[dict[str, Any]]:
    """The dictionaries of a JSON lines file, each as the schema says. Raises UserError if it is missing or damaged."""
    with reading(path, "results", "Give an output folder of inpaint-tf evaluate."):
        lines = regular_bytes(path, MOST_BYTES).splitlines()
        return [parse_json(line, schema) for line in lines if line.strip()]


def merge_results(folders: Sequence[str | pathlib.Path]) -> Any:
    """The lines of several evaluations, for one table.

    Args:
        folders: Outputs of `inpaint-tf evaluate`.

    Returns:
        All their lines; those of a method that several folders share, such as a baseline, once.

    Raises:
        UserError: if their manifests or feature networks differ, or a method has other numbers in two of them.
    """
    lines, manifests, networks, seen = [], {}, {}, {}
    for folder in folders:
        for line in read_lines(pathlib.Path(folder) / RESULTS, LINE):
            manifests.setdefault(line["manifest"], folder)
            if "network" in line:
                networks.setdefault(line["metric"], {}).setdefault(line["network"], folder)
            place = (line["manifest"], line.get("network"), *(line[name] for name in _PLACE))
            value, first = seen.setdefault(place, (line["value"], folder))
            if value != line["value"]:
                raise UserError(
                    f"method {printable(line['method'])} has other numbers in {folder} than in {first}; evaluate it in "
                    "one of them alone: the same command without it in --methods rewrites the other's results."
                )
            if first == folder:
                lines.append(line)
    for what, values in (("manifests", manifests), *(("feature networks", places) for places in networks.values())):
        if len(values) > 1:
            named = name_some([f"{value} ({folder})" for value, folder in values.items()])
            raise UserError(f"results under different {what} cannot be compared: {named}; evaluate on the same set.")
    return lines


def find(
    lines: Sequence[dict[str, Any]],
    method: str,
    metric: str,
    region: str,
    scale: str,
    pooling: str,
    area: str = ALL_AREAS,
) -> dict[str, Any] | None:
    """The line of one number, or None."""
    wanted = dict(zip(_PLACE, (method, metric, region, scale, pooling, area), strict=True))
    for line in lines:
        if all(line.get(name) == value for name, value in wanted.items()):
            return line
    return None


def nearest_cells(lines: Sequence[dict[str, Any]], printed: Mapping[str, Any], methods: Mapping[str, str]) -> Any:
    """Which cells of the grid come nearest to printed numbers.

    Args:
        lines: Lines of `results.jsonl`.
        printed: Metric -> {row name: printed value}.
        methods: Row name -> method whose numbers stand for that row; rows without one are left out.

    Returns:
        Metric -> list of (cell name, mean relative deviation), nearest first.
    """
    ranking = {}
    for metric, row_values in printed.items():
        deviations = {}
        for line in lines:
            for row, value in row_values.items():
                if line["metric"] == metric and line["area"] == ALL_AREAS and line["method"] == methods.get(row):
                    name = f"{line['region']} {line['scale']} {line['pooling']}"
                    deviations.setdefault(name, []).append(abs(line["value"] - value) / value)
        ranking[metric] = sorted(((name, math.fsum(d) / len(d)) for name, d in deviations.items()), key=lambda x: x[1])
    return ranking


def about_run(manifest: Manifest, run: MethodRun) -> dict[str, Any]:
    """What all lines of a run say: on what it was measured, where, how long it took."""
    done = [row for row in run.rows if row.error is None]
    return {
        "protocol": manifest.name,
        "manifest": manifest.hash,
        "revision": run.revision,
        "seed": SEED,
        "device": run.device,
        "seconds_per_image": _mean([row.wall_seconds for row in done]),
        "cpu_seconds_per_image": _mean([row.cpu_seconds for row in done]),
        "fingerprint": run.fingerprint,
        "workers": max((row.workers for row in done), default=1),
    }


def _mean(values):
    return round(math.fsum(values) / len(values), 4) if values else None
