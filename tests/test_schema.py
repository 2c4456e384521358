"""The validator: what it takes, what it refuses, and that the refusal names the place."""

import os

import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.schema import (
    Mismatch,
    boolean,
    either,
    finite,
    integer,
    list_of,
    mapping,
    nullable,
    one_of,
    optional,
    parse_json,
    read_json,
    record,
    relative_path,
    text,
)

SCHEMA = record(
    {
        "name": text,
        "boxes": list_of(list_of(integer(0, 9), 2)),
        "share": optional(finite(0, 1)),
        "ok": nullable(boolean),
    }
)


def test_what_matches_comes_back():
    value = {"name": "a", "boxes": [[1, 2], [0, 9]], "share": 0.5, "ok": None}
    assert SCHEMA(value, "") == value
    assert SCHEMA({"name": "", "boxes": [], "ok": True}, "") == {"name": "", "boxes": [], "ok": True}


@pytest.mark.parametrize(
    "content, words",
    [
        ("3", "it must be an object, not 3"),
        ("{}", "name, boxes, ok are missing"),
        ('{"name": "a", "boxes": [], "ok": true, "z\x7f": 1}', "z\\x7f is unknown; known: name, boxes, share, ok"),
        ('{"name": "a", "boxes": [[1, 2], [3]], "ok": true}', "boxes[1] must be a list of 2, not [3]"),
        ('{"name": "a", "boxes": [[1, 2.5]], "ok": true}', "boxes[0][1] must be a whole number from 0 to 9, not 2.5"),
        ('{"name": "a", "boxes": [[true, 2]], "ok": true}', "boxes[0][0] must be a whole number from 0 to 9, not true"),
        ('{"name": "a", "boxes": [], "ok": true, "share": NaN}', "share must be a number from 0 to 1, not NaN"),
        ('{"name": "a", "boxes": [], "ok": 1}', "ok must be true or false, not 1"),
        ('{"name": ["' + "x" * 99 + '"], "boxes": [], "ok": 1}', "name must be text, not a list like"),
        ('{"name": "a", "boxes": [], "ok": [], "share": 1}', "ok must be true or false, not []"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_mismatch_names_the_place(content, words):
    with pytest.raises(Mismatch) as caught:
        parse_json(content, SCHEMA)
    assert words in str(caught.value)


@pytest.mark.parametrize("path", ["masks/0.png", "a b/c..d.png", "...", "a/./b"])
def test_paths_below(path):
    assert relative_path(path, "file") == path


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "C:/x", "c:x", "\\\\host\\x", "a\\..\\x", "~/x", "", "a\0b"]
)
def test_paths_that_lead_out_are_refused(path):
    with pytest.raises(Mismatch, match="file must be a path below this folder"):
        relative_path(path, "file")


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match="does not exist. Make it."):
        read_json(tmp_path / "none.json", "settings", mapping(one_of(1)), "Make it.")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "utf16.json").write_bytes("{é".encode("utf-16"))
    (tmp_path / "bytes.json").write_bytes(b"\xff\x00")
    (tmp_path / "folder.json").mkdir()
    for name in ("pipe", "utf16", "bytes", "folder"):
        with pytest.raises(UserError, match=f"{name}.json cannot be read as settings: "):
            read_json(tmp_path / f"{name}.json", "settings", mapping(one_of(1)))


def test_one_of_knows_true_from_1():
    assert one_of(1, "a")(1, "x") == 1
    for value in (True, 1.0, "1", [], None):
        with pytest.raises(Mismatch, match="x must be one of 1, a"):
            one_of(1, "a")(value, "x")


def test_either_takes_both_and_optional_is_not_null():
    size = record({"size": optional(either(integer(1), one_of("auto")))})
    assert [size(value, "") for value in ({}, {"size": 3}, {"size": "auto"})] == [{}, {"size": 3}, {"size": "auto"}]
    for value in (None, 0, "full"):
        with pytest.raises(Mismatch, match="size must be one of auto, not"):
            size({"size": value}, "")
