"""The committed results of experiments/table1: the protocol's published anchors, and that they fit this code."""

import importlib.util
import json
import pathlib

import pytest

from inpaint_tf.evaluation.protocols import PROTOCOLS
from inpaint_tf.evaluation.results import find, read_lines
from inpaint_tf.masks.manifest import read_manifest

EXPERIMENT = pathlib.Path(__file__).parents[2] / "experiments" / "table1"


@pytest.fixture(scope="module")
def lines():
    return read_lines(EXPERIMENT / "results" / "results.jsonl")


# Independent figures of OpenCV 5.0 on this protocol: l1, l2, PSNR; hole, mean over images.
@pytest.mark.parametrize(
    "method, l1, l2, psnr",
    [("telea", 0.1111, 0.0279, 16.18), ("ns", 0.1135, 0.0297, 15.97), ("mean", 0.1489, 0.0369, 14.87)],
)
def test_anchors(lines, method, l1, l2, psnr):
    for metric, expected, digits in (("l1", l1, 4), ("l2", l2, 4), ("psnr", psnr, 2)):
        assert round(find(lines, method, metric, "hole", "absolute", "per_image")["value"], digits) == expected


def test_patchmatch_is_a_fair_opponent(lines):
    # Published implementations reach 15 to 16.5 dB here; below that the table would flatter the models.
    assert find(lines, "patchmatch", "psnr", "hole", "absolute", "per_image")["value"] > 15.5


def test_the_manifest_is_todays_protocol(lines):
    manifest = read_manifest(EXPERIMENT / "results")
    protocol = PROTOCOLS["kodak24_center128"]
    assert {line["manifest"] for line in lines} == {manifest.hash}
    assert [entry.image.sha256 for entry in manifest.entries] == list(protocol.images.values())
    assert all(entry.box == (64, 64, 128, 128) for entry in manifest.entries)


def test_the_comparison_shows_printed_and_measured_rows(lines):
    spec = importlib.util.spec_from_file_location("table1_compare", EXPERIMENT / "compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    printed = json.loads((EXPERIMENT / "printed.json").read_text())["rows"]
    text = compare.comparison(lines, printed, {"PatchMatch": "patchmatch"})
    assert "| PatchMatch, printed | 16.10 | 3.90 | 16.62 | 25.00 |" in text
    assert "| PatchMatch, here: patchmatch |" in text and "| (not in the paper) telea | 11.11 [" in text
    # Originals' total variation, summed over directions and channels, is of the printed size.
    (original,) = [line for line in text.splitlines() if line.startswith("| original |")]
    assert all(20 < float(value) < 27 for value in original.split("|")[2:4])
