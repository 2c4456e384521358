"""The report's HTML page: one file, pictures and plots inside, no script, opens from disk.

What stands on it is worked out here as plain values; how it looks is `templates/report.html` (jinja2).
"""

import base64
import importlib.resources
import importlib.util
import pathlib
from typing import Any, NamedTuple

import numpy as np

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.evaluation.metrics import REGIONS, metric_named
from inpaint_tf.evaluation.tables import (
    UNITS,
    area_series,
    difference_lines_of,
    heading,
    methods_of,
    metric_line,
    metrics_of,
    note,
    number_text,
    small_sample,
    style,
)
from inpaint_tf.visualize.grids import encode_jpeg, thumbnail
from inpaint_tf.visualize.plots import interval_plot

# Side of the embedded pictures, pixels; the page shows them smaller and enlarges them on a click.
_PICTURE = 256
_PLOTTED = ("psnr", "l1", "ssim")
_REGION_NOTES = {
    "whole": "Every pixel counts, the known ones too, which are right for every method.",
    "box": "The box around the hole.",
    "hole": "The missing pixels alone.",
}


class Cell(NamedTuple):
    """One cell of a table: what stands there, a smaller remark after it, whether it is the best of its column."""

    text: str
    note: str = ""
    best: bool = False
    full: str = ""


class Heading(NamedTuple):
    """A column's heading and what the column means."""

    text: str
    note: str = ""


class Table(NamedTuple):
    """A table of the page."""

    title: str
    headings: list[Heading]
    rows: list[list[Cell]]
    anchor: str = ""
    remark: str = ""


class Picture(NamedTuple):
    """A picture as a data URL; an empty one stands for a failure."""

    name: str
    data: str


def page_can_be_written() -> bool:
    """Whether jinja2 is installed (extra `evaluation`)."""
    return importlib.util.find_spec("jinja2") is not None


def report_page(manifest, runs, lines, differences, intro, titles, pictures, cases, originals) -> str:
    """The page's text.

    Args:
        manifest, runs, lines, differences: See `report.write_report`.
        intro: Text of the first paragraph.
        titles: Column titles of the pictures.
        pictures: Numbers of the entries shown, and their rows of uint8 pictures or None.
        cases: `report.Case`s.
        originals: Entry number -> original uint8 [H, W, 3] and `Hole`, for the cases.
    """
    import jinja2

    # A method that failed on every mask has no line.
    names = short_names(list(dict.fromkeys([*methods_of(lines), *(run.method for run in runs)])))
    template = (
        importlib.resources.files("inpaint_tf.evaluation").joinpath("templates/report.html").read_text(encoding="utf-8")
    )
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        title=manifest.name,
        intro=intro,
        verdict=verdict(lines, differences, names),
        tables=_region_tables(lines, names),
        differences=_difference_table(differences, names),
        plots=list(_plots(lines, names)),
        failures=[_failures(run, names) for run in runs if run.failed],
        picture_titles=[_short_title(title, names) for title in titles],
        picture_rows=_picture_rows(manifest, titles, *pictures),
        cases=_cases(runs, cases, originals, names),
        grid=_grid(lines, names),
        made=_made(lines, names),
        small_sample=small_sample(lines),
        higher=", ".join(style(name).heading for name in metrics_of(lines) if metric_named(name).higher_is_better),
    )


def _failures(run, names) -> tuple[str, list[str]]:
    """What a method that failed on some masks is to be read with, and the masks."""
    done = len(run.rows) - len(run.failed)
    text = f"{names[run.method]} failed on {len(run.failed)} of {len(run.rows)} masks."
    if done:
        text += f" Its means are over {done} of {len(run.rows)} masks and do not compare with others' over all;"
        text += " paired differences do."
    return text, [f"mask {row.entry}: {row.error}" for row in run.failed]


