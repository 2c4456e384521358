"""Mask sets on disk."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.errors import UserError
from inpaint_tf.masks.manifest import (
    ImageEntry,
    Manifest,
    check_mask_files,
    mask_entry,
    name_some,
    pixel_hash,
    read_hole,
    read_manifest,
    write_mask_set,
)
from inpaint_tf.masks.sets import center_hole, training_box_hole


def mask_set(count=3, seed=0, image=None):
    random = np.random.default_rng(seed)
    holes = [training_box_hole(160, 200, random) for _ in range(count)]
    entries = tuple(mask_entry(number, hole, image) for number, hole in enumerate(holes))
    return Manifest("box", seed, {"size": [160, 200]}, entries), holes


def test_round_trip(tmp_path):
    image = ImageEntry("a/b.png", "0" * 64, (256, 300), (0, 22, 256, 256))
    manifest, holes = mask_set(image=image)
    write_mask_set(tmp_path, manifest, holes)
    back = read_manifest(tmp_path)
    assert back == manifest and back.hash == manifest.hash
    for entry, hole in zip(back.entries, holes, strict=True):
        read = read_hole(tmp_path, entry)
        assert np.array_equal(read.pixels, hole.pixels) and read.box == hole.box


def test_hash_is_about_pixels_not_file_names():
    image = ImageEntry("a.png", "0" * 64, (256, 256), (0, 0, 256, 256))
    hashes = [
        mask_set(image=changed)[0].hash
        for changed in (
            image,
            dataclasses.replace(image, name="b.png"),
            dataclasses.replace(image, sha256="1" * 64),
            dataclasses.replace(image, crop=(0, 1, 256, 256)),
        )
    ]
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3
    assert mask_set(seed=0)[0].hash != mask_set(seed=1)[0].hash


def test_pixel_hash_tells_shapes_and_types_apart():
    x = np.arange(6, dtype=np.uint8)
    assert len({pixel_hash(x.reshape(2, 3)), pixel_hash(x.reshape(3, 2)), pixel_hash(x.astype(np.int8))}) == 3
    assert pixel_hash(x[::-1][::-1]) == pixel_hash(x)


def test_another_set_is_not_overwritten(tmp_path):
    write_mask_set(tmp_path, *mask_set(seed=0))
    write_mask_set(tmp_path, *mask_set(seed=0))
    with pytest.raises(UserError, match="already holds"):
        write_mask_set(tmp_path, *mask_set(seed=1))


def test_missing_files_are_all_named(tmp_path):
    manifest, holes = mask_set()
    write_mask_set(tmp_path, manifest, holes)
    (tmp_path / "masks/00000.png").unlink()
    (tmp_path / "masks/00002.png").unlink()
    with pytest.raises(UserError, match="masks/00000.png, masks/00002.png"):
        check_mask_files(tmp_path, manifest)


def test_a_changed_mask_is_noticed(tmp_path):
    manifest, holes = mask_set()
    write_mask_set(tmp_path, manifest, holes)
    Image.fromarray(np.uint8(center_hole(160, 200).pixels) * 255).save(tmp_path / "masks/00001.png")
    with pytest.raises(UserError, match="00001.png is not the mask"):
        read_hole(tmp_path, manifest.entries[1])


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 2}', '{"format": 1, "entries": [{"file": 3}]}'])
def test_damaged_manifests(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UserError, match="cannot be read as a manifest"):
        read_manifest(tmp_path)


def test_no_manifest(tmp_path):
    with pytest.raises(UserError, match="masks make"):
        read_manifest(tmp_path)


def test_name_some():
    assert name_some(["a", "b"]) == "a, b"
    assert name_some(list("abcde"), most=3) == "a, b, c and 2 more"
