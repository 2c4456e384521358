"""Files decoded inside a graph are what the command's own reader makes of them."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from inpaint_tf.data.image_files import photo_of_bytes
from inpaint_tf.export.encoded_files import decode_levels, decode_photo, exif_orientation

HOLE = np.zeros((20, 30), bool)
HOLE[5:12, 10:25] = True


def encoded(pixels, kind="PNG", mode=None, **options):
    written = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(written, kind, **options)
    return written.getvalue()


@pytest.fixture
def rgb():
    """A smooth picture, which decoders of JPEG agree on."""
    return np.uint8(np.add.outer(np.arange(20) * 4, np.arange(30) * 3)[..., None] + [0, 30, 70])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_read_and_applied(orientation, kind, order, rgb):
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x0112] = "a camera", orientation
    content = encoded(rgb, kind, exif=exif.tobytes(), **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    found = tf.function(decode_photo)(content).numpy()
    expected = photo_of_bytes(content).rgb
    assert int(exif_orientation(content)) == orientation and found.shape == expected.shape
    assert np.max(np.abs(found.astype(int) - expected)) <= (4 if kind == "JPEG" else 0)


def test_damaged_exif_is_no_orientation(rgb):
    for exif in (
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\0\0",
        b"Exif\0\0II",
    ):
        assert int(exif_orientation(encoded(rgb, "JPEG", exif=exif))) == 1
    assert int(exif_orientation(b"Exif")) == int(exif_orientation(b"")) == 1


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "JPEG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_masks_of_every_documented_kind(kind, mode):
    levels = tf.function(decode_levels)(encoded(np.uint8(HOLE) * 255, kind, mode)).numpy()
    assert np.array_equal(levels[..., 0] > 127, HOLE)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_white_masks_with_transparency(mode):
    pixels = np.full((20, 30, 4), 255, np.uint8)
    pixels[..., 3] = HOLE * 255
    levels = decode_levels(encoded(Image.fromarray(pixels).convert(mode))).numpy()
    assert np.array_equal(levels[..., 0] > 127, HOLE)


@pytest.mark.parametrize(
    "kind, mode", [("PNG", "L"), ("PNG", "LA"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB")]
)
def test_photos_of_every_mode(kind, mode, rgb):
    content = encoded(rgb, kind, mode)
    assert np.array_equal(decode_photo(content).numpy(), photo_of_bytes(content).rgb)


def test_grey_levels_are_pillows(rgb):
    assert np.array_equal(decode_levels(encoded(rgb)).numpy()[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))


def test_the_signature_takes_them(exported, photo, inpainter):
    """A photo that lies, with a GIF mask: completed as the command completes it."""
    image, mask = photo(48, 64)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(np.rot90(image).copy(), "PNG", exif=exif.tobytes())
    loaded = tf.saved_model.load(str(exported / "1"))
    words = {"image_bytes": tf.constant([content]), "mask_bytes": tf.constant([encoded(mask[..., 0], "GIF")])}
    completed = tf.io.decode_png(loaded.signatures["encoded"](**words)["completed_bytes"][0]).numpy()
    assert np.max(np.abs(completed.astype(int) - inpainter(image, mask))) <= 1
