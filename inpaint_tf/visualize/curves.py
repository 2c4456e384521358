"""Curves of training runs from their `metrics.jsonl`: a panel per term, a line per run."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from inpaint_tf.visualize.plots import COLOURS, GRID, as_picture, new_figure

_WIDTH, _HEIGHT, _COLUMNS = 460, 300, 3
_PHASE = "#aaaaaa"

Record = dict[str, Any]


def read_run(metrics: str | pathlib.Path) -> list[Record]:
    """The records of a run's `metrics.jsonl`, in order; lines that are damaged or cut off are left out."""
    with open(metrics, "rb") as file:
        return [record for record in map(parse_record, file) if record is not None]


def parse_record(line: bytes) -> Record | None:
    """The dictionary of a line of `metrics.jsonl`, bytes, with a whole number "step"; None if it is no such line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    usable = isinstance(record, dict) and type(record.get("step")) is int
    return record if usable else None


def read_parts(folders: Iterable[str | pathlib.Path]) -> list[Record]:
    """The records of run folders that continued one another, see `in_a_row`."""
    return in_a_row([read_run(pathlib.Path(folder) / "metrics.jsonl") for folder in folders])


def draw_runs(runs: Mapping[str, Sequence[Record]], terms: Iterable[str]) -> np.ndarray | None:
    """Draws terms of one or several runs over their steps.

    Args:
        runs: Name -> records, dictionaries with "step" and any of the terms, from one run or several in a row.
        terms: Names of terms; one that no run has is left out.

    Returns:
        uint8 [.., .., 3] RGB; vertical lines show where the first run changes its phase. None if there is nothing
        to draw.

    Raises:
        UserError: without matplotlib.
    """
    panels = {}
    for term in terms:
        lines = {name: [(r["step"], r[term]) for r in records if term in r] for name, records in runs.items()}
        if any(lines.values()):
            panels[term] = {name: line for name, line in lines.items() if line}
    if not panels:
        return None
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(columns * _WIDTH, rows * _HEIGHT)
    colours = dict(zip(runs, COLOURS * len(runs)))
    changes = _phase_changes(next(iter(runs.values())))
    for number, (term, lines) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.set_title(term, loc="left", fontsize=10)
        axes.set_xlabel("step", fontsize=8)
        axes.grid(color=GRID)
        for step in changes:
            axes.axvline(step, color=_PHASE, linewidth=1)
        for name, line in lines.items():
            axes.plot(*np.transpose(line), color=colours[name], linewidth=1.5, label=name.removeprefix("_"))
        if len(runs) > 1:
            axes.legend(fontsize=8)
    return as_picture(figure)


def in_a_row(parts: Iterable[Sequence[Record]]) -> list[Record]:
    """Records of runs that continued one another, their steps counted through."""
    joined, before = [], 0
    for records in parts:
        joined += [{**record, "step": record["step"] + before} for record in records]
        before = joined[-1]["step"] if joined else 0
    return joined


def _phase_changes(records: Sequence[Record]) -> list[int]:
    phases = [(record["step"], record["phase"]) for record in records if "phase" in record]
    return [step for (step, phase), (_, after) in zip(phases, phases[1:]) if phase != after]
