"""Evaluation of images as people have them: odd folders, lists of any encoding, images that cannot be read."""

import os

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.protocols import ImageSource


def evaluate(images, output, *words):
    return main(
        ["evaluate", "--protocol=center128", "--methods=mean", f"--images={images}", f"--output={output}", *words]
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_lists_of_any_encoding(encoding, photos):
    (photos / "list.txt").write_bytes("# images\r\na.png\r\n'b.png'\r\na.png\r\n".encode(encoding))
    source = ImageSource(photos / "list.txt")
    assert source.names == ["a.png", "b.png"] and "1 lines" in source.notes[0]
    (photos / "list.csv").write_text("image,label\nmore/c.png,5\n")
    assert ImageSource(photos / "list.csv").names == ["more/c.png"]


def test_odd_folders(photos):
    (photos / "._a.png").write_bytes(b"resource fork")
    (photos / "folder.png").mkdir()
    (photos / "more" / "loop").symlink_to(photos)
    (photos / "out").mkdir()
    (photos / "out" / "manifest.json").write_text("{}")
    (photos / "out" / "x.png").write_bytes(b"")
    assert ImageSource(photos).names == ["a.png", "b.png", "more/c.png"]


def test_bad_images_are_all_named_and_left_out_if_told(photos, tmp_path, capsys):
    (photos / "d.png").write_bytes(b"no image")
    (photos / "e.jpg").write_bytes(b"\xff\xd8\xff")
    assert evaluate(photos, tmp_path / "out") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "2 of 5 images cannot be used" in said and "--skip_bad leaves them out" in said
    assert all(name in said for name in ("d.png", "e.jpg"))
    os.mkfifo(photos / "f.png")
    assert evaluate(photos, tmp_path / "out") == 2
    assert "missing images: f.png" in capsys.readouterr().err
    assert evaluate(photos, tmp_path / "out", "--skip_bad") == 1
    said = capsys.readouterr()
    assert said.err.count("left out: ") == 3 and "left out: d.png: " in said.err and "mean" in said.out
    assert (tmp_path / "out" / "results.jsonl").exists()


def test_missing_images_of_a_list(photos, tmp_path, capsys):
    (photos / "list.txt").write_text("a.png\nnothing.png\n")
    with pytest.raises(UserError, match=r"missing images: nothing.png"):
        ImageSource(photos / "list.txt")
    source = ImageSource(photos / "list.txt", skip_bad=True)
    assert source.names == ["a.png"] and source.bad == {"nothing.png": "is missing"}
    (photos / "list.txt").write_text("nothing.png\n")
    with pytest.raises(UserError, match="1 of 1 images cannot be used"):
        ImageSource(photos / "list.txt", skip_bad=True)
