"""Folders, lists, masks and outputs as people have them, through the whole command with a stub for the network."""

import io
import os
import subprocess
import sys
import types
import unicodedata

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands import inpaint_jobs, inpaint_work
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.commands.pairing import photo_of_mask
from inpaint_tf.data import decoding, photo_lists
from inpaint_tf.data.image_files import read_photo
from inpaint_tf.errors import UserError

FILL = 77


class Stub:
    """Fills every hole with one colour, without a network."""

    def run(self, image, hole, guide=None, **options):
        filled = np.where(hole[..., None], np.uint8(FILL), image)
        level = np.full(image.shape, 2 * FILL / 255 - 1, np.float32)
        return types.SimpleNamespace(completed=filled, coarse=level, offsets=None, plan=None, sources=None, notes=())


@pytest.fixture(autouse=True)
def stub(monkeypatch):
    monkeypatch.setattr(inpaint_work, "_inpainter", lambda options: Stub())
    # The stub follows sketches, whatever the preset.
    monkeypatch.setattr(inpaint_jobs, "_check_is_guided", lambda options: None)


def photo(seed=0, size=(24, 40)):
    return np.random.default_rng(seed).integers(100, 256, (*size, 3), dtype=np.uint8)


HOLE = np.zeros((24, 40), bool)
HOLE[5:15, 10:30] = True
MASK = np.uint8(HOLE) * 255


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def inpaint(*words, code=0):
    assert main(["inpaint", *map(str, words)]) == code


def filled(path, seed=0):
    """Whether a file is photo number `seed` with its hole filled."""
    return np.array_equal(read_photo(path).rgb, np.where(HOLE[..., None], np.uint8(FILL), photo(seed)))


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# Pairs.


@pytest.mark.parametrize(
    "name, photo_name",
    [
        ("a_mask", "a"), ("a_mask001", "a"), ("a-mask", "a"), ("a.mask", "a"), ("a_mask_v2", "a"), ("mask_a", "a"),
        ("my photo mask", "my photo"), ("A_MASK", "A"), ("a", None), ("unmasked", None), ("mask", None),
    ],
)  # fmt: skip
def test_names_of_masks(name, photo_name):
    assert photo_of_mask(name) == photo_name


@pytest.mark.parametrize("pattern", ["{}_mask.png", "mask_{}.png", "{}_mask001.png", "{}-mask.png"])
def test_photos_and_masks_in_one_folder(pattern, tmp_path, capsys):
    for seed, name in enumerate("ab"):
        save(tmp_path / "in" / f"{name}.png", photo(seed))
        save(tmp_path / "in" / pattern.format(name), MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'in'}", f"--output={tmp_path / 'out'}")
    assert names(tmp_path / "out") == ["a.png", "b.png"]
    assert filled(tmp_path / "out" / "a.png", 0) and filled(tmp_path / "out" / "b.png", 1)
    assert "2 completed, 0 kept, 0 failed" in capsys.readouterr().out


def test_a_file_is_never_its_own_mask(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", photo())
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'in'}", f"--output={tmp_path / 'out'}", code=1)
    assert "a.png: no mask of that name" in capsys.readouterr().err
    inpaint(tmp_path / "in" / "a.png", tmp_path / "in" / "a.png", tmp_path / "o.png", code=2)
    assert "was given as photo and as its mask" in capsys.readouterr().err
    # The same picture under another name, and one name with two suffixes.
    save(tmp_path / "in" / "copy.png", photo())
    inpaint(tmp_path / "in" / "a.png", tmp_path / "in" / "copy.png", tmp_path / "o.png", code=2)
    assert "shows the photo itself" in capsys.readouterr().err
    save(tmp_path / "in" / "a.bmp", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'in'}", f"--output={tmp_path / 'out'}", code=1)
    assert "a.bmp and a.png have one name in one folder; name the mask a_mask" in capsys.readouterr().err


def test_a_link_that_leads_nowhere_is_not_its_own_mask(tmp_path, capsys):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "a_mask.png", MASK)
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    inpaint(f"--image={tmp_path}", f"--mask={tmp_path}", f"--output={tmp_path / 'out'}", code=1)
    assert "b.png: no mask of that name" in capsys.readouterr().err


