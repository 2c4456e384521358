"""What README and docs tell people to type: every command names a command and flags that exist, the Python runs."""

import contextlib
import importlib
import io
import pathlib
import re
import shlex

import numpy as np
import pytest
from absl import flags
from PIL import Image

from inpaint_tf.commands.dispatcher import COMMANDS

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "experiments").glob("*/README.md")])
# Pages whose examples need a server; that test starts one.
TESTED_ELSEWHERE = {"serve.md": ROOT / "tests/serve/test_documentation.py"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page, *languages):
    """The fenced blocks of a page in one of some languages ("" for none)."""
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def command_lines(page):
    """Every `inpaint-tf COMMAND ...` of a page's shell blocks, as lists of words, continued lines joined."""
    for text in blocks(page, "", "sh", "bash"):
        for line in text.replace("\\\n", " ").splitlines():
            with contextlib.suppress(ValueError):  # A line of prose with an apostrophe.
                words = shlex.split(line, comments=True)
                for place, word in enumerate(words[:-1]):
                    if word == "inpaint-tf" and not words[place + 1].startswith("["):
                        yield words[place + 1 :]


def parse(name, words):
    """Parses the words of a command with its own flags, as the dispatcher does."""
    values = flags.FlagValues()
    importlib.import_module(COMMANDS[name]).define_flags(values)
    # The flag file that a run wrote is not there; what it holds is tested where it is written.
    values([name, *(word for word in words if not word.startswith("--flagfile=runs/"))])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_page_can_be_parsed(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name, *words in command_lines(page):
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{page.name} names the command {name!r}"
        with contextlib.redirect_stderr(io.StringIO()):
            parse(name, words)


def test_commands_are_found_at_all():
    assert sum(len(list(command_lines(page))) for page in PAGES) > 25


def test_an_unknown_flag_is_noticed():
    with pytest.raises(flags.Error):
        parse("inpaint", ["--no_such_flag=1"])


RUN_HERE = [page for page in PAGES if blocks(page, "python") and page.name not in TESTED_ELSEWHERE]


def test_what_is_tested_elsewhere_is():
    assert all(page in test.read_text() for page, test in TESTED_ELSEWHERE.items())


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: page.name)
def test_python_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save("photo.jpg")
    mask = np.zeros((48, 64), np.uint8)
    mask[16:32, 20:40] = 255
    Image.fromarray(mask).save("mask.png")
    names: dict = {}
    for text in blocks(page, "python"):
        exec(compile(text, str(page), "exec"), names)
    assert len(names) > 1
    if any('"completed.png"' in text for text in blocks(page, "python")):
        assert Image.open("completed.png").size == (64, 48)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