def short_names(methods: list[str]) -> dict[str, str]:
    """Method -> a name that fits into a table: of preset folders the last part, or as many as keep them apart."""
    short = dict(zip(methods, methods, strict=True))
    paths = {method: pathlib.PurePath(method.partition(":")[2]).parts for method in methods if "/" in method}
    for count in range(1, 1 + max(map(len, paths.values()), default=0)):
        tails = {method: method.partition(":")[0] + ":" + "/".join(parts[-count:]) for method, parts in paths.items()}
        for method, tail in tails.items():
            others = [other for other in methods if other != method]
            clash = any(tail in (tails.get(other), other) for other in others)
            if short[method] == method and not clash:
                short[method] = tail
    return short


def verdict(lines, differences, names) -> list[str]:
    """One or two sentences: which method leads in the hole, by how much, and whether that is beyond chance."""
    sentences = []
    for metric in ("psnr", "ssim"):
        whole = [line for line in lines if not line.get("failed")]  # A mean over fewer masks leads nothing.
        ranked = ranking(whole, metric)
        if len(ranked) < 2:
            continue
        (best, value), (second, other) = ranked[:2]
        column, factor, decimals = style(metric)
        gap = abs(value - other) * factor
        unit = UNITS[metric]
        text = f"{names[best]} leads by {column.split()[0]}: {value * factor:.{decimals}f}{unit}, "
        text += f"{gap:.{decimals}f}{unit} ahead of {names[second]}"
        sentences.append(f"{text} ({_significance(differences, best, second, metric)}).")
    return sentences or ["No two methods did every mask: nothing to compare."]


def ranking(lines, metric, region="hole") -> list[tuple[str, float]]:
    """Methods with their values of a metric, best first (absolute scale, mean over images)."""
    found = {method: metric_line(lines, method, metric, region) for method in methods_of(lines)}
    values = [(method, line["value"]) for method, line in found.items() if line is not None]
    return sorted(values, key=lambda pair: pair[1], reverse=bool(metric_named(metric).higher_is_better))


def _significance(differences, best, second, metric):
    for line in differences:
        place = line["metric"], line["region"], line["scale"], line["pooling"]
        if {line["method"], line["versus"]} == {best, second} and place == (metric, "hole", "absolute", "per_image"):
            if line["ci_low"] is None:
                return "no interval"
            beyond = line["ci_low"] > 0 or line["ci_high"] < 0
            return "beyond the 95% interval of their difference" if beyond else "within the 95% interval: a tie"
    return "not compared mask by mask"


def _region_tables(lines, names):
    """A table for each region; regions with the same numbers share one."""
    made: list[tuple[Table, list[str]]] = []
    for region in reversed(REGIONS):  # The hole first: it is what the methods differ in.
        table = _table(lines, names, region)
        same = next((regions for other, regions in made if _holds(other, table)), None)
        if same is None:
            made.append((table, [region]))
        else:
            same.append(region)
    result = []
    for table, regions in made:
        title = f"Region: {', '.join(regions)}"
        same = f" The same pixels as the {regions[1]} in this protocol." if len(regions) > 1 else ""
        remark = _REGION_NOTES[regions[0]] + same + " Best values are bold; rows are sorted by PSNR."
        result.append(table._replace(title=title, anchor=regions[0], remark=remark))
    return result


def _holds(table, other):
    """Whether a table has all columns of another one, with the same numbers."""
    columns, others = (
        {column.text: [row[place] for row in found.rows] for place, column in enumerate(found.headings)}
        for found in (table, other)
    )
    return all(columns.get(name) == cells for name, cells in others.items())