def test_one_mask_in_the_photos_folder(tmp_path):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "hole.png", MASK)
    inpaint(f"--image={tmp_path}", f"--mask={tmp_path / 'hole.png'}", f"--output={tmp_path / 'out'}")
    assert names(tmp_path / "out") == ["a.png"]


def test_several_masks_of_a_photo_are_said(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", photo())
    save(tmp_path / "m" / "a_mask001.png", MASK)
    save(tmp_path / "m" / "a_mask002.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm'}", f"--output={tmp_path / 'out'}")
    assert "a_mask001.png was taken, not a_mask002.png" in capsys.readouterr().err


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_stored_in_two_ways(forms, tmp_path):
    name = [unicodedata.normalize(form, "caf\u00e9") for form in forms]
    save(tmp_path / "in" / f"{name[0]}.png", photo())
    save(tmp_path / "m" / f"{name[1]}.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm'}", f"--output={tmp_path / 'out'}")
    (tmp_path / "list.txt").write_text(f"in/{name[1]}.png\tm/{name[0]}.png\n")
    inpaint(f"--image={tmp_path / 'list.txt'}", f"--output={tmp_path / 'out2'}")
    inpaint(tmp_path / "in" / f"{name[1]}.png", tmp_path / "m" / f"{name[0]}.png", tmp_path / "o.png")
    assert filled(tmp_path / "out" / f"{name[0]}.png") and filled(tmp_path / "o.png")


# Masks.


@pytest.mark.parametrize("high", [1, 2, 100])
def test_masks_of_any_two_values_fill_and_are_said(high, tmp_path, capsys):
    save(tmp_path / "in" / "a.png", photo())
    save(tmp_path / "m" / "a.png", np.uint8(HOLE) * high)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm'}", f"--output={tmp_path / 'out'}")
    said = capsys.readouterr()
    assert filled(tmp_path / "out" / "a.png")
    assert f"the mask has the values 0 and {high}" in said.err
    assert "1 completed, 0 kept, 0 failed" in said.out and "Masks worth a look: 1 with unusual values." in said.out


def test_what_is_odd_about_masks_is_counted_in_the_summary(tmp_path, capsys):
    masks = {
        "empty": MASK * 0,
        "large": np.where(np.arange(40) > 1, 255, 0).astype(np.uint8) * np.ones((24, 1), np.uint8),
        "grey": np.uint8(np.add.outer(np.arange(24) * 5, np.arange(40) * 2) + 30),
        "fine": MASK,
    }
    for seed, (name, mask) in enumerate(masks.items()):
        save(tmp_path / "in" / f"{name}.png", photo(seed))
        save(tmp_path / "m" / f"{name}.png", mask)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm'}", f"--output={tmp_path / 'out'}")
    said = capsys.readouterr()
    assert said.out.endswith(
        "Masks worth a look: 1 with many grey levels, 1 with more than 90% hole, 1 with no hole.\n"
    )
    assert "the hole covers 95% of the photo" in said.err and "has no hole" in said.err


def test_swapped_photo_and_mask(tmp_path, capsys):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "m.png", MASK)
    save(tmp_path / "m.jpg", MASK)
    for name in ("m.png", "m.jpg"):
        inpaint(tmp_path / name, tmp_path / "a.png", tmp_path / "o.png", code=2)
        assert "were they swapped?" in capsys.readouterr().err and not (tmp_path / "o.png").exists()


def test_an_erased_object_is_filled_visibly(tmp_path, capsys):
    alpha = np.where(HOLE, 0, 255).astype(np.uint8)
    save(tmp_path / "a.png", np.dstack([photo(), alpha]))
    save(tmp_path / "m.png", MASK)
    inpaint(tmp_path / "a.png", tmp_path / "m.png", tmp_path / "o.png")
    assert read_photo(tmp_path / "o.png").alpha.min() == 255 and filled(tmp_path / "o.png")
    assert "the fill is opaque" in capsys.readouterr().err
    inpaint("--alpha_as_mask", tmp_path / "a.png", tmp_path / "p.png")
    assert filled(tmp_path / "p.png")


