"""The inference benchmark on a tiny network."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from inpaint_tf import machine_memory
from inpaint_tf.benchmark import inference, machine
from inpaint_tf.benchmark.cases import made_up_photo, make_hole, parse_size
from inpaint_tf.benchmark.dilations import dilated_layers, time_dilations
from inpaint_tf.benchmark.engines import FORMS, Form, Settings, load_engine
from inpaint_tf.benchmark.inference_table import table, write
from inpaint_tf.benchmark.plot import scaling_plot
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.models import deepfill_v1, deepfill_v2
from inpaint_tf.planned.macs import literal_macs

SETTINGS = Settings(width=4)
PLANNED, FULL, LITERAL = map(Form, FORMS)


@pytest.fixture(autouse=True)
def small_products(monkeypatch):
    """A machine's own speed, of smaller matrices than to be exact with."""
    monkeypatch.setattr(machine, "_SIDE", 128)


@pytest.fixture
def measured(monkeypatch):
    """Stands for the processes that measure: rows with numbers that are made up."""

    def run(function, settings, size, *rest):
        row = {"height_px": size[0], "width_px": size[1], **dataclasses.asdict(settings)}
        row |= {"seconds": 0.5, "seconds_min": 0.4, "seconds_max": 0.6, "gmac": 1.0, "share_of_gemm": 0.5}
        if function is inference.time_forms:
            hole = int(make_hole(size, rest[0]).sum())
            return [row | {"hole": rest[0], "hole_px": hole, "form": f.name, "xla": f.xla} for f in rest[1]]
        if function is time_dilations:
            return [row | {"hole": "", "form": "dilation 2", "xla": rest[1], "of_undilated": 1.5, "layers": ["a", "b"]}]
        return {"peak_gib": 1.25, "peak_of": "GPU" if machine.has_gpu() else "process", "before_gib": 0.5}

    monkeypatch.setattr(machine, "in_fresh_process", run)


def test_holes_have_the_size_they_say():
    assert make_hole((100, 200), "30").sum() == 900
    assert make_hole((100, 200), "half").sum() == 50 * 100
    shares = [make_hole(size, "strokes").mean() for size in ((256, 256), (540, 960))]
    assert all(0.15 <= share < 0.25 for share in shares)


@pytest.mark.parametrize("name", ["0", "100", "hole", "-5"])
def test_holes_that_do_not_fit(name):
    with pytest.raises(UserError, match="does not fit a photo of 200x100"):
        make_hole((100, 200), name)


def test_sizes():
    assert parse_size("1920x1080") == (1080, 1920)
    for text in ("1920", "0x5", "axb", "1920x1080x3"):
        with pytest.raises(UserError, match="give WIDTHxHEIGHT"):
            parse_size(text)


@pytest.mark.slow
def test_forms_are_measured_side_by_side():
    rows = inference.time_forms(SETTINGS, (64, 96), "24", [PLANNED, FULL, LITERAL], 3)
    assert [row["form"] for row in rows] == ["planned", "full", "literal"]
    literal = literal_macs(deepfill_v1.NETWORK, 4, (64, 96)) / 1e9
    assert rows[2]["gmac"] == literal == rows[0]["gmac_literal"] and rows[0]["gmac"] < literal
    assert rows[2]["of_literal"] == 1
    for row in rows:
        assert 0 < row["seconds_min"] <= row["seconds"] <= row["seconds_max"]
        assert row["share_of_gemm"] == pytest.approx(2 * row["gmac"] / row["seconds"] / row["gemm_gflops"])
        assert json.loads(json.dumps(row)) == row
        assert f"{row['seconds']:.3f}" in table([row])
    assert scaling_plot(rows).shape == scaling_plot(rows, "hole").shape
    assert (scaling_plot(rows) != scaling_plot([])).any()


def test_deepfill_v2_is_counted_with_the_channels_that_it_reads():
    settings = dataclasses.replace(SETTINGS, model="deepfill_v2")
    (row,) = inference.time_forms(settings, (64, 96), "24", [FULL], 1)
    assert row["gmac"] == literal_macs(deepfill_v2.NETWORK, 4, (64, 96)) / 1e9
    # Stage 2 sees three channels, not five, in two layers of 5x5 to 4 channels, half of which gate.
    five = deepfill_v2.NETWORK.replaced("refinement_input", shows=("image", "ones", "hole"))
    assert literal_macs(five, 4, (64, 96)) / 1e9 - row["gmac"] == pytest.approx(2 * 25 * 2 * 4 * 64 * 96 / 1e9)


