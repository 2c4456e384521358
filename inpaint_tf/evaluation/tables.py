"""The tables of a report: what a number looks like, Markdown and CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from inpaint_tf.errors import printable
from inpaint_tf.evaluation.metrics import OF_A_NETWORK, REGIONS, kind_of, metric_named
from inpaint_tf.evaluation.results import ALL_AREAS, find


class Style(NamedTuple):
    """How a measure is printed.

    Attributes:
        heading: Its column's heading, with the unit of the numbers below.
        factor: What values are multiplied by for that unit.
        decimals: How many are printed.
    """

    heading: str
    factor: float
    decimals: int


# Kind of measure -> its style, in the order of columns; the paper prints l1, l2 and TV in percent.
STYLES = {
    "l1": Style("l1 %", 100, 2),
    "l2": Style("l2 %", 100, 2),
    "psnr": Style("PSNR dB", 1, 2),
    "tv": Style("TV %", 100, 2),
    "seam": Style("seam", 1, 2),
    "ssim": Style("SSIM", 1, 3),
    "ms_ssim": Style("MS-SSIM", 1, 3),
    "feature_distance": Style("feature distance", 1, 4),
    "lpips": Style("LPIPS", 1, 4),
    "fid": Style("FID", 1, 3),
    "kid": Style("KID x 1000", 1000, 2),
    "u_ids": Style("U-IDS %", 100, 1),
    "p_ids": Style("P-IDS %", 100, 1),
}
# Kind of measure -> unit that follows a number in a sentence.
UNITS = {
    name: " dB" if "dB" in style.heading else "%" if "%" in style.heading else "" for name, style in STYLES.items()
}
# Kind of measure -> what a reader of a column needs to know.
NOTES = {
    "l1": "mean absolute error",
    "l2": "mean squared error",
    "psnr": "of the squared error; rewards blur",
    "tv": "how busy the fill is: mean step between neighbours",
    "seam": "step across the hole's border over the step between neighbours inside; 1 = no visible border",
    "ssim": "structural similarity, 1 = the same",
    "ms_ssim": "the same over five scales",
    "feature_distance": "mean distance of a network's unit-length features (LPIPS without its calibration)",
    "lpips": "the same, weighted by calibrated heads",
    "fid": "Frechet distance of the two sets; not that of Inception",
    "kid": "kernel distance of the two sets, unbiased; around 0 for equal ones",
    "u_ids": "errors of a linear classifier that tells fills from photos; 50 = it only guesses",
    "p_ids": "fills that it finds more real than their own photo; 50 = it only guesses",
}
# On the relative scale, where it is defined: what follows a heading, and the note.
RELATIVE = {
    "l1": ("of the original's sum", "sum of absolute errors, in percent of the sum of the original's values"),
    "l2": ("of the original's squares", "sum of squared errors, in percent of the sum of the original's squares"),
    "psnr": ("below the original", "the relative squared error in dB: a signal-to-noise ratio"),
    "tv": ("of the original's", "100 = as busy as the original"),
    "seam": ("of the original's", "step across the hole's border over the original's there; 1 = no visible border"),
}
_ARROWS = {True: " ↑", False: " ↓", None: ""}
_COLUMNS = [
    "method",
    "metric",
    "region",
    "scale",
    "pooling",
    "area",
    "value",
    "ci_low",
    "ci_high",
    "images",
    "masks",
    "failed",
    "capped",
    "protocol",
    "manifest",
    "revision",
    "seed",
    "device",
    "seconds_per_image",
    "cpu_seconds_per_image",
    "fingerprint",
    "workers",
    "network",
    "features",
]


def style(metric: str) -> Style:
    """The `Style` of a measure that results name; the heading of one in the features of a network says which."""
    kind = kind_of(metric) or metric
    found = STYLES[kind]
    network = metric.removeprefix(kind).removeprefix("_")
    return found._replace(heading=f"{found.heading} ({network})") if network else found


def metrics_of(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The measures of some lines that can be printed, in the order of `STYLES`."""
    found = dict.fromkeys(line["metric"] for line in lines)
    return [metric for kind in STYLES for metric in found if kind_of(metric) == kind]


def heading(metric: str, scale: str = "absolute") -> str:
    """A column's heading: the style's, what it is relative to, and an arrow to the better side."""
    relative = f" {RELATIVE[metric][0]}" if scale == "relative" else ""
    return style(metric).heading + relative + _ARROWS[metric_named(metric).higher_is_better]


def note(metric: str, scale: str = "absolute") -> str:
    """What a reader of a column needs to know."""
    return RELATIVE[metric][1] if scale == "relative" else NOTES[kind_of(metric) or metric]


def small_sample(lines: Sequence[dict[str, Any]]) -> str | None:
    """A sentence on measures of sets that have fewer images than features to compare; None if there are none."""
    few = [line for line in lines if line.get("features", 0) > line["masks"] and kind_of(line["metric"]) != "kid"]
    if not few:
        return None
    names = ", ".join(dict.fromkeys(style(line["metric"]).heading.replace(" %", "") for line in few))
    return (
        f"{names}: {min(line['masks'] for line in few)} images are fewer than the network's {few[0]['features']} "
        "features, too few for these numbers to say much; thousands are usual."
    )


