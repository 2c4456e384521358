import os
import sys

import pytest

from inpaint_tf.commands.dispatcher import COMMANDS, main


def test_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert main([]) == 2


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"inpaint-tf {name}: " in capsys.readouterr().out


def test_unknown_command_lists_the_known(capsys):
    assert main(["inpant"]) == 2
    said = capsys.readouterr().err
    assert "unknown command 'inpant'" in said and "inpaint" in said


def test_presets_lists_the_bundled(capsys):
    from inpaint_tf.models.presets import bundled_presets

    assert main(["presets"]) == 0
    said = capsys.readouterr().out
    assert main(["presets", "list"]) == 0
    assert capsys.readouterr().out == said
    assert bundled_presets() and all(name in said for name in bundled_presets())


def test_help_names_every_protocol(capsys):
    from inpaint_tf.evaluation.protocols import PROTOCOLS

    assert main(["evaluate", "--help"]) == 0
    said = capsys.readouterr().out
    assert [name for name in PROTOCOLS if name not in said] == []


def test_convert_there_and_back(golden, tmp_path, capsys):
    assert main(["convert", f"--checkpoint={golden}", f"--output={tmp_path / 'preset'}"]) == 0
    said = capsys.readouterr().out
    assert "deepfill_v1, width 8, 84 variables" in said and "discriminator/dout_local_fc/kernel" in said
    back = tmp_path / "back" / "snap-0"
    assert main(["convert", f"--preset={tmp_path / 'preset'}", f"--output_checkpoint={back}"]) == 0
    assert (tmp_path / "back" / "snap-0.index").read_bytes() == (golden / "snap-0.index").read_bytes()
    assert main(["convert", f"--checkpoint={golden}", f"--output={tmp_path / 'preset'}"]) == 2
    assert main(["convert", f"--checkpoint={golden}"]) == 2


def test_a_flag_file_is_read(tmp_path, capsys):
    (tmp_path / "x.flags").write_text("--image=/nowhere.png\n--mask=/nowhere.png\n")
    assert main(["inpaint", f"--flagfile={tmp_path / 'x.flags'}", f"--output={tmp_path / 'o.png'}"]) == 2
    assert "/nowhere.png does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["presets"], *([name, "--help"] for name in COMMANDS)])
def test_a_reader_that_is_gone_ends_any_command_quietly(words, monkeypatch, capfd):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody_reads:
        monkeypatch.setattr(sys, "stdout", nobody_reads)
        assert main(words) == 141
    assert capfd.readouterr().err == ""


def test_another_broken_pipe_is_an_error(monkeypatch):
    def breaks(options, arguments):
        raise BrokenPipeError("a worker is gone")

    monkeypatch.setattr("inpaint_tf.commands.presets.run", breaks)
    with pytest.raises(BrokenPipeError, match="a worker is gone"):
        main(["presets"])
