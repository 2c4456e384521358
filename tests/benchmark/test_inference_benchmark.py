"""The inference benchmark on a tiny network."""

import json

import numpy as np
import pytest
from absl import flags

from inpaint_tf import machine_memory
from inpaint_tf.benchmark import inference
from inpaint_tf.benchmark.plot import scaling_plot
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.models import deepfill_v1, deepfill_v2
from inpaint_tf.planned.macs import literal_macs

SETTINGS = {
    "model": "deepfill_v1", "width": 4, "preset": None, "precision": "float32", "xla": False, "memory_budget": None
}  # fmt: skip


def test_holes_have_the_size_they_say():
    assert inference.make_hole((100, 200), "30").sum() == 900
    assert inference.make_hole((100, 200), "half").sum() == 50 * 100
    shares = [inference.make_hole(size, "strokes").mean() for size in ((256, 256), (540, 960))]
    assert all(0.15 <= share < 0.25 for share in shares)


@pytest.mark.parametrize("name", ["0", "100", "hole", "-5"])
def test_holes_that_do_not_fit(name):
    with pytest.raises(UserError, match="does not fit a photo of 200x100"):
        inference.make_hole((100, 200), name)


def test_sizes():
    assert inference.parse_size("1920x1080") == (1080, 1920)
    for text in ("1920", "0x5", "axb", "1920x1080x3"):
        with pytest.raises(UserError, match="give WIDTHxHEIGHT"):
            inference.parse_size(text)


def test_forms_are_measured_side_by_side():
    rows = inference._time_forms(SETTINGS, (64, 96), "24", ["planned", "full", "literal"], 3)
    assert [row["form"] for row in rows] == ["planned", "full", "literal"]
    literal = literal_macs(deepfill_v1.NETWORK, 4, (64, 96)) / 1e9
    assert rows[2]["gmac"] == literal == rows[0]["gmac_literal"] and rows[0]["gmac"] < literal
    assert rows[2]["of_literal"] == 1
    for row in rows:
        assert 0 < row["seconds_min"] <= row["seconds"] <= row["seconds_max"]
        assert row["share_of_gemm"] == pytest.approx(2 * row["gmac"] / row["seconds"] / row["gemm_gflops"])
        assert json.loads(json.dumps(row)) == row
        assert f"{row['seconds']:.3f}" in inference.table([row])
    assert scaling_plot(rows).shape == scaling_plot(rows, "hole").shape
    assert (scaling_plot(rows) != scaling_plot([])).any()


def test_deepfill_v2_is_counted_with_the_channels_that_it_reads():
    (row,) = inference._time_forms(SETTINGS | {"model": "deepfill_v2"}, (64, 96), "24", ["full"], 1)
    assert row["gmac"] == literal_macs(deepfill_v2.NETWORK, 4, (64, 96)) / 1e9
    # Stage 2 sees three channels, not five, in two layers of 5x5 to 4 channels, half of which gate.
    five = deepfill_v2.NETWORK.replaced("refinement_input", shows=("image", "ones", "hole"))
    assert literal_macs(five, 4, (64, 96)) / 1e9 - row["gmac"] == pytest.approx(2 * 25 * 2 * 4 * 64 * 96 / 1e9)


@pytest.mark.parametrize("model", ["glcic", "deepfill_v1_single_stage"])
def test_single_stages_are_measured_along_a_plan(model, monkeypatch):
    # Matrices of all pairs of positions are an attention's; without it a full run needs little.
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 1 << 16)
    rows = inference._time_forms(SETTINGS | {"model": model}, (64, 96), "24", ["planned", "full"], 1)
    assert rows[0]["gmac"] < rows[1]["gmac"] and all("skipped" not in row for row in rows)


def test_a_preset_is_measured_with_its_weights():
    from inpaint_tf.models.presets import bundled_presets, load_preset

    name = bundled_presets()[0]
    found = inference._engine(SETTINGS | {"preset": name}, "literal").model
    assert found.attention_form == "literal"
    np.testing.assert_array_equal(found.get_weights()[0], load_preset(name)[0].get_weights()[0])


def test_what_does_not_fit_is_skipped(monkeypatch):
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 1 << 16)
    rows = inference._time_forms(SETTINGS, (128, 128), "64", ["literal"], 1)
    assert rows[0]["skipped"].startswith("skipped: needs about") and "seconds" not in rows[0]
    assert "skipped" in inference.table(rows)


def test_rows_are_appended(tmp_path):
    row = {"width_px": 8, "height_px": 8, "hole": "4", "hole_px": 16, "form": "planned", "seconds": 1.0}
    row |= {"seconds_min": 0.9, "seconds_max": 1.2, "gmac": 1.0, "share_of_gemm": 0.5, "peak_gib": 0.6}
    for _ in range(2):
        inference.write(tmp_path, [row])
    assert len((tmp_path / "inference.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "inference.png").stat().st_size > 1000 and "planned" in (tmp_path / "inference.txt").read_text()


@pytest.mark.parametrize(
    "words, message",
    [
        (["benchmark"], "benchmark inference or train"),
        (["benchmark", "inference", "--sizes=big"], "size 'big'"),
        (["benchmark", "inference", "--forms=quick"], "unknown form 'quick'"),
        (["benchmark", "inference", "--memory_budget=lots"], "--memory_budget=lots"),
    ],
)
def test_bad_usage_is_one_line(capsys, words, message):
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


def test_flags_do_not_collide():
    values = flags.FlagValues()
    from inpaint_tf.commands import benchmark

    benchmark.define_flags(values)
    assert {"sizes", "holes", "forms", "batch_sizes"} <= set(values)
    assert np.all([values[name].help for name in ("sizes", "holes", "forms")])
