"""What stands on the report's page: the verdict, sorted rows, short names, tables that are the same printed once."""

import re

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.evaluation.report_page import Cell, Heading, Table, _holds, ranking, short_names, verdict


def line(method, value, metric="psnr", **more):
    place = {"region": "hole", "scale": "absolute", "pooling": "per_image", "area": "all"}
    return {"method": method, "metric": metric, "value": value, "ci_low": None, "ci_high": None, **place, **more}


def difference(method, versus, low, high, metric="psnr"):
    return line(method, (low + high) / 2, metric, versus=versus, ci_low=low, ci_high=high)


LINES = [line("telea", 16.18), line("ours", 17.03), line("mean", 14.87)]


def test_methods_are_ranked_by_the_side_that_is_better():
    assert [method for method, _ in ranking(LINES, "psnr")] == ["ours", "telea", "mean"]
    errors = [line("telea", 0.11, "l1"), line("ours", 0.10, "l1")]
    assert [method for method, _ in ranking(errors, "l1")] == ["ours", "telea"]


@pytest.mark.parametrize(
    "low, high, said", [(0.2, 1.5, "beyond the 95% interval"), (-0.2, 1.5, "within the 95% interval: a tie")]
)
def test_the_verdict_says_who_leads_by_how_much_and_whether_it_is_chance(low, high, said):
    (sentence,) = verdict(LINES, [difference("ours", "telea", low, high)], {m: m for m in ("telea", "ours", "mean")})
    assert sentence.startswith("ours leads by PSNR: 17.03 dB, 0.85 dB ahead of telea") and said in sentence


def test_the_verdict_does_not_mind_which_way_a_pair_was_subtracted():
    (sentence,) = verdict(LINES, [difference("telea", "ours", -1.5, -0.2)], {m: m for m in ("telea", "ours", "mean")})
    assert "beyond" in sentence


def test_one_method_is_no_comparison():
    assert "nothing to compare" in verdict(LINES[:1], [], {"telea": "telea"})[0]


def test_a_mean_over_fewer_masks_leads_nothing():
    lines = [*LINES, line("partial", 20.0, failed=3)]
    (sentence,) = verdict(lines, [], {m: m for m in ("telea", "ours", "mean", "partial")})
    assert sentence.startswith("ours leads") and "partial" not in sentence


def test_a_table_with_all_columns_of_another_stands_for_both():
    def table(**columns):
        rows = [[Cell(text) for text in row] for row in zip(*columns.values())]
        return Table("", [Heading(name) for name in columns], rows)

    hole, box = table(method="ab", l1="12", distance="34"), table(method="ab", l1="12")
    assert _holds(hole, box) and not _holds(box, hole)
    assert not _holds(hole, table(method="ab", l1="13")) and not _holds(hole, table(method="ba", l1="21"))


def test_folders_of_presets_get_short_names_that_stay_apart():
    methods = ["telea", "preset:/a/runs/one/preset", "preset:/a/runs/two/preset", "preset:/b/weights/best"]
    assert list(short_names(methods).values()) == ["telea", "preset:one/preset", "preset:two/preset", "preset:best"]


def test_a_page_has_what_a_reader_looks_for(photo, tmp_path):
    call = ["evaluate", "--protocol=center128", f"--images={photo}", f"--output={tmp_path}/out"]
    assert main([*call, "--methods=mean,telea,ns"]) == 0
    page = (tmp_path / "out/index.html").read_text()
    # Box and hole are the same pixels in this protocol: one table for both.
    assert re.findall(r"<h2 id=\"\w+\">Region: ([^<]+)", page) == ["hole, box", "whole"]
    assert 'id="verdict"' in page and "leads by" in page and 'class="best"' in page
    assert "1 = no visible border" in page
    table = page[page.index('<h2 id="hole">') : page.index('<h2 id="whole">')]
    values = re.findall(r"<tr><td>(\w+)</td>", table)
    assert sorted(values) == ["mean", "ns", "telea"] and len(values) == 3
    anchors = set(re.findall(r'href="#(\w+)"', page))
    assert anchors <= set(re.findall(r'id="(\w+)"', page)) and len(anchors) > 5
