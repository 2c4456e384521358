"""Evaluation under a foreign mask set, of damaged results, into folders that cannot be."""

import json

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.protocols import ImageSource
from inpaint_tf.evaluation.tables import csv_text, markdown


def evaluate(photos, output, *words):
    return main(["evaluate", "--methods=mean", f"--images={photos}", f"--output={output}", *words])


@pytest.mark.parametrize("where", ["mask", "image"])
def test_a_foreign_mask_set_cannot_reach_outside(photos, tmp_path, capsys, where):
    masks = tmp_path / "set"
    main(["masks", "make", "--protocol=center128", f"--images={photos}", f"--output={masks}"])
    (tmp_path / "victim.png").write_bytes((masks / "masks" / "00000.png").read_bytes())
    before = (tmp_path / "victim.png").read_bytes()
    content = json.loads((masks / "manifest.json").read_text())
    if where == "mask":
        content["entries"][0]["file"] = "../victim.png"
    else:
        content["entries"][0]["image"]["name"] = "../victim.png"
    (masks / "manifest.json").write_text(json.dumps(content))
    capsys.readouterr()
    assert evaluate(photos, tmp_path / "out", f"--masks={masks}") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "../victim.png" in said
    assert (tmp_path / "victim.png").read_bytes() == before and not (tmp_path / "out").exists()


def test_names_that_the_users_list_gives_may_lie_anywhere(photos, tmp_path):
    name = str(next(photos.glob("*.png")))
    (tmp_path / "list.txt").write_text(name + "\n")
    source = ImageSource(tmp_path / "list.txt")
    assert source.read(source.names[0]).ndim == 3
    with pytest.raises(UserError, match="must not name images outside of it: /etc/hostname"):
        source.check(["/etc/hostname"])


@pytest.mark.parametrize("line", ["{}", "[]", "3", '{"method": 1}', "\xff", "{", "[" * 100_000])
def test_comparing_what_is_no_result_is_one_line(tmp_path, capsys, line):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "results.jsonl").write_text(line + "\n", encoding="latin-1")
    assert main(["evaluate", f"--compare={tmp_path / 'a'}", f"--output={tmp_path / 'b'}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "cannot be read as results" in said


def test_comparing_nothing_and_into_what_cannot_be_a_folder(photos, tmp_path, capsys):
    evaluate(photos, tmp_path / "a", "--protocol=center128")
    (tmp_path / "file").write_bytes(b"")
    capsys.readouterr()
    assert main(["evaluate", f"--compare={tmp_path / 'a'}", f"--output={tmp_path / 'file' / 'b'}"]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
    (tmp_path / "a" / "results.jsonl").write_bytes(b"\n")
    assert main(["evaluate", f"--compare={tmp_path / 'a'}", f"--output={tmp_path / 'b'}"]) == 2
    assert "no results" in capsys.readouterr().err


@pytest.mark.parametrize("name, content", [("00000.json", "[]"), ("00000.json", '{"entry": 0}'), ("method.json", "[]")])
def test_a_damaged_cache_is_computed_anew_or_named(photos, tmp_path, capsys, name, content):
    assert evaluate(photos, tmp_path, "--protocol=center128") == 0
    (tmp_path / "cache" / "mean" / name).write_text(content)
    capsys.readouterr()
    code = evaluate(photos, tmp_path, "--protocol=center128")
    said = capsys.readouterr().err
    assert code == (2 if name == "method.json" else 0) and "Traceback" not in said
    assert name != "method.json" or "Remove " in said


def test_control_characters_do_not_reach_tables():
    assert "\x1b" not in markdown(["a"], [["\x1b[31m|\n"]]) and "\\x1b[31m\\|\\x0a" in markdown(
        ["a"], [["\x1b[31m|\n"]]
    )
    assert csv_text([{"method": "a", "unknown": 1}]).count("\n") == 2
