"""Lines of results, what may be compared, tables and plots."""

import csv
import io
import json
import pathlib

import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.aggregate import grid
from inpaint_tf.evaluation.results import (
    difference_lines,
    find,
    merge_results,
    nearest_cells,
    result_lines,
    write_lines,
)
from inpaint_tf.evaluation.runner import MethodRun, Row
from inpaint_tf.evaluation.tables import area_series, csv_text, difference_table, format_line, main_table, markdown
from inpaint_tf.masks.manifest import ImageEntry, Manifest, MaskEntry


def manifest():
    """Two images, two masks each, of area 0.05 and 0.15."""
    entries = []
    for image in ("a", "b"):
        for area in (0.05, 0.15):
            image_entry = ImageEntry(image, image * 64, (256, 256), (0, 0, 256, 256))
            entries.append(MaskEntry("m.png", "0" * 64, (256, 256), (0, 0, 8, 8), area, image_entry))
    return Manifest("free_form", 1, {}, tuple(entries))


def method_run(name, errors):
    """A run whose l1 (and every other quotient) is as given; None failed."""
    rows = []
    for entry, error in enumerate(errors):
        terms = error is not None and {cell.key: [error, 1.0] for cell in grid()}
        rows.append(Row(entry, terms, 0.5, 0.25) if terms else Row(entry, error="ValueError: x"))
    return MethodRun(name, tuple(rows), pathlib.Path("."), "a processor", "0.1.0", "f", 0)


@pytest.fixture(scope="module")
def lines():
    return result_lines(manifest(), [method_run("one", [0.1, 0.2, 0.3, None]), method_run("two", [0.2, 0.2, 0.4, 0.1])])


def test_lines_carry_what_the_format_promises(lines):
    found = find(lines, "one", "l1", "hole", "absolute", "per_image")
    assert found["value"] == pytest.approx(0.2)
    assert (found["images"], found["masks"], found["failed"]) == (2, 3, 1)
    assert found["ci_low"] <= 0.2 <= found["ci_high"]
    assert (found["manifest"], found["protocol"]) == (manifest().hash, "free_form")
    assert (found["revision"], found["device"], found["seconds_per_image"]) == ("0.1.0", "a processor", 0.5)
    assert all(json.loads(json.dumps(line)) == line for line in lines)


def test_lines_by_area(lines):
    assert find(lines, "one", "l1", "hole", "absolute", "per_image", "0.0-0.1")["value"] == pytest.approx(0.2)
    assert find(lines, "one", "l1", "hole", "absolute", "per_image", "0.1-0.2")["value"] == pytest.approx(0.2)
    assert find(lines, "two", "l1", "hole", "absolute", "per_image", "0.1-0.2")["value"] == pytest.approx(0.15)
    bins, series = area_series(lines, "l1")
    assert bins == ["0.0-0.1", "0.1-0.2"] and series["two"][1][0] == pytest.approx(15)


def test_differences_are_over_masks_that_both_completed():
    runs = [method_run("one", [0.1, 0.2, 0.3, None]), method_run("two", [0.2, 0.2, 0.4, 0.1])]
    found = difference_lines(manifest(), runs)
    (line,) = [
        line
        for line in found
        if (line["metric"], line["region"], line["scale"], line["pooling"]) == ("l1", "hole", "absolute", "per_image")
    ]
    # (0.2 + 0.2 + 0.4) / 3 - 0.6 / 3; equal on one mask, worse on two.
    assert (line["method"], line["versus"]) == ("two", "one")
    assert line["value"] == pytest.approx(0.2 / 3) and line["masks"] == 3 and line["better"] == 0
    _, rows = difference_table(found)
    assert rows[0][0] == "two − one" and rows[0][1].startswith("+6.67 [")


def test_results_of_other_manifests_are_refused(lines, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    write_lines(one / "results.jsonl", [line for line in lines if line["method"] == "one"])
    theirs = [line for line in lines if line["method"] == "two"]
    write_lines(two / "results.jsonl", theirs)
    assert len(merge_results([one, two])) == len(lines)
    write_lines(two / "results.jsonl", [{**line, "manifest": "other"} for line in theirs])
    with pytest.raises(UserError, match="different manifests cannot be compared.*other"):
        merge_results([one, two])
    with pytest.raises(UserError, match="does not exist"):
        merge_results([tmp_path / "three"])


def test_a_baseline_that_two_results_share_counts_once(lines, tmp_path):
    one, both = tmp_path / "one", tmp_path / "both"
    one.mkdir(), both.mkdir()
    ours = [line for line in lines if line["method"] == "one"]
    write_lines(one / "results.jsonl", ours)
    # The clock of another run says something else.
    write_lines(both / "results.jsonl", [{**line, "seconds_per_image": 7} for line in lines])
    merged = merge_results([one, both])
    assert merged[: len(ours)] == ours and len(merged) == len(lines)
    assert {line["method"] for line in merged[len(ours) :]} == {"two"}
    write_lines(both / "results.jsonl", [{**line, "value": line["value"] + 1e-3} for line in lines])
    with pytest.raises(
        UserError, match="method one has other numbers in .*both than in .*one; .*without it in --methods"
    ):
        merge_results([one, both])


def test_tables(lines):
    headings, rows = main_table(lines, "hole")
    assert headings[:3] == ["method", "l1 % ↓", "l2 % ↓"] and headings[-1] == "s an image"
    assert rows[0][1].startswith("20.00 [") and "failed on 1 of 4" in rows[0][1] and rows[1][-1] == "0.50"
    text = markdown(headings, rows)
    assert text.count("\n") == 3 and all(line.count("|") == len(headings) + 1 for line in text.splitlines())
    assert format_line(None) == "-"


def test_csv_has_a_row_a_line(lines):
    rows = list(csv.DictReader(io.StringIO(csv_text(lines))))
    assert len(rows) == len(lines)
    assert float(rows[0]["value"]) == lines[0]["value"] and rows[0]["capped"] == ""


def test_nearest_cells_ranks_by_relative_deviation():
    def line(method, region, value):
        return {
            "method": method,
            "metric": "l1",
            "region": region,
            "scale": "absolute",
            "pooling": "pooled",
            "area": "all",
            "value": value,
        }

    lines = [line("pm", "hole", 0.2), line("pm", "whole", 0.11), line("net", "hole", 0.1), line("net", "whole", 0.01)]
    ranking = nearest_cells(lines, {"l1": {"PatchMatch": 0.1, "full": 0.1}}, {"PatchMatch": "pm", "full": "net"})
    # hole: (1.0 + 0) / 2; whole: (0.1 + 0.9) / 2.
    assert [name for name, _ in ranking["l1"]] == ["hole absolute pooled", "whole absolute pooled"]
    assert [deviation for _, deviation in ranking["l1"]] == pytest.approx([0.5, 0.5])
