"""Frozen protocols: what they cut, and what they refuse."""

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource, _geometry, cut, load, prepare, protocol_named
from inpaint_tf.masks.manifest import write_mask_set
from inpaint_tf.masks.sets import bounding_box

# Name -> hash of its manifest on the images of the fixture `photos`.
FROZEN = {
    "paper_random_box": "7bddabec935be91e",
    "free_form": "4126d7dc8e7749cc",
    "lama_thin_256": "470cb2ed5f47ea35",
    "lama_medium_256": "4cab4d2fe67ffac5",
    "lama_thick_256": "4589c26cf5650e3a",
    "lama_thin_512": "f458be137eaee140",
    "lama_medium_512": "aa5f31cb4db9d64a",
    "lama_thick_512": "c98189616b9597ad",
    "mat_large": "bc87a3bf58acd5bc",
    "center_half": "bdcf20dead7724a8",
    "mmagic_box": "82186e813f036035",
}


def prepared(name, photos):
    return prepare(PROTOCOLS[name], ImageSource(photos))


def test_center128_scales_the_short_side_and_keeps_the_middle(photos):
    manifest, holes = prepared("center128", photos)
    geometry = {entry.image.name: (entry.image.resize, entry.image.crop) for entry in manifest.entries}
    assert geometry == {
        "a.png": ((256, 300), (0, 22, 256, 256)),
        "b.png": ((256, 256), (0, 0, 256, 256)),
        # 600 x 512 by half.
        "more/c.png": ((300, 256), (22, 0, 256, 256)),
    }
    assert all(hole.box == (64, 64, 128, 128) for hole in holes)


def test_paper_random_box_crops_at_the_original_scale(photos):
    manifest, holes = prepared("paper_random_box", photos)
    entry = manifest.entries[2]
    assert entry.image.resize == (600, 512)
    assert 0 <= entry.image.crop[0] <= 344 and 0 <= entry.image.crop[1] <= 256 and entry.image.crop[2:] == (256, 256)
    assert all(hole.box[2:] == (128, 128) and 96 <= bounding_box(hole.pixels)[2] <= 128 for hole in holes)
    assert len({hole.box for hole in holes}) == 3


def test_free_form_has_a_mask_of_every_area(photos):
    manifest, holes = prepared("free_form", photos)
    assert len(holes) == 15
    assert [int(entry.area * 10) for entry in manifest.entries] == [0, 1, 2, 3, 4] * 3


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"kodak24_center128", "kodak24_full_center256"}))
def test_a_protocol_gives_the_same_set_every_time(name, photos):
    first, again = prepared(name, photos)[0], prepared(name, photos)[0]
    assert first == again
    # Another file name is the same set, other pixels are not.
    (photos / "a.png").rename(photos / "a0.png")
    assert prepared(name, photos)[0].hash == first.hash
    Image.open(photos / "b.png").rotate(180).save(photos / "b.png")
    assert prepared(name, photos)[0].hash != first.hash


def test_an_images_draws_do_not_depend_on_the_others(photos):
    boxes = [entry.box for entry in prepared("paper_random_box", photos)[0].entries]
    (photos / "more/c.png").unlink()
    assert [entry.box for entry in prepared("paper_random_box", photos)[0].entries] == boxes[:2]


def test_load_gives_the_crop_and_checks_the_pixels(photos, tmp_path):
    manifest, holes = prepared("center128", photos)
    write_mask_set(tmp_path / "set", manifest, holes)
    source = ImageSource(photos)
    image, hole = load(manifest.entries[0], source, tmp_path / "set")
    assert np.array_equal(image, np.array(Image.open(photos / "a.png"))[:, 22:278])
    assert np.array_equal(hole.pixels, holes[0].pixels)
    Image.open(photos / "b.png").save(photos / "a.png")
    with pytest.raises(UserError, match="a.png is not the image"):
        load(manifest.entries[0], source, tmp_path / "set")


def test_cut_averages_when_it_shrinks():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = [[[0, 0, 0], [100, 0, 0]], [[100, 0, 0], [200, 0, 8]]]
    assert cut(image, (2, 2), (0, 0, 1, 1)).tolist() == [[[100, 0, 2]]]


def test_small_images_are_enlarged(tmp_path):
    Image.new("RGB", (100, 50)).save(tmp_path / "small.png")
    for name in ("center128", "paper_random_box"):
        entry = prepared(name, tmp_path)[0].entries[0]
        assert entry.image.resize == (256, 512) and entry.image.crop[2:] == (256, 256)


def test_kodak24_names_what_is_missing(photos):
    with pytest.raises(UserError, match="kodim01.*kodim24"):
        prepared("kodak24_center128", photos)
    assert len(PROTOCOLS["kodak24_center128"].images) == len(set(PROTOCOLS["kodak24_center128"].images.values())) == 24


def test_image_lists(photos, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("photos/b.png\n\nphotos/a.png\n")
    assert ImageSource(listed).names == ["photos/b.png", "photos/a.png"]
    assert [entry.image.name for entry in prepared("center128", listed)[0].entries] == ["photos/b.png", "photos/a.png"]
    listed.write_text("photos/b.png\nphotos/x.png\nphotos/y.png\n")
    with pytest.raises(UserError, match="missing images: photos/x.png, photos/y.png"):
        ImageSource(listed)


def test_sources_that_are_none(tmp_path):
    with pytest.raises(UserError, match="folder of images or a list"):
        ImageSource(tmp_path / "nothing")
    with pytest.raises(UserError, match="holds no images"):
        ImageSource(tmp_path)
    with pytest.raises(UserError, match="known: kodak24_center128, .*center128"):
        protocol_named("mine")


def test_protocols_of_other_papers_are_frozen(photos):
    """A protocol never changes: these hashes were written down when it was made."""
    hashes = {name: prepared(name, photos)[0].hash for name in FROZEN}
    assert hashes == FROZEN


def test_whole_photos_have_a_hole_of_256_in_the_middle():
    protocol = PROTOCOLS["kodak24_full_center256"]
    for size in ((512, 768), (768, 512)):
        geometry = _geometry(protocol, size, None)
        assert geometry == (size, (0, 0, *size))
        (hole,) = protocol.holes(*geometry[1][2:], None)
        assert hole.pixels.shape == size and hole.box == ((size[0] - 256) // 2, (size[1] - 256) // 2, 256, 256)
