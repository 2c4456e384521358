"""Sets an evaluation's numbers next to the ones that the paper prints.

    PYTHONPATH=. python experiments/table1/compare.py --results=DIR \
        --rows="PatchMatch=patchmatch,full model=preset:NAME"

DIR is the output of `inpaint-tf evaluate`. Writes into --output (default: results/ beside this file) the evaluation's
table, lines and manifest, and `comparison.md`: printed and measured rows, and the cells of the
grid {whole, box, hole} x {absolute, relative} x {per image, pooled} that come nearest to what is printed.
"""

import json
import pathlib
import shutil

from absl import app, flags

from inpaint_tf.evaluation.results import find, nearest_cells, read_lines
from inpaint_tf.evaluation.tables import STYLES, markdown

HERE = pathlib.Path(__file__).parent
PRINTED = ("l1", "l2", "psnr", "tv")
MEASURED_TOO = ("feature_distance",)

FLAGS = flags.FLAGS
flags.DEFINE_string("results", None, "Output folder of inpaint-tf evaluate.", required=True)
flags.DEFINE_list("rows", ["PatchMatch=patchmatch"], "Row of the paper = method, separated by commas.")
flags.DEFINE_string("output", str(HERE / "results"), "Folder to write.")


def comparison(lines, printed, rows):
    """The text of comparison.md."""
    text = [
        f"Measured: {lines[0]['protocol']}, manifest {lines[0]['manifest']}, hole, absolute, mean over images; "
        "intervals 95% over images. Printed: the paper's table 1 (Places2 validation). Other images, other holes: see "
        "README.md.",
        markdown(*_rows_table(lines, printed, rows)),
        "Cells nearest to the printed numbers (mean relative deviation over the rows above that have a method). "
        "That is a hint at what was measured, no finding: images, holes and, for models, weights are not the paper's.",
        markdown(*_nearest_table(nearest_cells(lines, _by_metric(printed), rows))),
        _variation_note(lines, rows),
    ]
    return "\n\n".join(part for part in text if part) + "\n"


def _by_metric(printed):
    return {metric: {row: values[metric] for row, values in printed.items()} for metric in PRINTED}


def _rows_table(lines, printed, rows):
    table = []
    # The paper prints none; measured rows have it with --feature_network=hed.
    measured_too = [metric for metric in MEASURED_TOO if any(line["metric"] == metric for line in lines)]

    def others(method):
        found = [find(lines, method, metric, "hole", "absolute", "per_image") for metric in measured_too]
        return ["-" if line is None else _interval(line) for line in found]

    for row, values in printed.items():
        table.append(
            [f"{row}, printed", *(_number(metric, values[metric]) for metric in PRINTED), *["-"] * len(measured_too)]
        )
        if row in rows:
            found = [find(lines, rows[row], metric, "hole", "absolute", "per_image") for metric in PRINTED]
            if any(line is None for line in found):
                raise SystemExit(f"{FLAGS.results} has no results of {rows[row]!r}.")
            table.append([f"{row}, here: {rows[row]}", *(_interval(line) for line in found), *others(rows[row])])
    for method in dict.fromkeys(line["method"] for line in lines):
        if method not in rows.values():
            found = [find(lines, method, metric, "hole", "absolute", "per_image") for metric in PRINTED]
            table.append([f"(not in the paper) {method}", *(_interval(line) for line in found), *others(method)])
    return ["row", *(STYLES[metric][0] for metric in (*PRINTED, *measured_too))], table


def _nearest_table(ranking):
    depth = 3
    return ["measure", *(f"{place + 1}." for place in range(depth))], [
        [STYLES[metric][0], *(f"{name} ({100 * deviation:.0f}% off)" for name, deviation in ranking[metric][:depth])]
        for metric in PRINTED
    ]


def _variation_note(lines, rows):
    """The printed TV cannot be a mean difference of neighbours; says what would fit."""

    def tv(method, region, scale):
        return find(lines, method, "tv", region, scale, "pooled")["value"]

    text = [
        "TV as printed, 25%, cannot be a mean difference of neighbours in percent of the range. It can be "
        "tf.image.total_variation divided by the number of pixels, which adds both directions and three channels up, "
        "six times the mean:"
    ]
    table = []
    first = next(iter(rows.values()))
    sums = [600 * tv(first, region, "absolute") / tv(first, region, "relative") for region in ("hole", "whole")]
    table.append(["original", *(f"{value:.1f}" for value in sums)])
    for method in rows.values():
        table.append([method, *(f"{600 * tv(method, region, 'absolute'):.1f}" for region in ("hole", "whole"))])
    text.append(markdown(["TV summed, %", "hole", "whole"], table))
    return "\n\n".join(text)


def _number(metric, value):
    _, factor, decimals = STYLES[metric]
    return f"{value * factor:.{decimals}f}"


def _interval(line):
    return f"{_number(line['metric'], line['value'])} [{_number(line['metric'], line['ci_low'])}, " + (
        f"{_number(line['metric'], line['ci_high'])}]"
    )


def main(_):
    results, output = pathlib.Path(FLAGS.results), pathlib.Path(FLAGS.output)
    lines = read_lines(results / "results.jsonl")
    rows = dict(pair.split("=", 1) for pair in FLAGS.rows)
    printed = json.loads((HERE / "printed.json").read_text(encoding="utf-8"))["rows"]
    if unknown := sorted(set(rows) - set(printed)):
        raise SystemExit(f"the paper has no rows {', '.join(unknown)}; it has {', '.join(printed)}.")
    output.mkdir(parents=True, exist_ok=True)
    (output / "comparison.md").write_text(comparison(lines, printed, rows), encoding="utf-8")
    for name in ("results.jsonl", "table.md", "manifest.json"):
        shutil.copyfile(results / name, output / name)
    print((output / "comparison.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    app.run(main)
