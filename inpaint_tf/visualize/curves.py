"""Curves of training runs from their `metrics.jsonl`, drawn with OpenCV: a panel a term, a line a run."""

import json
import pathlib

import cv2
import numpy as np

from inpaint_tf.visualize.ticks import nice_ticks

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 46, 26
# RGB, dark enough on white; the palette of the reports.
_COLOURS = [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (0, 0, 0)]
_COLUMNS = 3


def read_run(metrics):
    """The records of a run's `metrics.jsonl`, in order; lines that are damaged or cut off are left out."""
    with open(metrics, "rb") as file:
        return [record for record in map(parse_record, file) if record is not None]


def parse_record(line):
    """The dictionary of a line of `metrics.jsonl`, bytes, with a whole number "step"; None if it is no such line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    usable = isinstance(record, dict) and type(record.get("step")) is int
    return record if usable else None


def read_parts(folders):
    """The records of run folders that went on from one another, see `in_a_row`."""
    return in_a_row([read_run(pathlib.Path(folder) / "metrics.jsonl") for folder in folders])


def draw_runs(runs, terms):
    """Draws terms of one or several runs over their steps.

    Args:
        runs: Name -> records, dictionaries with "step" and any of the terms, from one run or several in a row.
        terms: Names of terms; one that no run has is left out.

    Returns:
        uint8 [.., .., 3] RGB; vertical lines show where the first run changes its phase. None if there is nothing
        to draw.
    """
    panels = []
    for term in terms:
        lines = {
            name: [(record["step"], record[term]) for record in records if term in record]
            for name, records in runs.items()
        }
        lines = {name: line for name, line in lines.items() if line}
        if lines:
            panels.append(_panel(term, lines, _phase_changes(next(iter(runs.values()))), names=len(runs) > 1))
    if not panels:
        return None
    columns = min(_COLUMNS, len(panels))
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % columns)
    rows = [np.concatenate(panels[first : first + columns], axis=1) for first in range(0, len(panels), columns)]
    return np.concatenate(rows, axis=0)


def in_a_row(parts):
    """Records of runs that went on from one another, their steps counted through."""
    joined, before = [], 0
    for records in parts:
        joined += [{**record, "step": record["step"] + before} for record in records]
        before = joined[-1]["step"] if joined else 0
    return joined


def _phase_changes(records):
    phases = [(record["step"], record["phase"]) for record in records if "phase" in record]
    return [step for (step, phase), (_, after) in zip(phases, phases[1:]) if phase != after]


def _panel(term, lines, changes, names):
    picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    points = np.array([point for line in lines.values() for point in line], float)
    last = max(points[:, 0].max(), 1)
    ticks = nice_ticks(points[:, 1].min(), points[:, 1].max())

    def place(step, value):
        x = _LEFT + step / last * (_WIDTH - _LEFT - _RIGHT)
        share = (value - ticks[0]) / max(ticks[-1] - ticks[0], 1e-12)
        return round(x), round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP))

    def write(text, x, y, colour=(0, 0, 0)):
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)

    for tick in ticks:
        cv2.line(picture, place(0, tick), place(last, tick), (225, 225, 225), 1)
        write(f"{tick:g}", 4, place(0, tick)[1] + 4)
    for step in changes:
        cv2.line(picture, place(step, ticks[0]), place(step, ticks[-1]), (170, 170, 170), 1)
    write(term, _LEFT, 16)
    write(f"step 0 to {last:.0f}", _LEFT, _HEIGHT - 8)
    for index, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        cv2.polylines(picture, [np.array([place(*point) for point in line])], False, colour, 2, cv2.LINE_AA)
        if names:
            write(name, _LEFT + 100 * index, 34, colour)
    return picture