def _table(lines, names, region, scale="absolute", pooling="per_image"):
    def chosen(method, metric):
        return metric_line(lines, method, metric, region, scale, pooling)

    methods = methods_of(lines)
    metrics = [metric for metric in metrics_of(lines) if any(chosen(method, metric) for method in methods)]
    order = {method: place for place, (method, _) in enumerate(ranking(lines, "psnr", region))}
    best = {}
    for metric in metrics:
        higher = metric_named(metric).higher_is_better
        found = {m: line for m in methods if (line := chosen(m, metric)) is not None and not line.get("failed")}
        texts = {m: number_text(line)[0] for m, line in found.items()}
        if higher is not None and len(texts) > 1:
            wanted = (max if higher else min)(texts.values(), key=float)
            best[metric] = {method for method, text in texts.items() if float(text) == float(wanted)}
    rows = []
    for method in sorted(methods, key=lambda method: order.get(method, len(order))):
        failed = next((line for line in lines if line["method"] == method and line.get("failed")), None)
        remark = f"failed on {failed['failed']} of {failed['failed'] + failed['masks']}" if failed else ""
        cells = [Cell(names[method], remark, full=method if names[method] != method else "")]
        for metric in metrics:
            line = chosen(method, metric)
            text, remark = number_text({**line, "failed": 0}) if line is not None else ("-", "")
            cells.append(Cell(text, remark, method in best.get(metric, ())))
        seconds = next((line["seconds_per_image"] for line in lines if line["method"] == method), None)
        cells.append(Cell("-" if seconds is None else f"{seconds:.2f}"))
        rows.append(cells)
    headings = [Heading("method"), *(Heading(heading(metric, scale), note(metric, scale)) for metric in metrics)]
    return Table(f"{region}, {scale}, {pooling}", [*headings, Heading("s", _seconds_note(lines))], rows)


def _seconds_note(lines):
    most = max((line.get("workers", 1) for line in lines), default=1)
    return "seconds an image takes" + (f"; {most} processes at a time made them longer" if most > 1 else "")


def _difference_table(differences, names):
    headings, rows = difference_lines_of(differences)
    if not rows:
        return None
    cells = []
    for method, versus, *values in rows:
        line = [Cell(f"{names[method]} minus {names[versus]}")]
        cells.append(line + [Cell(*value) for value in values])
    return Table("", [Heading(text) for text in headings], cells)


def _grid(lines, names):
    shown, seen = [], set()
    for region in REGIONS:
        for scale in ("absolute", "relative"):
            for pooling in ("per_image", "pooled"):
                table = _table(lines, names, region, scale, pooling)
                key = scale + pooling + repr(table.rows)
                if key not in seen:
                    shown.append(table)
                seen.add(key)
    return shown


def _made(lines, names):
    made = sorted({(line["method"], line["revision"], line["device"]) for line in lines})
    rows = [[Cell(names[method], full=method), Cell(revision), Cell(device)] for method, revision, device in made]
    return Table("", [Heading("method"), Heading("revision", "version + commit"), Heading("device")], rows)


def _plots(lines, names):
    for metric in _PLOTTED:
        bins, series = area_series(lines, metric)
        if len(bins) > 1:
            yield interval_plot(style(metric).heading, bins, {names[name]: points for name, points in series.items()})


def _short_title(title, names):
    method = title.removeprefix("flow: ")
    return title.replace(method, names.get(method, method))


def _picture_rows(manifest, titles, entries, rows) -> list[dict[str, Any]]:
    made = []
    for entry, row in zip(entries, rows, strict=True):
        name = f"{entry}: {manifest.entries[entry].image.name}"
        shown = [_picture(f"{title}, {name}", picture) for title, picture in zip(titles, row, strict=True)]
        made.append({"name": name, "pictures": shown})
    return made


def _cases(runs, cases, originals, names) -> list[dict[str, Any]]:
    """A block for each method: a row for each metric, best to worst, completion above original."""
    blocks = []
    for run in runs:
        rows = []
        for case in (case for case in cases if case.method == run.method and case.entries):
            column, factor, decimals = style(case.metric)
            shown = []
            for entry, value in zip(case.entries, case.values, strict=True):
                pair = [
                    _picture(f"completed, mask {entry}", read_photo(run.picture(entry)).rgb),
                    _picture(f"original, mask {entry}", originals[entry][0]),
                ]
                shown.append({"pictures": pair, "caption": f"mask {entry}: {value * factor:.{decimals}f}"})
            rows.append({"name": column, "cases": shown})
        blocks.append({"name": names[run.method], "rows": rows})
    return blocks


def _picture(name: str, picture: np.ndarray | None) -> Picture:
    if picture is None:
        return Picture(name, "")
    data = base64.b64encode(encode_jpeg(thumbnail(picture, _PICTURE), quality=85)).decode()
    return Picture(name, f"data:image/jpeg;base64,{data}")
