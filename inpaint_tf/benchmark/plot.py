"""Time and memory against size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_tf.visualize.plots import COLOURS, GRID, as_picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scaling_plot(rows: Sequence[dict[str, Any]], horizontal: str = "pixels") -> np.ndarray:
    """Two panels, seconds and peak memory, on logarithmic axes; a line for every form and hole (or size).

    Args:
        rows: Rows of `benchmark.inference`; those without numbers, of dilations and of the paper are left out.
        horizontal: "pixels" of the photo, a line for every hole; or "hole", a line for every photo size.

    Returns:
        uint8 [420, 1040, 3] RGB.

    Raises:
        UserError: without matplotlib.
    """
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for row in rows:
        if "hole_px" not in row or "skipped" in row:
            continue
        size = f"{row['width_px']}x{row['height_px']}"
        pixels = row["width_px"] * row["height_px"] if horizontal == "pixels" else row["hole_px"]
        form = row["form"] + ("+xla" if row.get("xla") else "")
        if row.get("precision", "float32") != "float32":
            form += f" {row['precision']}"
        label = f"{form}, " + (f"hole {row['hole']}" if horizontal == "pixels" else f"photo {size}")
        lines.setdefault(label, []).append((pixels / 1e6, row["seconds"], row.get("peak_gib") or np.nan))
    figure = new_figure(1040, 420)
    for place, (unit, column) in enumerate((("seconds", 1), ("GiB", 2)), 1):
        axes = figure.add_subplot(1, 2, place)
        axes.set_title(unit, loc="left", fontsize=10)
        axes.set_xlabel("photo, megapixels" if horizontal == "pixels" else "hole, megapixels")
        _draw(axes, {label: [(point[0], point[column]) for point in sorted(points)] for label, points in lines.items()})
    return as_picture(figure)


def _draw(axes: "Axes", lines: dict[str, list[tuple[float, float]]]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.loglog()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    for number, (label, points) in enumerate(lines.items()):
        axes.plot(*np.transpose(points), "o-", color=COLOURS[number % len(COLOURS)], markersize=5, label=label)
    if lines:
        axes.legend(fontsize=8)
