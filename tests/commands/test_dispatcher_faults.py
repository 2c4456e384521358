"""What may go wrong around a command: signals at its start, flag files that are none, disks and names."""

import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from inpaint_tf.commands import dispatcher
from inpaint_tf.commands.terminal import PrintableStream
from inpaint_tf.models.presets import BUNDLED


@pytest.fixture
def failing(monkeypatch, capsys):
    """Function: exception -> exit code and stderr of a command that raises it."""

    def run(error, *words):
        def fail(*_):
            raise error

        monkeypatch.setattr("inpaint_tf.commands.presets.run", fail)
        code = dispatcher.main(["presets", *words])
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    "error, line",
    [
        (OSError(28, "No space left on device", "/out/a\x1b[2J.png"), "/out/a\\x1b[2J.png: No space left on device."),
        (PermissionError(13, "Permission denied"), "Permission denied."),
        (MemoryError(), "there is not enough memory for it."),
    ],
)
def test_what_nobody_put_into_words_is_still_one_line(failing, error, line):
    assert failing(error) == (2, f"inpaint-tf: {line}\n")
    with pytest.raises(type(error)):
        failing(error, "--traceback")


def test_control_characters_of_names_do_not_reach_the_terminal(capsys):
    assert dispatcher.main(["inpaint", "--image=\x1b]0;owned\x07\n.png", "--mask=x", "--output=y"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\x07" not in said and said.count("\n") == 1


def test_a_file_that_looks_like_a_flag_is_told_how_to_write_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.png").touch()
    assert dispatcher.main(["inpaint", "-dash.png"]) == 2
    assert "for the file -dash.png write ./-dash.png" in capsys.readouterr().err
    assert dispatcher.main(["inpaint", "-other.png"]) == 2
    assert "write ./" not in capsys.readouterr().err


def test_a_foreign_model_card_does_not_reach_the_terminal_raw(tmp_path, capsys):
    folder = shutil.copytree(BUNDLED / "open_small", tmp_path / "preset")
    (folder / "MODEL_CARD.md").write_text("# A card\n\x1b]0;owned\x07\tfine\u202e\n")
    assert dispatcher.main(["presets", "show", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("# A card\n\\x1b]0;owned\\x07\tfine\\u202e\n")


def test_what_the_terminal_cannot_show_is_no_error():
    raw = io.BytesIO()
    stream = PrintableStream(io.TextIOWrapper(raw, encoding="ascii"))
    print("ü − 1", "\udcff", file=stream, flush=True)
    assert raw.getvalue() == b"\\xfc \\u2212 1 \\xff\n" and stream.encoding == "ascii"
    stream.write("\x1b[A\x1b[A")  # As tqdm does.
    stream.flush()
    assert raw.getvalue().endswith(b"\n\x1b[A\x1b[A")


@pytest.mark.parametrize("content", [b"\xff\xfe-\x00-\x00", b"--\xe9=1\n", b"\x00\x00", b"--flagfile=self.flags"])
def test_flag_files_that_are_none_are_one_line(tmp_path, capsys, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "self.flags").write_bytes(content)
    code = dispatcher.main(["make_records", "--flagfile=self.flags"])
    said = capsys.readouterr().err
    assert code == 2 and said.splitlines()[-1].startswith("inpaint-tf: ") and "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_a_command_starts_are_one_line(number, code, tmp_path):
    """While TensorFlow is imported, which takes seconds, and a second one on top."""
    (tmp_path / "photo.png").write_bytes(b"")
    command = [sys.executable, "-m", "inpaint_tf", "train", f"--train_data={tmp_path}", f"--run_dir={tmp_path}/run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _wait_until_caught(process.pid)
        process.send_signal(number)
        time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=300)
    assert "Traceback" not in err and len(err.splitlines()) <= 1, err
    assert process.returncode == code or "training photos cannot be used" in err, (process.returncode, err)
    assert out == "" and not (tmp_path / "run").exists()


def _wait_until_caught(pid):
    """Until the process has a handler for SIGTERM: then it is in `main`."""
    for _ in range(3000):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        caught = int(status.split("SigCgt:")[1].split()[0], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)
    raise AssertionError("it never came to main")


def test_handlers_are_those_of_before_after_a_command():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    dispatcher.main(["presets"])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"]
