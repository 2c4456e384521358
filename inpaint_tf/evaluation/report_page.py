"""The report's HTML page: one file, pictures and plots inside, no script, opens from disk."""

import base64
import html

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.evaluation.metrics import METRICS, REGIONS
from inpaint_tf.evaluation.plots import interval_plot
from inpaint_tf.evaluation.tables import STYLES, area_series, difference_table, main_table
from inpaint_tf.visualize.grids import encode_jpeg, thumbnail

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1500px; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.pictures td, .pictures th { padding: 2px; border: 0; text-align: center; font-size: 12px; }
.scroll { overflow-x: auto; }
summary { cursor: pointer; font-weight: 600; margin: .5rem 0; }
.failed { color: #a00; }
"""
# Side of the embedded pictures, pixels.
_PICTURE, _CASE = 192, 112
_PLOTTED = ("psnr", "l1", "ssim")


def report_page(manifest, runs, lines, differences, intro, titles, pictures, cases, originals):
    """The page's text.

    Args:
        manifest, runs, lines, differences: See `report.write_report`.
        intro: Text of the first paragraph.
        titles: Column titles of the pictures.
        pictures: Numbers of the entries shown, and their rows of uint8 pictures or None.
        cases: `report.Case`s.
        originals: Entry number -> original uint8 [H, W, 3] and `Hole`, for the cases.
    """
    parts = [f"<h1>{html.escape(manifest.name)}</h1>", f"<p>{html.escape(intro)}</p>", _about(lines), _failures(runs)]
    for region in REGIONS:
        parts += [f"<h2>Region: {region}</h2>", _table(*main_table(lines, region))]
    if differences:
        parts += ["<h2>Paired differences, hole, per image</h2>", _table(*difference_table(differences))]
    parts += ["<h2>By share of the area masked (hole, per image)</h2>", *_plots(lines)]
    parts += ["<h2>Pictures</h2>", _pictures(manifest, titles, *pictures)]
    parts += ["<h2>Best and worst cases (hole)</h2>", *_cases(runs, cases, originals)]
    parts += ["<h2>The whole grid</h2>", *_grid_tables(lines)]
    head = f'<meta charset="utf-8"><title>{html.escape(manifest.name)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _about(lines):
    made = sorted({(line["method"], line["revision"], line["device"]) for line in lines})
    rows = [[method, revision, device] for method, revision, device in made]
    return f"<details><summary>Revision and device</summary>{_table(['method', 'revision', 'device'], rows)}</details>"


def _failures(runs):
    items = [
        f"<li>{html.escape(f'{run.method}, mask {row.entry}: {row.error}')}</li>" for run in runs for row in run.failed
    ]
    return f'<div class="failed"><p>Failed:</p><ul>{"".join(items)}</ul></div>' if items else ""


def _table(headings, rows):
    head = "".join(f"<th>{html.escape(text)}</th>" for text in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _plots(lines):
    for metric in _PLOTTED:
        bins, series = area_series(lines, metric)
        if bins:
            yield interval_plot(STYLES[metric][0], bins, series)


def _pictures(manifest, titles, entries, rows):
    head = "".join(f"<th>{html.escape(title)}</th>" for title in ["", *titles])
    body = []
    for entry, row in zip(entries, rows, strict=True):
        name = html.escape(f"{entry}: {manifest.entries[entry].image.name}")
        cells = "".join(f"<td>{_image(picture, _PICTURE)}</td>" for picture in row)
        body.append(f"<tr><td>{name}</td>{cells}</tr>")
    return f'<div class="scroll"><table class="pictures"><tr>{head}</tr>{"".join(body)}</table></div>'


def _cases(runs, cases, originals):
    """A table a method: a row a metric, best to worst, completion above original."""
    by_method = {run.method: run for run in runs}
    for method, run in by_method.items():
        body = []
        for case in cases:
            if case.method != method or not case.entries:
                continue
            heading, factor, decimals = STYLES[case.metric]
            arrow = "best to worst"
            cells = []
            for entry, value in zip(case.entries, case.values, strict=True):
                completed = read_photo(run.picture(entry)).rgb
                pair = _image(completed, _CASE) + _image(originals[entry][0], _CASE)
                cells.append(f"<td>{pair}<br>mask {entry}: {value * factor:.{decimals}f}</td>")
            body.append(f"<tr><th>{heading}, {arrow}</th>{''.join(cells)}</tr>")
        yield (
            f"<details><summary>{html.escape(method)}</summary>"
            f'<div class="scroll"><table class="pictures">{"".join(body)}</table></div></details>'
        )


def _grid_tables(lines):
    for region in REGIONS:
        for scale in ("absolute", "relative"):
            for pooling in ("per_image", "pooled"):
                headings, rows = main_table(lines, region, scale, pooling)
                yield f"<details><summary>{region}, {scale}, {pooling}</summary>{_table(headings, rows)}</details>"
    higher = ", ".join(name for name, metric in METRICS.items() if metric.higher_is_better)
    yield f"<p>Higher is better for {higher}; TV has no better side. Definitions: inpaint_tf/evaluation/metrics.py.</p>"


def _image(picture, side):
    if picture is None:
        return '<span class="failed">failed</span>'
    data = base64.b64encode(encode_jpeg(thumbnail(picture, side), quality=85)).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'
