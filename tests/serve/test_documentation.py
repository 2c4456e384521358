"""The commands of docs/serve.md run as they stand, against a server on a free port."""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import inpaint_tf

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "serve.md"
SAMPLES = pathlib.Path(inpaint_tf.__file__).parent / "samples"


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SAMPLES / "rocket.jpg", tmp_path / "photo.jpg")
    shutil.copy(SAMPLES / "rocket_mask.png", tmp_path / "mask.png")
    return tmp_path


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_every_curl_command_works(running, folder):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    commands = [block for block in blocks("bash") if "curl" in block]
    assert len(commands) == 3
    for command in commands:
        command = command.replace("http://localhost:8000", running.url)
        done = subprocess.run(["bash", "-e", "-c", command], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    photo, completed = (np.array(Image.open(folder / name)) for name in ("photo.jpg", "completed.png"))
    changed = (photo != completed).any(axis=-1)
    assert changed[250, 322] and not changed[:, :290].any()
    assert Image.open(folder / "completed.jpg").format == "JPEG"


def test_the_python_example_works(running, folder):
    (code,) = [block for block in blocks("python") if "httpx" in block]
    code = code.replace("http://localhost:8000", running.url)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "completed.png").size == Image.open(folder / "photo.jpg").size


@pytest.mark.slow
def test_explain_works_from_the_shell_and_from_python(tiny_presets, folder, monkeypatch):
    from inpaint_tf.commands.dispatcher import main

    monkeypatch.chdir(folder)
    (command,) = [block for block in blocks("bash") if "explain --" in block]
    assert main([*shlex.split(command)[1:], f"--preset={tiny_presets[0]}", "--detail=none"]) == 0
    assert (folder / "why" / "attention.png").exists()
    (code,) = [block for block in blocks("python") if "explain" in block]
    code = code.replace("at=(", f"inpainter=inpaint_tf.Inpainter.from_preset({tiny_presets[0]!r}), at=(")
    exec(compile(code, "serve.md", "exec"), {})
    assert (folder / "why_python" / "animation.webp").exists()


def test_every_flag_in_the_page_exists():
    from absl import flags

    from inpaint_tf.commands import explain, serve

    known = set()
    for command in (explain, serve):
        values = flags.FlagValues()
        command.define_flags(values)
        known |= set(values)
    named = set(re.findall(r"--(\w+)", DOCUMENT.read_text(encoding="utf-8")))
    assert named <= known, named - known


def test_every_picture_is_there():
    for name in re.findall(r"\]\((images/[^)]+)\)", DOCUMENT.read_text(encoding="utf-8")):
        assert (DOCUMENT.parent / name).is_file()
