"""The tables of a report: what a number looks like, Markdown and CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from inpaint_tf.errors import printable
from inpaint_tf.evaluation.metrics import METRICS, REGIONS
from inpaint_tf.evaluation.results import ALL_AREAS, find

# Metric -> (heading, factor, decimals): the paper prints l1, l2 and TV in percent.
STYLES = {
    "l1": ("l1 %", 100, 2),
    "l2": ("l2 %", 100, 2),
    "psnr": ("PSNR dB", 1, 2),
    "tv": ("TV %", 100, 2),
    "seam": ("seam", 1, 2),
    "ssim": ("SSIM", 1, 3),
    "ms_ssim": ("MS-SSIM", 1, 3),
    "feature_distance": ("feature distance", 1, 4),
    "fid": ("FID", 1, 2),
}
# Metric -> unit that follows a number in a sentence.
UNITS = {name: " dB" if "dB" in style[0] else "%" if "%" in style[0] else "" for name, style in STYLES.items()}
# Metric -> what a reader of a column needs to know.
NOTES = {
    "l1": "mean absolute error",
    "l2": "mean squared error",
    "psnr": "of the squared error; rewards blur",
    "tv": "how busy the fill is: mean step between neighbours",
    "seam": "step across the hole's border over the step between neighbours inside; 1 = no visible border",
    "ssim": "structural similarity, 1 = the same",
    "ms_ssim": "the same over five scales",
    "feature_distance": "mean distance of a network's unit-length features (LPIPS without its calibration)",
    "fid": "distance between the two sets' features",
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
    "network",
]


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

    Measures without a choice of scale or pooling stand in every table of their region.
    """
    found = find(lines, method, metric, region, scale, pooling)
    if found is None and METRICS[metric].terms is None:
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
    metrics = [metric for metric in STYLES if any(chosen(method, metric) for method in methods)]
    headings = ["method", *(STYLES[metric][0] + _ARROWS[METRICS[metric].higher_is_better] for metric in metrics)]
    rows = []
    for method in methods:
        cells = [format_line(chosen(method, metric)) for metric in metrics]
        seconds = next((line["seconds_per_image"] for line in lines if line["method"] == method), None)
        rows.append([method, *cells, "-" if seconds is None else f"{seconds:.2f}"])
    return [*headings, "s an image"], rows


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
    headings = ["method minus other", *(f"{STYLES[metric][0]}" for metric in metrics), "better PSNR on"]
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
    _, factor, decimals = STYLES[line["metric"]]
    style = f"{'+' if signed else ''}.{decimals}f"
    remarks = []
    if line["ci_low"] is not None:
        remarks.append(f"[{format(line['ci_low'] * factor, style)}, {format(line['ci_high'] * factor, style)}]")
    if line.get("failed"):
        remarks.append(f"(failed on {line['failed']} of {line['failed'] + line['masks']})")
    if line.get("capped"):
        remarks.append(f"({line['capped']} capped)")
    return format(line["value"] * factor, style), " ".join(remarks)


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(printable(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def markdown_report(lines: Sequence[dict[str, Any]], differences: Sequence[dict[str, Any]], intro: str) -> str:
    """The text of `table.md`."""
    parts = [f"# {printable(lines[0]['protocol']) if lines else 'Evaluation'}", printable(intro)]
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
    factor = STYLES[metric][1]
    series = {}
    for method in methods_of(lines):
        by_bin = {line["area"]: line for line in chosen if line["method"] == method}
        series[method] = [
            tuple(factor * by_bin[area][name] for name in ("value", "ci_low", "ci_high")) if area in by_bin else None
            for area in bins
        ]
    return bins, series
