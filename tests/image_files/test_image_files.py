"""Files as people have them. The photos are made here, a few pixels each."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from inpaint_tf.data.image_files import check_writable, read_mask, read_photo, resize_mask, write_image
from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes


@pytest.fixture
def rgb(rng):
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_lossless_formats_round_trip(suffix, rgb, tmp_path):
    write_image(tmp_path / f"a{suffix}", rgb)
    assert np.array_equal(read_photo(tmp_path / f"a{suffix}").rgb, rgb)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_jpeg_is_close(tmp_path):
    smooth = np.tile(np.arange(0, 240, 8, dtype=np.uint8)[None, :, None], (20, 1, 3))
    write_image(tmp_path / "a.jpg", smooth)
    assert np.max(np.abs(read_photo(tmp_path / "a.jpg").rgb.astype(int) - smooth)) <= 3


def test_metadata_is_carried_over(rgb, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(rgb).save(tmp_path / "a.jpg", exif=exif, icc_profile=profile, dpi=(300, 300))
    photo = read_photo(tmp_path / "a.jpg")
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        assert write_image(tmp_path / f"b{suffix}", photo.rgb, like=photo) == []
        with Image.open(tmp_path / f"b{suffix}") as written:
            assert written.getexif()[0x010F] == "a camera"
            assert written.info["icc_profile"] == profile
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.info["dpi"] == pytest.approx((300, 300), abs=1)
    assert write_image(tmp_path / "b.bmp", photo.rgb, like=photo) == ["BMP holds no exif, icc_profile; dropped."]


@pytest.mark.parametrize(
    "orientation,turned", [(3, lambda x: x[::-1, ::-1]), (6, lambda x: np.rot90(x, -1)), (1, lambda x: x)]
)
def test_exif_orientation_is_applied_once(orientation, turned, rgb, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    Image.fromarray(rgb).save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, turned(rgb))
    write_image(tmp_path / "b.png", photo.rgb, like=photo)
    again = read_photo(tmp_path / "b.png")
    assert np.array_equal(again.rgb, photo.rgb)
    with Image.open(tmp_path / "b.png") as written:
        assert written.getexif().get(0x0112, 1) == 1 and written.getexif()[0x010F] == "a camera"


def test_alpha_is_kept_where_the_format_can(rgb, tmp_path):
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:5] = 40
    Image.fromarray(np.dstack([rgb, alpha])).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, rgb) and np.array_equal(photo.alpha, alpha)
    for suffix in (".png", ".webp", ".tif"):
        write_image(tmp_path / f"b{suffix}", photo.rgb, like=photo)
        assert np.array_equal(read_photo(tmp_path / f"b{suffix}").alpha, alpha)
    assert write_image(tmp_path / "b.jpg", photo.rgb, like=photo) == ["JPEG holds no transparency; it was dropped."]


def test_grey_stays_grey(tmp_path):
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    Image.fromarray(grey).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.grey and np.array_equal(photo.rgb, np.dstack([grey] * 3))
    write_image(tmp_path / "b.png", photo.rgb, like=photo)
    with Image.open(tmp_path / "b.png") as written:
        assert written.mode == "L" and np.array_equal(np.array(written), grey)


def test_palette(rgb, tmp_path):
    indexed = Image.fromarray(rgb).quantize(8)
    indexed.save(tmp_path / "a.png")
    indexed.save(tmp_path / "a.gif")
    expected = np.array(indexed.convert("RGB"))
    assert np.array_equal(read_photo(tmp_path / "a.png").rgb, expected)
    assert np.array_equal(read_photo(tmp_path / "a.gif").rgb, expected)


def test_palette_with_transparency(rgb, tmp_path):
    indexed = Image.fromarray(rgb).quantize(8)
    indexed.save(tmp_path / "a.png", transparency=0)
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.alpha == 0, np.array(indexed) == 0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight_with_a_word(suffix, channels, tmp_path):
    values = (np.arange(600, dtype=np.uint16).reshape(10, 20, 3) * 109)[..., :channels].squeeze()
    cv2.imwrite(str(tmp_path / f"a{suffix}"), values[..., ::-1] if channels == 3 else values)
    photo = read_photo(tmp_path / f"a{suffix}")
    expected = values >> 8 if channels == 3 else np.dstack([values >> 8] * 3)
    assert np.array_equal(photo.rgb, expected)
    assert photo.notes == ["16 bits a channel were brought to 8."]


def test_cmyk_is_converted_with_a_word(rgb, tmp_path):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    photo = read_photo(tmp_path / "a.jpg")
    assert np.max(np.abs(photo.rgb.astype(int) - flat)) <= 4
    assert photo.notes == ["CMYK was converted to RGB."]


def test_blurred_mask_is_thresholded(tmp_path):
    blurred = np.array([[0, 100, 127, 128, 200, 255]], np.uint8)
    Image.fromarray(blurred).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").tolist() == [[False, False, False, True, True, True]]
    assert read_mask(tmp_path / "m.png", invert=True).tolist() == [[True, True, True, False, False, False]]


def test_rgba_mask_is_what_is_painted(tmp_path):
    painted = np.zeros((4, 4, 4), np.uint8)
    painted[:2] = 255  # white strokes on a transparent layer
    painted[2] = (255, 255, 255, 0)  # white under full transparency
    Image.fromarray(painted).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").all(axis=1).tolist() == [True, True, False, False]


@pytest.mark.parametrize("mode", ["1", "P", "I;16"])
def test_masks_of_other_modes(mode, tmp_path):
    hole = np.zeros((6, 8), bool)
    hole[2:4, 3:] = True
    if mode == "I;16":
        image = Image.fromarray(hole.astype(np.uint16) * 65535)
    else:
        image = Image.fromarray(np.uint8(hole) * 255).convert(mode)
    image.save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), hole)


def test_resized_mask_keeps_its_place():
    hole = np.zeros((10, 20), bool)
    hole[5:, 10:] = True
    doubled = resize_mask(hole, 20, 40)
    assert np.array_equal(doubled, hole.repeat(2, axis=0).repeat(2, axis=1))


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="nothing.png does not exist"):
        read_photo(tmp_path / "nothing.png")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\nnonsense"])
def test_not_an_image(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match="a.png is "):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_truncated_file(suffix, rng, tmp_path):
    write_image(tmp_path / f"a{suffix}", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(UserError, match=f"a{suffix} is "):
        read_photo(tmp_path / f"a{suffix}")


def test_what_cannot_be_written_is_told_before(tmp_path):
    for path, message in [
        (tmp_path / "a.xyz", "suffix must be one of"),
        (tmp_path / "no" / "a.png", "does not exist"),
    ]:
        with pytest.raises(UserError, match=message):
            check_writable(path)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        check_writable(tmp_path / "folder.png")


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        write_bytes(tmp_path / "a.png", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