def test_strokes_on_a_copy(tmp_path, capsys):
    painted = photo()
    painted[HOLE] = (255, 0, 0)
    save(tmp_path / "a.png", photo())
    save(tmp_path / "p.png", painted)
    inpaint(tmp_path / "a.png", tmp_path / "p.png", tmp_path / "o.png", code=2)
    assert "--mask_from_difference takes what is painted as hole" in capsys.readouterr().err
    inpaint(tmp_path / "a.png", tmp_path / "p.png", tmp_path / "o.png", "--mask_from_difference")
    assert filled(tmp_path / "o.png")
    save(tmp_path / "q.png", painted[:-1])
    inpaint(tmp_path / "a.png", tmp_path / "q.png", tmp_path / "r.png", "--mask_from_difference", code=2)
    assert "needs a copy of the photo's size" in capsys.readouterr().err


@pytest.mark.parametrize("factor", [1, 10])
def test_a_mask_in_the_sensors_layout_is_turned_as_the_photo(factor, tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.png", np.rot90(photo()).copy(), exif=exif)
    save(tmp_path / "m.png", np.rot90(MASK).repeat(factor, 0).repeat(factor, 1))
    inpaint(tmp_path / "a.png", tmp_path / "m.png", tmp_path / "o.png", "--resize_mask")
    assert filled(tmp_path / "o.png")
    assert "the mask was turned as the photo's EXIF orientation says" in capsys.readouterr().err


def test_resizing_is_not_advised_where_it_distorts(tmp_path, capsys):
    save(tmp_path / "a.png", photo())
    for size, advice in (((48, 80), "or --resize_mask"), ((40, 24), "may belong to another photo")):
        save(tmp_path / "m.png", np.zeros(size, np.uint8))
        inpaint(tmp_path / "a.png", tmp_path / "m.png", tmp_path / "o.png", code=2)
        assert advice in capsys.readouterr().err


def test_an_empty_mask_copies_bytes_only_into_the_same_format(tmp_path, capsys):
    save(tmp_path / "a.png", photo())
    os.rename(tmp_path / "a.png", tmp_path / "a.jpg")
    save(tmp_path / "m.png", MASK * 0)
    for suffix, kind in ((".jpg", "JPEG"), (".png", "PNG"), (".webp", "WEBP")):
        inpaint(tmp_path / "a.jpg", tmp_path / "m.png", tmp_path / f"o{suffix}")
        with Image.open(tmp_path / f"o{suffix}") as written:
            assert written.format == kind
    assert (tmp_path / "o.png").read_bytes() == (tmp_path / "a.jpg").read_bytes()


# Folders.


def test_what_is_no_photo_in_a_folder_is_counted_and_named(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "in"
    save(folder / "a.png", photo())
    save(folder / ".trashed.png", photo())
    (folder / "._a.png").write_bytes(b"resource fork")
    (folder / "folder.png").mkdir()
    save(folder / "below" / "b.png", photo(1))
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to("nothing.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "notes.txt").write_text("hello")
    (folder / "c.heic").write_bytes(b"")
    (folder / "d.cr2").write_bytes(b"")
    monkeypatch.setattr(photo_lists, "register_heif", lambda: False)
    save(tmp_path / "m.png", MASK)
    inpaint(f"--image={folder}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}", code=1)
    said = capsys.readouterr()
    assert "1 completed, 0 kept, 4 failed" in said.out
    for line in (
        "left out, hidden: ._a.png, .trashed.png",
        "left out, folders named like photos: folder.png",
        "left out, in subfolders (--recursive takes them): b.png",
        "left out, other kinds of files: notes.txt",
        "gone.png is a link to nothing.png, which does not exist",
        "pipe.png is a pipe or device",
        "c.heic: is not read: HEIC photos need the extra heif",
        "d.cr2: is not read: .cr2 is no format of photos",
    ):
        assert line in said.err, line
    assert names(tmp_path / "out") == ["a.png"]


def test_nested_folders_keep_their_places(tmp_path, capsys):
    for seed, place in enumerate(("a.png", "x/a.png", "x/y/a.png", "x.d/b.png")):
        save(tmp_path / "in" / place, photo(seed))
        save(tmp_path / "m" / place, MASK)
    (tmp_path / "in" / "x" / "loop").symlink_to(tmp_path / "in")
    call = [f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm'}", f"--output={tmp_path / 'out'}"]
    inpaint(*call, "--recursive", f"--output_coarse={tmp_path / 'coarse'}")
    expected = ["a.png", "x.d/b.png", "x/a.png", "x/y/a.png"]
    assert names(tmp_path / "out") == names(tmp_path / "coarse") == expected
    assert filled(tmp_path / "out" / "x" / "y" / "a.png", 2) and filled(tmp_path / "out" / "x.d" / "b.png", 3)
    assert "links to folders that are searched already: loop" in capsys.readouterr().err


def test_results_inside_the_photos_folder_are_no_photos(tmp_path):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "masks" / "a.png", MASK)
    call = [f"--image={tmp_path}", f"--mask={tmp_path / 'masks'}", f"--output={tmp_path / 'out'}", "--recursive"]
    inpaint(*call)
    inpaint(*call, "--overwrite")
    assert names(tmp_path / "out") == ["a.png"]


def test_suffixes_of_all_kinds(tmp_path, capsys):
    kinds = {"a.JPG": "JPEG", "b.jfif": "JPEG", "c.jpe": "JPEG", "d.avif": "AVIF", "e.GIF": "GIF", "f.TIFF": "TIFF"}
    for name, kind in kinds.items():
        save(tmp_path / "in" / name, photo(), format=kind)
    save(tmp_path / "m.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}")
    assert names(tmp_path / "out") == ["a.JPG", "b.jfif", "c.jpe", "d.png", "e.png", "f.TIFF"]


def test_one_stem_with_suffixes_that_meet(tmp_path):
    for name in ("a.gif", "a.png", "a.avif"):
        save(tmp_path / "in" / name, photo())
    save(tmp_path / "m.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}")
    assert names(tmp_path / "out") == ["a.avif.png", "a.gif.png", "a.png"]


def test_one_odd_file_never_ends_a_batch(tmp_path, capsys, monkeypatch):
    for seed, name in enumerate("abc"):
        save(tmp_path / "in" / f"{name}.png", photo(seed))
    save(tmp_path / "m.png", MASK)

    def run(self, image, hole, guide=None):
        if np.array_equal(image, photo(1)):
            raise RuntimeError("out of memory\nand a second line")
        return Stub.run(self, image, hole)

    monkeypatch.setattr(inpaint_work, "_inpainter", lambda options: type("Failing", (Stub,), {"run": run})())
    monkeypatch.setattr(Stub, "run", Stub.run)
    call = [f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}"]
    inpaint(*call, code=1)
    said = capsys.readouterr()
    assert "2 completed, 0 kept, 1 failed" in said.out
    assert "b.png: could not be completed: RuntimeError: out of memory and a second line." in said.err


def test_weights_that_cannot_be_loaded_end_a_batch(tmp_path, capsys, monkeypatch):
    def fail(options):
        raise UserError("the preset is corrupt.")

    monkeypatch.setattr(inpaint_work, "_inpainter", fail)
    save(tmp_path / "in" / "a.png", photo())
    save(tmp_path / "in" / "b.png", photo())
    save(tmp_path / "m.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}", code=2)
    assert capsys.readouterr().err == "inpaint-tf: the preset is corrupt.\n"


# Lists.


@pytest.fixture
def listed(tmp_path):
    for seed, name in enumerate(("a.png", "sub/a.png", "my photo.png")):
        save(tmp_path / name, photo(seed))
    save(tmp_path / "m.png", MASK)
    save(tmp_path / "my mask.png", MASK)
    return tmp_path


def run_list(folder, content, name="list.txt", *words, code=0):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    inpaint(f"--image={folder / name}", f"--output={folder / 'out'}", *words, code=code)
    return names(folder / "out") if (folder / "out").exists() else []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_of_lists(encoding, listed):
    assert run_list(listed, "a.png\tm.png\r\n".encode(encoding)) == ["a.png"]


@pytest.mark.parametrize(
    "line",
    [
        "a.png m.png", "a.png   m.png  # a comment", '"a.png" "m.png"', "'a.png'\tm.png", "./a.png {folder}/m.png",
        "# a comment\n\na.png\tm.png", "a.png\tm.png\r\n\r\n",
    ],
)  # fmt: skip
def test_lines_of_lists(line, listed):
    assert run_list(listed, line.format(folder=listed)) == ["a.png"]


@pytest.mark.parametrize(
    "line", ['"my photo.png" "my mask.png"', "my photo.png my mask.png", "my photo.png\tmy mask.png"]
)
def test_names_with_spaces(line, listed):
    assert run_list(listed, line) == ["my photo.png"]


@pytest.mark.parametrize(
    "content",
    [
        "a.png,m.png\n", "image,mask\na.png,m.png\n", "mask;photo\nm.png;a.png\n", '"a.png","m.png"\r\n',
        "id,image,mask\n7,a.png,m.png\n", "a.png\tm.png\n",
    ],
)  # fmt: skip
def test_csv(content, listed):
    assert run_list(listed, content, "list.csv") == ["a.png"]


def test_lists_of_photos_with_a_mask(listed, capsys):
    assert run_list(listed, "a.png\nmy photo.png\n", "list.txt", f"--mask={listed / 'm.png'}") == [
        "a.png",
        "my photo.png",
    ]
    save(listed / "masks" / "a.png", MASK)
    run_list(listed, "a.png\nmy photo.png\n", "list.txt", f"--mask={listed / 'masks'}", "--overwrite", code=1)
    assert "my photo.png: no mask of that name" in capsys.readouterr().err


def test_one_bad_line_never_ends_a_batch(listed, capsys):
    found = run_list(listed, "a.png\tm.png\nsub/a.png\n\nnothing.png\tm.png\n", code=1)
    said = capsys.readouterr()
    assert found == ["a.png"] and "1 completed, 0 kept, 2 failed" in said.out
    assert "list.txt, line 2: expected" in said.err and "nothing.png does not exist" in said.err


def test_every_failure_of_a_photo_with_several_masks_is_named_and_counted(listed, capsys):
    save(listed / "small.png", MASK[:12, :20])
    save(listed / "white.png", np.full_like(MASK, 255))
    run_list(listed, "a.png\tm.png\na.png\tsmall.png\na.png\twhite.png\na.png\tnothing.png\n", code=1)
    said = capsys.readouterr()
    assert "1 completed, 0 kept, 3 failed" in said.out
    assert "small.png is 20x12" in said.err and "whole photo" in said.err and "nothing.png does not exist" in said.err


def test_two_photos_of_one_name_are_kept_apart_and_repeats_are_said(listed, capsys):
    found = run_list(listed, "a.png\tm.png\nsub/a.png\tm.png\na.png\tm.png\n")
    assert found == ["a.png", "sub/a.png"] and filled(listed / "out" / "sub" / "a.png", 1)
    assert "says 1 lines twice" in capsys.readouterr().err
    save(listed / "n.png", MASK)
    found = run_list(listed, "a.png\tm.png\na.png\tn.png\n", "list.txt", "--overwrite")
    assert {"a_m.png", "a_n.png"} <= set(found)


def test_home_in_lists_and_flags(listed, monkeypatch):
    monkeypatch.setenv("HOME", str(listed))
    assert run_list(listed, "~/a.png\t~/m.png\n") == ["a.png"]
    inpaint("--image=~/a.png", "--mask=~/m.png", "--output=~/o.png")
    assert filled(listed / "o.png")


def test_a_list_that_is_no_text(listed, capsys):
    run_list(listed, bytes(range(256)), code=2)
    assert "is no list of files" in capsys.readouterr().err


# Flags and outputs.


@pytest.mark.parametrize("flag", ["image", "mask", "output", "output_coarse", "guide", "preset"])
@pytest.mark.parametrize(
    "value, message", [("", "is empty"), ("-", "standard input"), ("https://x.org/a.png", "is a web")]
)
def test_what_is_no_path(flag, value, message, listed, capsys):
    words = {"image": listed / "a.png", "mask": listed / "m.png", "output": listed / "o.png", flag: value}
    if flag == "preset" and value:
        return
    inpaint(*(f"--{name}={word}" for name, word in words.items()), code=2)
    said = capsys.readouterr().err
    assert f"--{flag}" in said and message in said and said.count("\n") == 1


def test_patterns(listed, capsys):
    inpaint(f"--image={listed}/**/a.png", f"--mask={listed / 'm.png'}", f"--output={listed / 'out'}")
    assert names(listed / "out") == ["a.png", "sub/a.png"]
    inpaint(f"--image={listed}/*.xyz", f"--mask={listed / 'm.png'}", f"--output={listed / 'out'}", code=2)
    assert "matches no photo" in capsys.readouterr().err


def test_a_pipe_is_one_line(listed, capsys):
    os.mkfifo(listed / "pipe.png")
    for words in ((listed / "pipe.png", listed / "m.png"), (listed / "a.png", listed / "pipe.png")):
        inpaint(*words, listed / "o.png", code=2)
        said = capsys.readouterr().err
        assert "pipe.png" in said and said.count("\n") == 1 and not (listed / "o.png").exists()


def test_places_of_outputs(listed, capsys):
    (listed / "folder.png").mkdir()
    inpaint(listed / "a.png", listed / "m.png", listed / "folder.png")
    inpaint(listed / "a.png", listed / "m.png", f"{listed}/new/deeper/")
    inpaint(listed / "a.png", listed / "m.png", listed / "made" / "o.jpg")
    (listed / "target.png").write_bytes(b"old")
    (listed / "link.png").symlink_to("target.png")
    inpaint(listed / "a.png", listed / "m.png", listed / "link.png", "--overwrite")
    assert filled(listed / "folder.png" / "a.png") and filled(listed / "new" / "deeper" / "a.png")
    assert (listed / "made" / "o.jpg").exists()
    assert (listed / "link.png").is_symlink() and filled(listed / "target.png")


def test_names_of_250_bytes(listed):
    name = "n" * 246 + ".png"
    save(listed / "in" / name, photo())
    save(listed / "in" / ("g" * 251 + ".gif"), photo())
    inpaint(f"--image={listed / 'in'}", f"--mask={listed / 'm.png'}", f"--output={listed / 'out'}")
    assert names(listed / "out") == ["g" * 251 + ".png", name]


def test_quality_and_pixels(listed, capsys):
    for quality in (20, 95):
        inpaint(listed / "a.png", listed / "m.png", listed / f"{quality}.jpg", f"--quality={quality}")
    assert (listed / "20.jpg").stat().st_size < (listed / "95.jpg").stat().st_size / 2
    inpaint(listed / "a.png", listed / "m.png", listed / "o.png", "--max_pixels=500", code=2)
    assert "are accepted (--max_pixels)" in capsys.readouterr().err
    inpaint(listed / "a.png", listed / "m.png", listed / "o.jpg", "--quality=101", code=2)
    inpaint(listed / "a.png", listed / "m.png", listed / "o.jpg", "--max_pixels=many", code=2)
    inpaint(listed / "a.png", listed / "m.png", listed / "o.jpg", "--max_pixels=0.001M")


def test_the_formats_limits_are_checked_before_the_work(tmp_path, capsys, monkeypatch):
    save(tmp_path / "a.png", np.zeros((2, 17000, 3), np.uint8))
    mask = np.zeros((2, 17000), np.uint8)
    mask[:, :5] = 255
    save(tmp_path / "m.png", mask)
    monkeypatch.setattr(Stub, "run", lambda *_: pytest.fail("the work was begun"))
    inpaint(tmp_path / "a.png", tmp_path / "m.png", tmp_path / "o.webp", code=2)
    assert "WEBP holds at most 16383 pixels a side, this is 17000x2" in capsys.readouterr().err


def test_metadata_that_cannot_be_written_never_costs_the_fill(tmp_path, capsys, monkeypatch):
    save(tmp_path / "a.png", photo(), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    save(tmp_path / "m.png", MASK)
    from inpaint_tf.data import image_files

    monkeypatch.setattr(image_files, "save_options", lambda *_: ({"dpi": "nonsense"}, []))
    inpaint(tmp_path / "a.png", tmp_path / "m.png", tmp_path / "o.png")
    assert filled(tmp_path / "o.png") and "the metadata could not be written" in capsys.readouterr().err


def test_names_go_to_the_terminal_without_escapes(tmp_path, capsys):
    save(tmp_path / "in" / "a\x1b[31m.png", photo())
    save(tmp_path / "m.png", MASK * 0)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}")
    said = capsys.readouterr()
    assert "\x1b" not in said.err + said.out and "\\x1b" in said.err


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["inpaint", "--help"]])
def test_a_full_standard_output_is_one_line(words):
    with open("/dev/full", "w") as full:
        run = subprocess.run([sys.executable, "-m", "inpaint_tf", *words], stdout=full, stderr=subprocess.PIPE)
    assert run.returncode == 2 and len(run.stderr.splitlines()) == 1
    assert b"cannot write to standard output: No space left on device" in run.stderr


def test_version(capsys):
    import inpaint_tf

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"inpaint-tf {inpaint_tf.__version__}\n"


def test_a_bomb_in_a_batch_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(decoding, "free_memory", lambda: 1 << 30)
    encoded = io.BytesIO()
    Image.new("1", (20000, 20000)).save(encoded, "PNG")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bomb.png").write_bytes(encoded.getvalue())
    save(tmp_path / "in" / "a.png", photo())
    save(tmp_path / "m.png", MASK)
    inpaint(f"--image={tmp_path / 'in'}", f"--mask={tmp_path / 'm.png'}", f"--output={tmp_path / 'out'}", code=1)
    assert "400 million pixels, 64 million are accepted" in capsys.readouterr().err


# Sketches.


@pytest.fixture
def sketched(tmp_path):
    """Photos of the same names in two places, one mask, sketches likewise: of the second place, the next row."""
    save(tmp_path / "mask.png", MASK)
    for seed, place in enumerate("xy"):
        save(tmp_path / "photos" / place / "e\u0301.png", photo(seed))
        sketch = np.zeros_like(MASK)
        sketch[8 + seed] = 255
        save(tmp_path / "sketches" / place / "\u00e9.png", sketch)
    return tmp_path


@pytest.fixture
def guides(monkeypatch):
    """The rows of the sketches that fills were led by, or None; photo by photo."""
    seen = []

    def run(self, image, hole, guide=None, **options):
        seen.append(None if guide is None else np.flatnonzero(guide.any(axis=1)).tolist())
        return Stub.run(self, image, hole)

    monkeypatch.setattr(inpaint_work, "_inpainter", lambda options: type("Seeing", (Stub,), {"run": run})())
    return seen


def sketches(folder, output="out", guide="sketches", images="photos", *more, **options):
    words = {"image": images, "mask": "mask.png", "guide": guide, "output": output}
    inpaint(*(f"--{name}={folder / word}" for name, word in words.items()), *more, **options)


def test_sketches_lie_in_the_places_of_their_photos(sketched, guides, capsys):
    sketches(sketched, "out", "sketches", "photos", "--recursive")
    assert guides == [[8], [9]]
    # One at the top serves all places that have none of their own; another place's serves none.
    (sketched / "sketches" / "y" / "\u00e9.png").unlink()
    capsys.readouterr()
    sketches(sketched, "more", "sketches", "photos", "--recursive")
    assert guides[2:] == [[8], None]
    assert "1 of 2 photos have no sketch of their name in" in capsys.readouterr().err
    save(sketched / "sketches" / "\u00e9.png", MASK)
    sketches(sketched, "most", "sketches", "photos", "--recursive")
    assert guides[4:] == [[8], list(range(5, 15))]


def test_several_sketches_of_a_photo_are_said_as_masks_are(sketched, guides, capsys):
    save(sketched / "sketches" / "x" / "\u00e9.bmp", MASK)
    sketches(sketched, "out", "sketches", "photos", "--recursive")
    said = capsys.readouterr().err
    assert guides == [list(range(5, 15)), [9]]
    assert "it has more than one sketch; \u00e9.bmp was taken, not \u00e9.png." in said and said.count("was taken") == 1
    # Masks may be called as their photos and "mask"; sketches may not.
    sketch = sketched / "sketches" / "y" / "\u00e9.png"
    sketch.rename(sketch.with_name("\u00e9_mask.png"))
    sketches(sketched, "more", "sketches", "photos", "--recursive")
    assert guides[2:] == [list(range(5, 15)), None]


def test_sketches_are_never_overwritten(sketched, capsys):
    for sketch in (sketched / "sketches").rglob("*.png"):
        sketch.rename(sketch.with_name("e\u0301.png"))
    before = {name: (sketched / "sketches" / name).read_bytes() for name in names(sketched / "sketches")}
    sketches(sketched, "sketches", "sketches", "photos", "--recursive", "--overwrite", code=2)
    said = capsys.readouterr().err
    assert "is one of the input files" in said and said.count("\n") == 1
    assert before == {name: (sketched / "sketches" / name).read_bytes() for name in names(sketched / "sketches")}


def test_a_sketch_in_the_photos_folder_is_no_photo(sketched, guides, capsys):
    line = MASK.copy()
    line[8:] = 0
    save(sketched / "photos" / "x" / "sketch.png", line)
    sketches(sketched, "out", "photos/x/sketch.png", "photos/x")
    assert names(sketched / "out") == ["e\u0301.png"] and guides == [[5, 6, 7]]
    sketches(sketched, "more", "photos/x", "photos/x", code=2)
    assert "was given as photos and as their sketches" in capsys.readouterr().err


def test_new_borders_may_be_sketched_in(sketched, guides, capsys):
    image, sketch = sketched / "photos" / "x" / "e\u0301.png", sketched / "sketch.png"

    def extend(code=0):
        inpaint(f"--image={image}", f"--output={sketched / 'o.png'}", f"--guide={sketch}", "--extend=0,0,20,6",
                "--overwrite", code=code)  # fmt: skip
        return capsys.readouterr().err

    line = np.zeros((30, 60), np.uint8)
    line[12, 40:60] = 255  # In the new right border alone.
    save(sketch, line)
    assert extend() == "" and guides == [[12]]
    # One of the photo's own size says nothing about the new borders, which is said.
    save(sketch, line[:24, 20:])
    assert "the sketch covers 0% of the hole" in extend() and guides[1:] == [[12]]
    save(sketch, line[:, 1:])
    assert "sketch.png is 59x30" in (said := extend(code=2))
    assert "is 40x24, 60x30 with its new borders; give a guide of either size." in said


def test_max_pixels_is_for_sketches_too(sketched, capsys):
    save(sketched / "large.png", np.zeros((100, 100), np.uint8))
    sketches(sketched, "out", "large.png", "photos/x", "--max_pixels=1000", code=1)
    assert "large.png is too large an image" in capsys.readouterr().err


def test_new_borders_alone_are_no_mask_without_a_hole(tmp_path, capsys):
    save(tmp_path / "photos" / "a.png", photo())
    inpaint(f"--image={tmp_path / 'photos'}", f"--output={tmp_path / 'out'}", "--extend=8,0,0,0")
    assert capsys.readouterr().out == f"1 completed, 0 kept, 0 failed; results in {tmp_path / 'out'}.\n"


@pytest.mark.parametrize("with_mask", [False, True])
def test_new_borders_fade_into_the_photo(tmp_path, with_mask):
    save(tmp_path / "a.png", photo())
    save(tmp_path / "m.png", MASK)
    mask = [f"--mask={tmp_path / 'm.png'}"] * with_mask
    inpaint(f"--image={tmp_path / 'a.png'}", f"--output={tmp_path / 'o.png'}", "--extend=8,0,0,0", "--feather=3", *mask)
    larger = read_photo(tmp_path / "o.png").rgb.astype(int)
    assert (larger[:, :8] == FILL).all() and np.array_equal(larger[:, 8 + 3 : 8 + 7], photo()[:, 3:7])
    # In the ring the photo comes up from one column to the next.
    share = (
        np.abs(larger[:, 8:11] - photo()[:, :3]).mean(axis=(0, 2)) / np.abs(FILL - photo()[:, :3].astype(int)).mean()
    )
    assert 1 > share[0] > share[1] > share[2] > 0.1
    assert not with_mask or (larger[5:15, 18:38] == FILL).all()


def test_a_sketch_in_the_sensors_layout_is_turned_as_the_photo(tmp_path, guides, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.jpg", photo(), exif=exif)
    save(tmp_path / "m.png", MASK)
    sketch = np.zeros_like(MASK)
    sketch[8, 10:30] = 255
    save(tmp_path / "s.png", sketch)
    inpaint(tmp_path / "a.jpg", tmp_path / "m.png", tmp_path / "o.png", f"--guide={tmp_path / 's.png'}")
    assert guides == [list(range(10, 30))]  # The row became a column.
    assert "the guide was turned as the photo's EXIF orientation says" in capsys.readouterr().err
