"""Rows of `benchmark inference` as text, files and, of the paper, its own number."""

import pathlib
from collections.abc import Sequence
from typing import Any

from inpaint_tf.benchmark.json_lines import append_lines
from inpaint_tf.errors import UserError

# Seconds a photo of 512x512 (Yu et al. 2018, section 5.1), and on what.
PAPER_SECONDS = {"GPU": 0.2, "CPU": 1.5}
_SOURCE = "published in the paper, not measured here: {GPU} s on a GTX 1080 Ti, {CPU} s on a Core i7-6850K".format(
    **PAPER_SECONDS
)


def published_row(size: tuple[int, int], hole: str) -> dict[str, Any]:
    """The paper's number as a row beside ours; "published" says whose it is."""
    return {
        "height_px": size[0],
        "width_px": size[1],
        "hole": hole,
        "form": "paper's",
        "xla": False,
        "precision": "float32",
        "seconds": PAPER_SECONDS["GPU"],
        "seconds_on_cpu": PAPER_SECONDS["CPU"],
        "published": _SOURCE,
    }


def table(rows: Sequence[dict[str, Any]], header: bool = True) -> str:
    """Rows as text for people."""
    lines = []
    if header:
        lines.append(
            f"{'photo':>10} {'hole':>8} {'form':>15} {'arithmetic':>10} {'median s':>9} {'min-max':>15}"
            f" {'of literal':>10} {'GMAC':>8} {'of GEMM':>8} {'peak GiB of':>16}"
        )
    return "\n".join([*lines, *map(_line, rows)])


def _line(row: dict[str, Any]) -> str:
    form = row["form"] + ("+xla" if row.get("xla") else "")
    start = (
        f"{row['width_px']}x{row['height_px']}".rjust(10)
        + f" {row['hole']:>8} {form:>15} {row.get('precision', ''):>10}"
    )
    if "skipped" in row:
        return f"{start} {row['skipped']}"
    if "published" in row:
        return f"{start} {row['seconds']:9.3f} {row['published']}"
    of_literal = f"{row['of_literal']:.3f}" if "of_literal" in row else ""
    spread = f"{row['seconds_min']:.2f}-{row['seconds_max']:.2f}"
    peak = f"{row['peak_gib']:.2f} {row.get('peak_of', 'process'):>7}" if "peak_gib" in row else ""
    line = (
        f"{start} {row['seconds']:9.3f} {spread:>15} {of_literal:>10} {row['gmac']:8.1f} {row['share_of_gemm']:8.0%}"
        f" {peak:>16}"
    )
    if "of_undilated" in row:
        line += f"  ({row['of_undilated']:.2f} of these {len(row['layers'])} layers undilated)"
    return line.rstrip()


def write(folder: pathlib.Path, rows: Sequence[dict[str, Any]]) -> None:
    """Appends the rows to inference.jsonl and writes the table and the plot of these rows, by hole if of one photo.

    Raises:
        UserError: if the folder cannot be written.
    """
    from inpaint_tf.benchmark.plot import scaling_plot
    from inpaint_tf.data.image_files import write_image

    append_lines(folder / "inference.jsonl", rows)
    try:
        (folder / "inference.txt").write_text(table(rows) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}.") from error
    one_photo = len({(row["height_px"], row["width_px"]) for row in rows}) == 1
    write_image(folder / "inference.png", scaling_plot(rows, "hole" if one_photo else "pixels"))
