"""inpaint-tf evaluate from images to report."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.evaluation import methods
from inpaint_tf.visualize.grids import comparison_grid, thumbnail


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_from_images_to_report(photos, tmp_path, capsys):
    output = tmp_path / "out"
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={output}"]
    assert main([*call, "--methods=mean,telea"]) == 0
    assert "| telea |" in capsys.readouterr().out
    lines = read_lines(output / "results.jsonl")
    required = [
        "method",
        "metric",
        "region",
        "scale",
        "pooling",
        "value",
        "ci_low",
        "ci_high",
        "images",
        "manifest",
        "revision",
    ]
    assert all(name in line for line in lines for name in required)
    assert {line["method"] for line in lines} == {"mean", "telea"} and {line["images"] for line in lines} == {3}
    page = (output / "index.html").read_text()
    # Self-contained: no picture, style or script from elsewhere.
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "<script" not in page
    # 3 rows of input, two methods and original, and the cases.
    assert page.count("data:image/jpeg") > 12 and "Feature distance and FID are absent" in page
    assert Image.open(output / "grids/grid_00.jpg").size == (4 * 260 - 4, 22 + 3 * 260)
    assert (output / "table.md").read_text().startswith("# center128")
    assert (output / "table.csv").read_text().count("\n") == len(lines) + 1
    before = {path: path.stat().st_mtime_ns for path in (output / "cache").rglob("*")}
    assert main([*call, "--methods=mean,telea,ns"]) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in before.items() if path.is_file())
    assert {line["method"] for line in read_lines(output / "results.jsonl")} == {"mean", "telea", "ns"}
    assert read_lines(output / "results.jsonl")[: len(lines)] == lines


def test_a_made_mask_set_gives_the_same_numbers(photo, tmp_path):
    common = [f"--images={photo}", "--methods=mean"]
    assert main(["evaluate", "--protocol=free_form", f"--output={tmp_path}/a", *common]) == 0
    assert main(["masks", "make", "--protocol=free_form", f"--images={photo}", f"--output={tmp_path}/set"]) == 0
    assert main(["evaluate", f"--masks={tmp_path}/set", f"--output={tmp_path}/b", *common]) == 0
    values = [[line["value"] for line in read_lines(tmp_path / name / "results.jsonl")] for name in ("a", "b")]
    assert values[0] == values[1]
    assert len({line["area"] for line in read_lines(tmp_path / "a/results.jsonl")}) == 6


def test_a_failing_method_is_reported_and_exits_with_1(photos, tmp_path, capsys, monkeypatch):
    calls = []

    def fails_on_some(image, hole):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of luck")
        return methods.mean_color(image, hole)

    monkeypatch.setitem(methods.CLASSICAL, "some", methods.Classical(fails_on_some, lambda: "1"))
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={tmp_path}/out", "--methods=some,mean"]
    assert main(call) == 1
    said = capsys.readouterr()
    assert "failed: some on mask 1: RuntimeError: out of luck" in said.err and "failed on 1 of 3" in said.out
    assert "out of luck" in (tmp_path / "out/index.html").read_text()


def test_feature_measures_with_a_users_network(photos, tmp_path):
    class Identity(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
        def __call__(self, images):
            return images

    tf.saved_model.save(Identity(), str(tmp_path / "network"))
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={tmp_path}/out", "--methods=mean"]
    assert main([*call, f"--feature_network={tmp_path}/network"]) == 0
    found = {line["metric"]: line for line in read_lines(tmp_path / "out/results.jsonl")}
    assert found["feature_distance"]["value"] > 0 and found["fid"]["value"] > 0 and found["feature_distance"]["network"]
    assert "| feature distance ↓ | FID ↓ |" in (tmp_path / "out/table.md").read_text()


def test_comparing_refuses_other_manifests(photo, tmp_path, capsys):
    for name, protocol, method in [("a", "center128", "mean"), ("b", "center128", "ns"), ("c", "free_form", "ns")]:
        call = ["evaluate", f"--protocol={protocol}", f"--images={photo}", f"--output={tmp_path}/{name}"]
        assert main([*call, f"--methods={method}"]) == 0
    capsys.readouterr()
    assert main(["evaluate", f"--compare={tmp_path}/a,{tmp_path}/b", f"--output={tmp_path}/ab"]) == 0
    assert "| ns |" in (tmp_path / "ab/table.md").read_text()
    assert main(["evaluate", f"--compare={tmp_path}/a,{tmp_path}/c", f"--output={tmp_path}/ac"]) == 2
    assert "cannot be compared" in capsys.readouterr().err and not (tmp_path / "ac").exists()
    # The same folder for another protocol.
    call = ["evaluate", "--protocol=free_form", f"--images={photo}", f"--output={tmp_path}/a", "--methods=mean"]
    assert main(call) == 2 and "already holds" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, said",
    [
        (["--output={0}/x"], "--images"),
        (["--output={0}/x", "--images={0}/photos", "--methods=mean"], "--protocol"),
        (["--output={0}/x", "--images={0}/none", "--methods=mean", "--protocol=center128"], "none"),
        (["--output={0}/x", "--images={0}/photos", "--methods=mine", "--protocol=center128"], "unknown method"),
        (["--output={0}/x", "--images={0}/photos", "--methods=mean", "--protocol=mine"], "unknown protocol"),
        (["--output={0}/x", "--images={0}/photos", "--methods=mean", "--masks={0}/photos"], "manifest.json"),
        (["--images={0}/photos"], "--output"),
        (["--output={0}/x", "stray"], "stray"),
    ],
)
def test_bad_usage_is_one_line_and_leaves_nothing(words, said, photos, tmp_path, capsys):
    assert main(["evaluate", *(word.format(tmp_path) for word in words)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (tmp_path / "x").exists()


def test_grid_layout():
    white, black = np.full((8, 40, 3), 255, np.uint8), np.zeros((8, 40, 3), np.uint8)
    grid = comparison_grid(["a", "b"], [[black, white], [None, black]])
    assert grid.shape == (22 + 2 * 12, 2 * 44 - 4, 3)
    assert (grid[22:30, :40] == 0).all() and (grid[34:42, :40] == 128).all() and (grid[34:42, 44:] == 0).all()
    with pytest.raises(ValueError, match="one size"):
        comparison_grid(["a"], [[black], [black[:4]]])
    assert thumbnail(white, 20).shape == (4, 20, 3) and thumbnail(white, 100) is white


def test_without_jinja2_the_tables_are_there_and_it_is_said(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("inpaint_tf.evaluation.report.page_can_be_written", lambda: False)
    call = ["evaluate", "--protocol=center128", f"--images={photo}", f"--output={tmp_path}/out", "--methods=mean"]
    assert main(call) == 0
    assert "needs jinja2" in capsys.readouterr().out
    assert (tmp_path / "out/table.md").exists() and not (tmp_path / "out/index.html").exists()
