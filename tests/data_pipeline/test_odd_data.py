"""Training data as people have it: found, checked and known again wherever it lies."""

import gzip
import os
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image, ImageCms

from inpaint_tf.data.check import check_source
from inpaint_tf.data.crops import decode
from inpaint_tf.data.records import write_records
from inpaint_tf.data.sources import open_source
from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.prepare import prepare_photos
from inpaint_tf.training.run_folder import RunFolder, flag_file


def found(spec, **options):
    source = open_source(str(spec), **options)
    return [os.path.basename(source.name(index)) for index in range(len(source))]


def large_headers(folder, rng):
    """Good files whose header does not end within 64 KiB."""
    noise = Image.fromarray(rng.integers(0, 256, (200, 300, 3), dtype=np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(
        rng.integers(0, 256, 90_000, np.uint8)
    )
    noise.save(folder / "a.webp", lossless=True)
    noise.save(folder / "b.tif", compression="tiff_lzw")
    noise.save(folder / "c.jpg", icc_profile=profile)
    noise.save(folder / "d.png", icc_profile=profile)
    noise.save(folder / "e.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + bytes(60_000), comment=bytes(60_000))
    noise.save(folder / "f.gif")
    noise.save(folder / "g.avif")
    tifffile.imwrite(folder / "h.tif", rng.random((200, 300, 3)).astype(np.float32), photometric="rgb")
    assert (folder / "a.webp").stat().st_size > 74_000


@pytest.mark.parametrize("how", ["header", "decode"])
def test_large_headers_are_no_damage(how, tmp_path, rng):
    large_headers(tmp_path, rng)
    source = open_source(str(tmp_path))
    assert len(source) == 8
    assert check_source(source, how, 200, limit=0).bad == {}
    assert all(decode(source.read(index)).shape == (200, 300, 3) for index in range(8))


def test_pixels_of_more_bits_are_read_on_their_scale(tmp_path):
    ramp = np.add.outer(np.arange(100), np.arange(155)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), ramp * 16)
    tifffile.imwrite(tmp_path / "b.tif", (ramp / 253).astype(np.float32))
    for name in ("a.png", "b.tif"):
        assert np.max(np.abs(decode((tmp_path / name).read_bytes())[..., 0].astype(int) - ramp)) <= 2


def test_hidden_files_links_and_runs_in_the_folder(photos, tmp_path):
    (photos / "._00.jpg").write_bytes(b"resource fork")
    (photos / "__MACOSX").mkdir()
    shutil.copy(photos / "00.jpg", photos / "__MACOSX" / "00.jpg")
    (photos / "run" / "samples").mkdir(parents=True)
    (photos / "run" / "configuration.json").write_text("{}")
    shutil.copy(photos / "00.jpg", photos / "run" / "samples" / "step_1.jpg")
    (photos / "loop").symlink_to(photos)
    names = [f"{index:02d}.jpg" for index in range(12)]
    assert found(photos) == names
    assert found(photos / "**" / "*.jpg") == names
    # A folder of links, and a link to a folder.
    links = tmp_path / "links"
    links.mkdir()
    for name in names[:3]:
        (links / name).symlink_to(photos / name)
    (links / "more").symlink_to(photos)
    assert found(links) == names[:3] + names
    assert "left out, hidden: ._00.jpg, __MACOSX" in "; ".join(open_source(str(photos)).notes)


def test_odd_lists(photos, tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (photos / "list.txt").write_bytes(
            "# photos\r\n00.jpg\r\n\r\n01.jpg # the second\r\n'02.jpg'\r\n".encode(encoding)
        )
        assert found(photos / "list.txt") == ["00.jpg", "01.jpg", "02.jpg"]
    (photos / "list.csv").write_text("path,label\n00.jpg,cat\n01.jpg,dog\n")
    assert found(photos / "list.csv") == ["00.jpg", "01.jpg"]
    # Repeats are meant: such photos are seen more often.
    (photos / "list.txt").write_text("00.jpg\n00.jpg\n01.jpg\n")
    assert found(photos / "list.txt") == ["00.jpg", "00.jpg", "01.jpg"]
    (photos / "list.txt").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="is no list of files"):
        open_source(str(photos / "list.txt"))


def test_a_pipe_in_the_data_does_not_hang(photos):
    os.mkfifo(photos / "99.jpg")
    report = check_source(open_source(str(photos)), "header", 32, limit=0.5)
    assert list(report.bad) == [12] and "is a pipe or device" in report.bad[12]


@pytest.mark.parametrize("name", ["x.tfrecord", "x.tfrecord-00000-of-00001", "train-00000-of-00001", "X.TFRecords"])
def test_names_of_shards(name, photos, tmp_path):
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1)
    path.rename(tmp_path / "records" / name)
    (tmp_path / "records" / "dataset_info.json").write_text("{}")
    assert len(open_source(str(tmp_path / "records"))) == len(open_source(str(tmp_path / "records" / name))) == 12


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a-00000-of-00001.gz", "a.tfrecord-00000-of-00001.gz"])
def test_compressed_shards_are_known_by_their_bytes(name, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1)
    (tmp_path / "gz").mkdir()
    (tmp_path / "gz" / name).write_bytes(gzip.compress(path.read_bytes()))
    plain, packed = open_source(str(path)), open_source(str(tmp_path / "gz"))
    assert [packed.read(index) for index in range(12)] == [plain.read(index) for index in range(12)]
    assert packed.name(3).startswith(str(tmp_path / "gz" / name)) and "compressed shards (1)" in packed.notes[0]


def test_members_one_after_the_other_are_one_shard(photos, tmp_path, monkeypatch):
    """As block-wise compressors and `cat a.gz b.gz` write them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1)
    content = path.read_bytes()
    (tmp_path / "a.tfrecord.gz").write_bytes(gzip.compress(content[:777]) + gzip.compress(content[777:]))
    assert len(open_source(str(tmp_path / "a.tfrecord.gz"))) == 12


def test_a_damaged_compressed_shard_is_one_line_and_leaves_nothing(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1)
    content = gzip.compress(path.read_bytes())
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0x40
    for damaged in (content[:-300], content[:-4], bytes(flipped)):
        (tmp_path / "a.tfrecord.gz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.tfrecord\.gz is damaged or cut off"):
            open_source(str(tmp_path / "a.tfrecord.gz"))
    (tmp_path / "a.tfrecord.gz").write_bytes(gzip.compress(b"no records at all"))
    with pytest.raises(UserError, match=r"a\.tfrecord\.gz, unpacked: .*no TFRecord file"):
        open_source(str(tmp_path / "a.tfrecord.gz"))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith(".")]


def test_a_full_cache_is_one_line(photos, tmp_path, monkeypatch):
    (tmp_path / "cache").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (path,) = write_records(open_source(str(photos)), tmp_path / "records", 1, compression="gzip")
    with pytest.raises(UserError, match="cannot make the folder"):
        open_source(str(path))


@pytest.mark.parametrize("length", [0x8B1F, 0x088B1F])
def test_a_plain_shard_that_begins_like_gzip_is_not_taken_for_it(length, tmp_path):
    """A record of 35615 or 559903 bytes: its length is written 1f 8b (08)."""
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        writer.write(bytes(length))
    assert (tmp_path / "x.tfrecord").read_bytes()[:2] == b"\x1f\x8b"
    source = open_source(str(tmp_path / "x.tfrecord"))
    assert source.length.tolist() == [length] and not source.notes


@pytest.mark.parametrize("key", ["image", "image/encoded", "jpeg"])
def test_keys_of_other_writers(key, photos, tmp_path):
    content = (photos / "00.jpg").read_bytes()
    feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))}
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    source = open_source(str(tmp_path / "x.tfrecord"))
    assert source.read(0) == content and check_source(source, "header", 40, limit=0).bad == {}


def config(photos, run, **options):
    return TrainingConfig(train_data=str(photos), run_dir=str(run), image_size=32, batch_size=1, **options)


def open_run(photos, run, **options):
    settings = config(photos, run, **options)
    _, fingerprint, _ = prepare_photos(settings, say=lambda line: None)
    RunFolder(settings, fingerprint).close()


def test_data_that_moved_is_known_again(photos, tmp_path):
    run = tmp_path / "run"
    open_run(photos, run)
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(photos, moved)
    open_run(moved, run)
    (moved / "list.txt").write_text("\n".join(f"{index:02d}.jpg" for index in range(12)))
    open_run(moved / "list.txt", run)
    (moved / "03.jpg").write_bytes((moved / "04.jpg").read_bytes() + b"x")
    with pytest.raises(UserError, match=r"names, sizes or order differ .* --initial_preset=.*run/preset"):
        open_run(moved, run)


def test_runs_of_earlier_versions_go_on(photos, tmp_path):
    run = tmp_path / "run"
    settings = config(photos, run)
    _, fingerprint, _ = prepare_photos(settings, say=lambda line: None)
    assert fingerprint.earlier != fingerprint and fingerprint.matches(fingerprint.earlier)
    RunFolder(settings, fingerprint.earlier).close()
    open_run(photos, run)


def test_the_flag_file_serves_from_every_directory(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = flag_file(config("photos", "run")).splitlines()
    assert f"--train_data={tmp_path / 'photos'}" in lines and f"--run_dir={tmp_path / 'run'}" in lines
