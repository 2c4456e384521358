"""Diagrams by matplotlib (extra `evaluation`): shared by curves, reports and benchmarks. Pixel pictures are NumPy's.

Figures are made without pyplot, which would keep them and look for a display.
"""

import importlib.util
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from inpaint_tf.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Distinct in hue and lightness (Okabe and Ito's palette for colour-blind readers).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933")
GRID = "#dddddd"
_DPI = 100


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def new_figure(width: int, height: int) -> "Figure":
    """An empty figure of that many pixels. Raises UserError without matplotlib."""
    if not can_draw():
        raise UserError('diagrams need matplotlib: pip install "inpaint_tf[evaluation]".')
    from matplotlib.figure import Figure

    return Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")


def as_picture(figure: "Figure") -> np.ndarray:
    """A figure as uint8 [H, W, 3] RGB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def as_svg(figure: "Figure") -> str:
    """A figure as an SVG element for a page; the same figure gives the same text."""
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "inpaint_tf", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def interval_plot(
    title: str,
    groups: Sequence[str],
    series: Mapping[str, Sequence[tuple[float, float, float] | None]],
) -> str:
    """Points with confidence intervals, side by side within groups.

    Args:
        title: Text above.
        groups: Names along the horizontal axis.
        series: Name -> (value, low, high) or None for each group.

    Returns:
        SVG text, a legend at the right; empty if there is nothing to draw.
    """
    if not any(point for points in series.values() for point in points):
        return ""
    figure = new_figure(720, 300)
    axes = figure.add_subplot()
    axes.set_title(_literal(title), loc="left", fontweight="bold", fontsize=10)
    for number, (name, points) in enumerate(series.items()):
        offset = (number + 1) / (len(series) + 1) - 0.5
        there = [(group + offset, *point) for group, point in enumerate(points) if point]
        if not there:
            continue
        across, value, low, high = np.transpose(there)
        lengths = np.maximum([value - low, high - value], 0)
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(across, value, lengths, fmt="o", markersize=5, color=colour, label=_literal(name))
    axes.set_xticks(range(len(groups)), [_literal(group) for group in groups])
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return as_svg(figure)


def _literal(text: str) -> str:
    """Text in which a dollar sign begins no formula, and which the legend does not hide for its underscore."""
    return text.replace("$", r"\$").removeprefix("_")