@pytest.mark.parametrize("model", ["glcic", "deepfill_v1_single_stage"])
def test_single_stages_are_measured_along_a_plan(model, monkeypatch):
    # Matrices of all pairs of positions are an attention's; without it a full run needs little.
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 1 << 16)
    rows = inference.time_forms(dataclasses.replace(SETTINGS, model=model), (64, 96), "24", [PLANNED, FULL], 1)
    assert rows[0]["gmac"] < rows[1]["gmac"] and all("skipped" not in row for row in rows)


def test_a_preset_is_measured_with_its_weights():
    from inpaint_tf.models.presets import bundled_presets, load_preset

    name = bundled_presets()[0]
    found = load_engine(dataclasses.replace(SETTINGS, preset=name), LITERAL).model
    assert found.attention_form == "literal"
    np.testing.assert_array_equal(found.get_weights()[0], load_preset(name)[0].get_weights()[0])


def test_what_does_not_fit_is_skipped(monkeypatch):
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 1 << 16)
    rows = inference.time_forms(SETTINGS, (128, 128), "64", [LITERAL], 1)
    assert rows[0]["skipped"].startswith("skipped: needs about") and "seconds" not in rows[0]
    assert "skipped" in table(rows)


def test_a_form_whose_memory_runs_out_is_skipped_and_the_others_are_not(monkeypatch):
    def failing(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor on GPU:0")

    monkeypatch.setattr("inpaint_tf.inference.full_run.FullRun.__call__", failing)
    rows = inference.time_forms(SETTINGS, (64, 64), "24", [PLANNED, FULL], 1)
    assert rows[1]["skipped"] == "skipped: memory ran out" and rows[0]["seconds"] > 0
    assert inference.measure_memory(SETTINGS, (64, 64), "24", FULL) == {}


def test_memory_says_whose_it_is():
    found = inference.measure_memory(SETTINGS, (64, 64), "24", FULL)
    assert found["peak_of"] == "process" and found["peak_gib"] >= found["before_gib"] > 0.1


def test_memory_of_a_gpu_is_its_own(monkeypatch):
    monkeypatch.setattr(machine, "has_gpu", lambda: True)
    info = {"current": 1 << 28, "peak": 3 << 29}
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", lambda device: info)
    found = inference.measure_memory(SETTINGS, (64, 64), "24", FULL)
    assert (found["peak_gib"], found["peak_of"]) == (1.5, "GPU") and found["process_gib"] > 0.1


def test_dilations_are_counted_layer_by_layer():
    layers = dilated_layers(deepfill_v1.NETWORK, 32, (256, 256))
    # Conv 7 to 10 of the coarse network and of the refinement's convolution branch: 128 channels at a quarter.
    assert {rate: [layer.conv.name for layer in found] for rate, found in layers.items()} == {
        2: ["conv7_atrous", "xconv7_atrous"],
        4: ["conv8_atrous", "xconv8_atrous"],
        8: ["conv9_atrous", "xconv9_atrous"],
        16: ["conv10_atrous", "xconv10_atrous"],
    }
    for layer in (layer for found in layers.values() for layer in found):
        assert (layer.channels, layer.size, layer.macs) == (128, (64, 64), 64 * 64 * 9 * 128 * 128)


@pytest.mark.parametrize("precision, xla", [("float32", False), ("bfloat16", False), ("float32", True)])
def test_dilations_are_rows(precision, xla):
    rows = time_dilations(dataclasses.replace(SETTINGS, precision=precision), (64, 60), 2, xla)
    assert [row["form"] for row in rows] == [f"dilation {rate}" for rate in (2, 4, 8, 16)]
    for row in rows:
        assert row["seconds"] > 0 and row["of_undilated"] > 0 and row["precision"] == precision
        assert row["gmac"] == pytest.approx(2 * 16 * 16 * 9 * 16 * 16 / 1e9)
        assert "of these 2 layers undilated" in table([row])
    assert (scaling_plot(rows) == scaling_plot([])).all()


def rows_of(output):
    return [json.loads(line) for line in (output / "inference.jsonl").read_text().splitlines()]


def test_rows_with_xla_and_every_precision_stand_side_by_side(tmp_path, capsys, measured):
    words = ["--sizes=64x64", "--holes=half", "--forms=planned,full", "--xla", "--device=cpu", f"--output={tmp_path}"]
    assert main(["benchmark", "inference", *words, "--precisions=float32,tf32,bfloat16", "--dilations"]) == 0
    found = [(row["form"], row["xla"], row["precision"]) for row in rows_of(tmp_path)]
    forms = [("planned", False), ("full", False), ("full", True), ("dilation 2", False), ("dilation 2", True)]
    assert found == [(*form, precision) for precision in ("float32", "bfloat16") for form in forms]
    said = capsys.readouterr().out
    assert said.count("tf32 is left out") == 1 and "full+xla" in said and "1.25 process" in said


def test_a_gpu_has_rows_of_tf32_and_memory_of_its_own(tmp_path, capsys, measured, monkeypatch):
    monkeypatch.setattr(machine, "has_gpu", lambda: True)
    words = ["--sizes=64x64", "--holes=half", "--forms=full", "--precisions=float32,tf32", f"--output={tmp_path}"]
    assert main(["benchmark", "inference", *words]) == 0
    assert [row["precision"] for row in rows_of(tmp_path)] == ["float32", "tf32"]
    said = capsys.readouterr().out
    assert "left out" not in said and said.count("1.25     GPU") == 2


def test_the_papers_number_is_said_to_be_the_papers(tmp_path, capsys, measured):
    words = ["--model=glcic", "--sizes=64x64", "--holes=half", "--forms=planned", "--paper", f"--output={tmp_path}"]
    assert main(["benchmark", "inference", *words]) == 0
    _, ours, papers = rows_of(tmp_path)
    assert (ours["model"], ours["width"], ours["form"]) == ("deepfill_v1", 32, "full")
    assert ours["width_px"] == ours["height_px"] == 512 and ours["hole_px"] * 4 == 512 * 512
    assert (papers["seconds"], papers["seconds_on_cpu"]) == (0.2, 1.5) and "gmac" not in papers
    said = capsys.readouterr().out
    assert "not measured here" in papers["published"] and papers["published"] in said


def test_a_form_compiled_by_xla_is_that_form():
    settings, photo, hole = dataclasses.replace(SETTINGS, model="deepfill_v1_single_stage"), *case((32, 32))
    plain, compiled = (load_engine(settings, Form("full", xla)) for xla in (False, True))
    compiled.model.set_weights(plain.model.get_weights())
    np.testing.assert_allclose(compiled(photo, hole)["refined"], plain(photo, hole)["refined"], atol=1e-4)


def case(size):
    return made_up_photo(size), make_hole(size, "half")


def test_rows_are_appended(tmp_path):
    row = {"width_px": 8, "height_px": 8, "hole": "4", "hole_px": 16, "form": "planned", "seconds": 1.0}
    row |= {"seconds_min": 0.9, "seconds_max": 1.2, "gmac": 1.0, "share_of_gemm": 0.5, "peak_gib": 0.6}
    for _ in range(2):
        write(tmp_path, [row])
    assert len((tmp_path / "inference.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "inference.png").stat().st_size > 1000 and "planned" in (tmp_path / "inference.txt").read_text()


@pytest.mark.parametrize(
    "words, message",
    [
        (["benchmark"], "benchmark inference, train or photos"),
        (["benchmark", "inference", "--precisions=float16"], "unknown precision 'float16'"),
        (["benchmark", "train", "--precisions=float16"], "unknown precision 'float16'"),
        (["benchmark", "train", "--batch_sizes=4,many"], "--batch_sizes=4,many"),
        (["benchmark", "photos", "--data_workers=-1"], "--data_workers=-1"),
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


@pytest.mark.parametrize(
    "words, said",
    [
        (["--sizes="], "nothing to measure"),
        (["--holes=", "--sizes=64x64"], "nothing to measure"),
        (["--forms=", "--sizes=64x64"], "nothing to measure"),
        (["--precisions=tf32", "--sizes=64x64", "--device=cpu"], "give float32"),
    ],
)
def test_a_call_that_measures_nothing_is_refused(words, said, capsys, monkeypatch):
    monkeypatch.setattr("inpaint_tf.benchmark.machine.has_gpu", lambda: False)
    assert main(["benchmark", "inference", "--holes=32", *words]) == 2
    assert said in capsys.readouterr().err
