"""The report of an evaluation: a folder that opens from disk.

`index.html` (self-contained: pictures inside), `table.md`, `table.csv`, `results.jsonl`, `differences.jsonl`, and
`grids/`, the comparison grids as JPEG files.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.evaluation import protocols
from inpaint_tf.evaluation.aggregate import Cell, row_value
from inpaint_tf.evaluation.metrics import METRICS, PSNR_CAP
from inpaint_tf.evaluation.report_page import page_can_be_written, report_page
from inpaint_tf.evaluation.results import DIFFERENCES, RESULTS, write_lines
from inpaint_tf.evaluation.runner import MethodRun
from inpaint_tf.evaluation.tables import csv_text, markdown_report
from inpaint_tf.files import make_folder, write_bytes
from inpaint_tf.masks.manifest import Manifest
from inpaint_tf.visualize.grids import comparison_grid, encode_jpeg, padded
from inpaint_tf.visualize.side_by_side import paint_hole

# Pictures of a long image list: this many, evenly spaced.
MOST_PICTURES = 24
ROWS_PER_GRID = 4
# Metrics that best and worst cases are picked by, in the hole.
RANKED_BY = ("l1", "l2", "psnr", "ssim")
CASES = 2


def write_report(
    output: pathlib.Path,
    manifest: Manifest,
    runs: Sequence[MethodRun],
    lines: Sequence[dict[str, Any]],
    differences: Sequence[dict[str, Any]],
    load: Callable[[int], tuple[np.ndarray, Any]],
) -> pathlib.Path:
    """Writes a report.

    Args:
        output: Folder, made if missing; files of an earlier report are replaced.
        manifest: `Manifest`.
        runs: `runner.MethodRun`s.
        lines, differences: See `results`.
        load: Function from an entry's number to its original uint8 [H, W, 3] and `Hole`.

    Returns:
        The path of `index.html`; of `table.md` where jinja2, which the page needs, is not installed.

    Raises:
        UserError: if something cannot be written.
    """
    output = pathlib.Path(output)
    write_lines(output / RESULTS, lines)
    write_lines(output / DIFFERENCES, differences)
    intro = introduction(manifest, lines)
    write_bytes(output / "table.md", markdown_report(lines, differences, intro).encode())
    write_bytes(output / "table.csv", csv_text(lines).encode())
    shown = evenly(len(manifest.entries), MOST_PICTURES)
    titles, picture_rows = pictures(manifest, runs, shown, load)
    _write_grids(output / "grids", titles, picture_rows)
    if not page_can_be_written():
        return output / "table.md"
    cases = [case for run in runs for case in best_and_worst(run)]
    entries = sorted({entry for case in cases for entry in case.entries})
    originals = {entry: load(entry) for entry in entries}
    page = report_page(manifest, runs, lines, differences, intro, titles, (shown, picture_rows), cases, originals)
    write_bytes(output / "index.html", page.encode())
    return output / "index.html"


def introduction(manifest: Manifest, lines: Sequence[dict[str, Any]]) -> str:
    """What was measured, in a few sentences."""
    images = len({entry.photo.sha256 for entry in manifest.entries})
    protocol = protocols.PROTOCOLS.get(manifest.name)
    summary = f" ({protocol.summary})" if protocol else ""
    text = (
        f"Protocol {manifest.name}{summary}: {len(manifest.entries)} masks on {images} images, "
        f"manifest {manifest.hash}. Values are on the range [0, 1], means over images; in brackets the 95% bootstrap "
        f"interval over images. PSNR is capped at {PSNR_CAP:g} dB. Seconds are wall-clock time of the method alone."
    )
    if not any("network" in line for line in lines):
        text += " Feature distance, FID, KID and IDS are absent: they need --feature_network=hed or a SavedModel."
    return text


class Case:
    """Best and worst masks of a method by a metric: entries, worst last, and their values."""

    def __init__(self, method: str, metric: str, entries: Sequence[int], values: Sequence[float]) -> None:
        self.method, self.metric, self.entries, self.values = method, metric, entries, values


def best_and_worst(run: MethodRun, cases: int = CASES) -> list[Case]:
    """A `Case` for every metric of `RANKED_BY`: the `cases` best and the `cases` worst masks, best first."""
    found = []
    for metric in RANKED_BY:
        cell = Cell(metric, "hole", "absolute", "per_image")
        values = {row.entry: row_value(row.terms, cell) for row in run.rows if row.terms is not None}
        values = {entry: value for entry, value in values.items() if value is not None}
        order = sorted(values, key=values.__getitem__, reverse=bool(METRICS[metric].higher_is_better))
        if len(order) > 2 * cases:
            order = order[:cases] + order[-cases:]
        found.append(Case(run.method, metric, order, [values[entry] for entry in order]))
    return found


def pictures(
    manifest: Manifest, runs: Sequence[MethodRun], entries: Sequence[int], load: Callable[[int], tuple[np.ndarray, Any]]
) -> tuple[list[str], list[list[np.ndarray | None]]]:
    """Titles and rows of pictures: input, every method, original, and the attention flows that there are."""
    with_flow = [run for run in runs if any(run.flow(entry).exists() for entry in entries)]
    titles = ["input", *(run.method for run in runs), "original", *(f"flow: {run.method}" for run in with_flow)]
    rows = []
    for entry in entries:
        image, hole = load(entry)
        completions = [picture_or_none(run.picture(entry), run, entry) for run in runs]
        flows = [picture_or_none(run.flow(entry), run, entry) for run in with_flow]
        rows.append([paint_hole(image, hole.pixels), *completions, image, *flows])
    return titles, rows


def picture_or_none(path: pathlib.Path, run: MethodRun, entry: int) -> np.ndarray | None:
    """The picture of a file that a run left; None where the method failed."""
    return read_photo(path).rgb if run.rows[entry].error is None and path.exists() else None


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of range(count), evenly spaced."""
    if count <= most:
        return list(range(count))
    return [number * count // most for number in range(most)]


def _write_grids(folder, titles, rows):
    make_folder(folder)
    for stale in folder.glob("grid_*.jpg"):
        stale.unlink()
    for start in range(0, len(rows), ROWS_PER_GRID):
        grid = comparison_grid(titles, padded(rows[start : start + ROWS_PER_GRID]))
        write_bytes(folder / f"grid_{start // ROWS_PER_GRID:02d}.jpg", encode_jpeg(grid))
