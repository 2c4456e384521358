"""Finding training photos, checking them, and packing them into shards."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.data.check import check_source
from inpaint_tf.data.crops import decode
from inpaint_tf.data.records import write_records
from inpaint_tf.data.sources import open_source
from inpaint_tf.errors import UserError


def test_list_folder_and_glob_find_the_same_photos(photos, tmp_path):
    names = sorted(path.name for path in photos.glob("*.jpg"))
    beside = photos / "list.txt"
    beside.write_text("# a comment\n\n" + "\n".join(names) + "\n")
    elsewhere = tmp_path / "list.flist"
    elsewhere.write_text("\n".join(names))
    found = [
        open_source(str(beside)),
        open_source(str(elsewhere), root=str(photos)),
        open_source(str(photos)),
        open_source(str(photos / "*.jpg")),
    ]
    for source in found:
        assert [source.name(index) for index in range(len(source))] == [str(photos / name) for name in names]
    assert len({source.fingerprint() for source in found}) == 1
    assert open_source(str(photos / "0*.jpg")).fingerprint() != found[0].fingerprint()


@pytest.mark.parametrize(
    "spec, words",
    [("", "--train_data is missing"), ("nothing/here/*.jpg", "yields no file"), ("{empty}", "needed: photos")],
)
def test_no_photos_say_so(tmp_path, spec, words):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=words):
        open_source(spec.format(empty=tmp_path / "empty"))


def test_bad_files_are_counted_and_named(photos):
    (photos / "03.jpg").write_bytes(b"no image")
    (photos / "05.jpg").write_bytes(b"")
    (photos / "07.jpg").unlink()
    names = [f"{index:02d}.jpg" for index in range(12)]
    (photos / "list.txt").write_text("\n".join(names))
    source = open_source(str(photos / "list.txt"))
    report = check_source(source, "header", 32, limit=0.5)
    assert {index: reason.split(":")[0] for index, reason in report.bad.items()} == {
        3: "unreadable",
        5: "unreadable",
        7: "missing",
    }
    assert report.good == [0, 1, 2, 4, 6, 8, 9, 10, 11]
    assert "3 of 12 training photos cannot be used (1 missing, 2 unreadable)" in report.summary(source)
    with pytest.raises(UserError, match=r"3 of 12 .*03.jpg \(unreadable.*At most 20.0% may be bad"):
        check_source(source, "header", 32, limit=0.2)


def test_too_small_photos_are_bad(photos):
    source = open_source(str(photos))
    with pytest.raises(UserError, match="12 too small.*48x40, needs 41 on its shorter side"):
        check_source(source, "header", 41, limit=0.01)
    assert check_source(source, "header", 40, limit=0.01).bad == {}


def test_photo_with_a_good_header_and_nothing_else_is_found_by_decoding(photos):
    content = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    (photos / "13.png").write_bytes(content[:45])
    source = open_source(str(photos))
    assert check_source(source, "header", 32, limit=0.5).bad == {}
    assert list(check_source(source, "decode", 32, limit=0.5).bad) == [12]


@pytest.mark.parametrize("shards", [1, 5])
def test_records_hold_the_photos(photos, tmp_path, shards):
    source = open_source(str(photos))
    paths = write_records(source, tmp_path / "records", shards)
    assert len(paths) == shards
    records = open_source(str(tmp_path / "records"))
    # Photo i is record i // shards of shard i mod shards; shards are read one after the other.
    order = [index for shard in range(shards) for index in range(shard, 12, shards)]
    assert [records.read(index) for index in range(12)] == [source.read(index) for index in order]
    assert check_source(records, "decode", 40, limit=0).bad == {}


def test_records_can_be_scaled_down(photos, tmp_path):
    write_records(open_source(str(photos)), tmp_path / "records", 2, short_side=20)
    records = open_source(str(tmp_path / "records" / "*.tfrecord"))
    assert decode(records.read(0)).shape == (20, 24, 3)


def test_compressed_records_are_what_tensorflow_reads(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = open_source(str(photos))
    paths = write_records(source, tmp_path / "records", 2, compression="gzip")
    assert [path.name for path in paths] == ["photos-00000-of-00002.tfrecord.gz", "photos-00001-of-00002.tfrecord.gz"]
    read = list(tf.data.TFRecordDataset([str(path) for path in paths], "GZIP"))
    assert len(read) == 12
    records = open_source(str(tmp_path / "records"))
    packed = [tf.train.Example.FromString(record.numpy()).features.feature["image/encoded"] for record in read]
    assert [records.read(index) for index in range(12)] == [feature.bytes_list.value[0] for feature in packed]
    # Unpacked once; and a subset still knows where.
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.tfrecord")}
    again = open_source(str(tmp_path / "records"))
    assert len(kept) == 2 and {path: path.stat().st_mtime_ns for path in kept} == kept
    assert again.subset([5]).read(0) == records.read(5) and again.fingerprint() == records.fingerprint()


def test_records_of_records_are_the_same_photos(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = [
        "make_records",
        f"--train_data={photos}",
        f"--output={tmp_path / 'gz'}",
        "--shards=1",
        "--compression=gzip",
    ]
    assert main(words) == 0
    words = ["make_records", f"--train_data={tmp_path / 'gz'}", f"--output={tmp_path / 'plain'}", "--shards=1"]
    assert main(words) == 0 and "compressed shards (1) are read from" in capsys.readouterr().out
    source, records = open_source(str(photos)), open_source(str(tmp_path / "plain"))
    assert [records.read(index) for index in range(12)] == [source.read(index) for index in range(12)]


def test_damaged_shard_is_named(photos, tmp_path):
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match="photos-00000-of-00001.tfrecord is damaged"):
        open_source(str(path))


def test_make_records_command(photos, tmp_path, capsys):
    words = [f"--train_data={photos}", f"--output={tmp_path / 'records'}", "--shards=3"]
    assert main(["make_records", *words]) == 0
    assert "12 photos in 3 shards" in capsys.readouterr().out
    assert main(["make_records", *words]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["make_records", f"--train_data={photos}"]) == 2