def methods_of(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The methods of some lines, in order of appearance."""
    return list(dict.fromkeys(line["method"] for line in lines))


def metric_line(
    lines: Sequence[dict[str, Any]],
    method: str,
    metric: str,
    region: str,
    scale: str = "absolute",
    pooling: str = "per_image",
) -> dict[str, Any] | None:
    """The line that stands in a table of a region for a method and metric, or None.

    Measures without a choice of pooling stand in both absolute tables of their region.
    """
    found = find(lines, method, metric, region, scale, pooling)
    if found is None and scale == "absolute" and metric_named(metric).terms is None:
        found = find(lines, method, metric, region, "absolute", "pooled") or find(
            lines, method, metric, region, "absolute", "per_image"
        )
    return found


def main_table(
    lines: Sequence[dict[str, Any]], region: str, scale: str = "absolute", pooling: str = "per_image"
) -> tuple[list[str], list[list[str]]]:
    """A table of methods by metrics.

    Returns:
        Headings and rows of text, as lists; metrics that are defined nowhere in the region are left out.
    """

    def chosen(method, metric):
        return metric_line(lines, method, metric, region, scale, pooling)

    methods = methods_of(lines)
    metrics = [metric for metric in metrics_of(lines) if any(chosen(method, metric) for method in methods)]
    headings = ["method", *map(heading, metrics)]
    rows = []
    for method in methods:
        cells = [format_line(chosen(method, metric)) for metric in metrics]
        seconds = next((line["seconds_per_image"] for line in lines if line["method"] == method), None)
        rows.append([method, *cells, "-" if seconds is None else f"{seconds:.2f}"])
    return [*headings, "s an image"], rows


def network_table(lines: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]] | None:
    """A table of methods by the measures of whole pictures in a network's features; None if there are none."""
    metrics = [metric for metric in metrics_of(lines) if kind_of(metric) in OF_A_NETWORK]
    if not metrics:
        return None
    rows = [
        [method, *(format_line(metric_line(lines, method, metric, "whole")) for metric in metrics)]
        for method in methods_of(lines)
    ]
    return ["method", *map(heading, metrics)], rows


def difference_table(
    differences: Sequence[dict[str, Any]], region: str = "hole", metrics: Sequence[str] = ("l1", "psnr", "ssim")
) -> tuple[list[str], list[list[str]]]:
    """Paired differences of all pairs of methods, absolute scale, per image: headings and rows of text."""
    headings, rows = difference_lines_of(differences, region, metrics)
    table = [
        [f"{method} − {versus}", *(f"{text} {note}".strip() for text, note in cells)] for method, versus, *cells in rows
    ]
    return headings, table


def difference_lines_of(
    differences: Sequence[dict[str, Any]], region: str = "hole", metrics: Sequence[str] = ("l1", "psnr", "ssim")
) -> Any:
    """Headings, and rows of the two methods' names followed by (text, remark) for each column after the first."""
    headings = ["method minus other", *(style(metric).heading for metric in metrics), "better PSNR on"]
    pairs = {}
    for line in differences:
        if (line["region"], line["scale"], line["pooling"]) == (region, "absolute", "per_image"):
            pairs.setdefault((line["method"], line["versus"]), {})[line["metric"]] = line
    rows = []
    for (method, versus), lines in pairs.items():
        psnr = lines.get("psnr")
        better = "-" if psnr is None else f"{100 * psnr['better']:.0f}% of masks"
        cells = [number_text(lines[m], signed=True) if m in lines else ("-", "") for m in metrics]
        rows.append([method, versus, *cells, (better, "")])
    return headings, rows


def format_line(line: dict[str, Any] | None, signed: bool = False) -> str:
    """ "16.18 [15.20, 17.31]", with a remark if masks failed; "-" where there is no number."""
    if line is None:
        return "-"
    return " ".join(number_text(line, signed)).strip()


def number_text(line: dict[str, Any], signed: bool = False) -> tuple[str, str]:
    """A number's text and what follows it: its interval, and remarks if masks failed or were capped."""
    _, factor, decimals = style(line["metric"])
    form = f"{'+' if signed else ''}.{decimals}f"
    remarks = []
    if line["ci_low"] is not None:
        remarks.append(f"[{format(line['ci_low'] * factor, form)}, {format(line['ci_high'] * factor, form)}]")
    if line.get("failed"):
        remarks.append(f"(failed on {line['failed']} of {line['failed'] + line['masks']})")
    if line.get("capped"):
        remarks.append(f"({line['capped']} capped)")
    return format(line["value"] * factor, form), " ".join(remarks)


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(printable(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def markdown_report(lines: Sequence[dict[str, Any]], differences: Sequence[dict[str, Any]], intro: str) -> str:
    """The text of `table.md`."""
    parts = [f"# {printable(lines[0]['protocol']) if lines else 'Evaluation'}", printable(intro)]
    if remark := small_sample(lines):
        parts.append(remark)
    for region in REGIONS:
        parts += [f"## Region: {region} (absolute, mean over images)", markdown(*main_table(lines, region))]
    if differences:
        parts += ["## Paired differences, hole", markdown(*difference_table(differences))]
    parts.append("The whole grid of regions, scales, pooling and area bins is in results.jsonl and table.csv.")
    return "\n\n".join(parts) + "\n"


def csv_text(lines: Sequence[dict[str, Any]]) -> str:
    """All lines as CSV, a column a field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def area_series(lines: Sequence[dict[str, Any]], metric: str, region: str = "hole") -> Any:
    """Metric by area bin: bins, and method -> list of (value, low, high) or None, for `plots.interval_plot`."""
    chosen = [
        line
        for line in lines
        if (line["metric"], line["region"], line["scale"], line["pooling"]) == (metric, region, "absolute", "per_image")
        and line["area"] != ALL_AREAS
    ]
    bins = sorted({line["area"] for line in chosen})
    factor = style(metric).factor
    series = {}
    for method in methods_of(lines):
        by_bin = {line["area"]: line for line in chosen if line["method"] == method}
        series[method] = [
            tuple(factor * by_bin[area][name] for name in ("value", "ci_low", "ci_high")) if area in by_bin else None
            for area in bins
        ]
    return bins, series
