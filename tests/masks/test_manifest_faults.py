"""Manifests that somebody else made: one line each, and no path out of their folder."""

import json

import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.masks.manifest import ImageEntry, Manifest, mask_entry, read_manifest, write_mask_set
from inpaint_tf.masks.sets import center_hole


@pytest.fixture
def folder(tmp_path):
    hole = center_hole(160, 200)
    image = ImageEntry("a.png", "0" * 64, (160, 200), (0, 0, 160, 200))
    write_mask_set(tmp_path / "set", Manifest("center", 0, {}, (mask_entry(0, hole, image),)), [hole])
    return tmp_path / "set"


def changed(folder, change):
    content = json.loads((folder / "manifest.json").read_text())
    change(content)
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: c.update(format=2), "format must be one of 1"),
        (lambda c: c.pop("format"), "format is missing"),
        (lambda c: c.update(entries={}), "entries must be a list"),
        (lambda c: c.update(entries=[3]), r"entries\[0\] must be an object"),
        (lambda c: c.update(seed="x"), "seed must be a whole number"),
        (lambda c: c.update(settings=None), "settings must be an object"),
        (lambda c: c.update(name=3), "name must be text"),
        (lambda c: c["entries"][0].update(file="../victim.png"), r"entries\[0\].file must be a path below this folder"),
        (lambda c: c["entries"][0].update(file="/tmp/victim.png"), "path below"),
        (lambda c: c["entries"][0].update(sha256=None), "SHA-256"),
        (lambda c: c["entries"][0].update(size=[160]), "a list of 2"),
        (lambda c: c["entries"][0].update(size=[160, 10**12]), "from 1 to 65536"),
        (lambda c: c["entries"][0].update(box=[0, 0, 1, "1"]), r"box\[3\]"),
        (lambda c: c["entries"][0].update(area=float("nan")), "area must be a number from 0 to 1"),
        (lambda c: c["entries"][0].update(image="a.png"), "image must be an object"),
        (lambda c: c["entries"][0]["image"].update(crop=[0, 0, 1e9, 1]), "crop"),
        (lambda c: c["entries"][0]["image"].update(resize=[2**30, 2**30]), "resize"),
        (lambda c: c.update(extra=1), "extra is unknown"),
    ],
)
def test_a_wrong_field_is_one_line(folder, change, words):
    changed(folder, change)
    with pytest.raises(UserError, match=words) as caught:
        read_manifest(folder)
    assert str(folder / "manifest.json") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\xfe{", b"[" * 100_000, b'"' * 9, b"\x1b[2J"])
def test_what_is_no_manifest_is_one_line(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as a manifest") as caught:
        read_manifest(folder)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
