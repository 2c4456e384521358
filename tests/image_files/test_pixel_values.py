"""More than 8 bits become 8 by a scale that is found and said; what is no picture is refused."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.color import rgb2lab

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.errors import UserError

RAMP = np.clip(np.add.outer(np.arange(20) * 5, np.arange(30) * 4)[..., None] + [0, 20, 40], 0, 255) / 255


def read_tiff(tmp_path, values, **options):
    options.setdefault("photometric", "rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(tmp_path / "in.tif", values, metadata=None, **options)
    return read_photo(tmp_path / "in.tif")


def assert_is_ramp(photo, grey=False, tolerance=1):
    expected = RAMP[..., :1] if grey else RAMP
    assert np.max(np.abs(photo.rgb - expected * 255)) <= tolerance


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize(
    "scale, dtype, word",
    [
        (1, np.float32, "from 0 to 1"),
        (1, np.float64, "from 0 to 1"),
        (255, np.float32, "from 0 to 255"),
        (65535, np.float32, "16 bits"),
        (65535, np.uint16, "16 bits a channel were brought to 8."),
        (4095, np.uint16, "12 bits"),
        (1023, np.uint16, "10 bits"),
        (16383, np.uint16, "14 bits"),
        (255, np.uint16, "8 bits"),
        (65535, np.int32, "16 bits"),
        (255, np.int32, "8 bits"),
        (32767, np.int16, "15 bits"),
        (2**31 - 1, np.uint32, "31 bits"),
        (2**32 - 1, np.uint32, "32 bits"),
    ],
)
def test_scales_of_tiff(grey, scale, dtype, word, tmp_path):
    values = RAMP[..., 0] if grey else RAMP
    values = (values * scale if np.dtype(dtype).kind == "f" else np.rint(values * scale)).astype(dtype)
    if scale == 65535 and np.dtype(dtype).kind == "f":
        values = np.rint(values)
    photo = read_tiff(tmp_path, values)
    assert_is_ramp(photo, grey, tolerance=2)
    assert photo.grey == grey and photo.alpha is None
    assert len(photo.notes) == 1 and word in photo.notes[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_planes_one_after_the_other(dtype, tmp_path):
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = (RAMP * scale).astype(dtype).transpose(2, 0, 1)
    assert_is_ramp(read_tiff(tmp_path, np.ascontiguousarray(values), planarconfig="separate"), tolerance=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype, tmp_path):
    values = ((1 - RAMP[..., 0]) * np.iinfo(dtype).max).astype(dtype)
    assert_is_ramp(read_tiff(tmp_path, values, photometric="miniswhite"), grey=True, tolerance=1)


def test_bright_floats_are_scaled_to_their_largest(tmp_path):
    photo = read_tiff(tmp_path, (RAMP * 5000.5).astype(np.float32))
    assert "from 0 to their largest" in photo.notes[0] and photo.rgb.max() == 255


def test_highlights_beyond_one_become_white_with_a_word(tmp_path):
    values = RAMP.astype(np.float32)
    values[5, 5] = 7.5
    photo = read_tiff(tmp_path, values)
    expected = RAMP * 255
    expected[5, 5] = 255
    assert np.max(np.abs(photo.rgb - expected)) <= 1
    assert "brighter values, up to 7.5, became white" in photo.notes[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("grey", [True, False])
def test_what_is_no_number_is_refused(bad, grey, tmp_path):
    values = RAMP.astype(np.float32)[..., 0 if grey else slice(None)].copy()
    values[3, 4] = bad
    with pytest.raises(UserError, match="in.tif holds values that are not numbers or infinite"):
        read_tiff(tmp_path, values)


def test_negative_values(tmp_path):
    values = RAMP.astype(np.float32)
    values[0, 0, 0] = -0.25
    photo = read_tiff(tmp_path, values)
    assert "negative values, down to -0.25, became 0" in photo.notes[0]
    assert_is_ramp(photo)
    with pytest.raises(UserError, match=r"holds \d+% negative values, down to -0.5"):
        read_tiff(tmp_path, (RAMP - 0.5).astype(np.float32))
    with pytest.raises(UserError, match="negative values"):
        read_tiff(tmp_path, (RAMP[..., 0] * 1000 - 500).astype(np.int32))


@pytest.mark.parametrize("bits", [8, 16])
def test_lab_is_no_alpha(bits, tmp_path):
    lab = rgb2lab(RAMP)
    if bits == 8:
        values = np.dstack([lab[..., 0] * 2.55, lab[..., 1], lab[..., 2]]).round().astype(np.int16).astype(np.uint8)
    else:
        values = np.dstack([lab[..., 0] * 655.35, lab[..., 1] * 256, lab[..., 2] * 256]).round()
        values = values.astype(np.int32).astype(np.uint16)
    photo = read_tiff(tmp_path, values, photometric="cielab")
    assert photo.alpha is None and np.mean(np.abs(photo.rgb - RAMP * 255)) < 5
    assert photo.notes == ["LAB was converted to RGB."]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_alpha_of_tiff(dtype, tmp_path):
    alpha = np.zeros((20, 30, 1))
    alpha[:7] = 1
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    photo = read_tiff(tmp_path, (np.dstack([RAMP, alpha]) * scale).astype(dtype), extrasamples=["unassalpha"])
    assert np.array_equal(photo.alpha, np.uint8(alpha[..., 0] * 255))
    assert_is_ramp(photo)


def test_grey_and_alpha_of_16_bits_says_what_is_lost(tmp_path):
    values = (np.dstack([RAMP[..., 0], RAMP[..., 1]]) * 65535).astype(np.uint16)
    photo = read_tiff(tmp_path, values, photometric="minisblack", extrasamples=["unassalpha"])
    assert_is_ramp(photo, grey=True)
    assert any("transparency cannot be read" in note for note in photo.notes)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [12, 16])
def test_png_of_16_bits(channels, bits, tmp_path):
    values = np.dstack([RAMP, np.ones((20, 30, 1))])[..., :channels].squeeze() * (2**bits - 1)
    values = values.round().astype(np.uint16)
    if channels > 1:
        values = values[..., [2, 1, 0, 3][:channels]]
    cv2.imwrite(str(tmp_path / "in.png"), values)
    photo = read_photo(tmp_path / "in.png")
    assert_is_ramp(photo, grey=channels == 1)
    assert (photo.alpha is not None) == (channels == 4)
    assert f"{bits} bits" in photo.notes[0]


def test_significant_bits_of_png_decide(tmp_path):
    dark = (RAMP[..., 0] * 900).round().astype(np.uint16)
    encoded = cv2.imencode(".png", dark)[1].tobytes()
    chunk = b"sBIT" + bytes([12])
    chunk = struct.pack(">L", 1) + chunk + struct.pack(">L", zlib.crc32(chunk))
    (tmp_path / "in.png").write_bytes(encoded[:33] + chunk + encoded[33:])
    photo = read_photo(tmp_path / "in.png")
    assert abs(int(photo.rgb.max()) - round(dark.max() / 4095 * 255)) <= 1 and "12 bits" in photo.notes[0]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_orientation_of_tiff_is_applied_once(orientation, dtype, tmp_path):
    turned = {1: RAMP, 3: RAMP[::-1, ::-1], 6: np.rot90(RAMP), 8: np.rot90(RAMP, -1)}[orientation]
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = np.ascontiguousarray(turned * scale).astype(dtype)
    photo = read_tiff(tmp_path, values, extratags=[(274, "H", 1, orientation, True)])
    assert photo.orientation == orientation
    assert_is_ramp(photo)


def test_a_kind_that_nothing_reads_is_one_line(tmp_path):
    with pytest.raises(UserError, match="in.tif is"):
        read_tiff(tmp_path, np.zeros((4, 4), np.float16))
    with pytest.raises(UserError, match="in.tif is"):
        read_tiff(tmp_path, np.zeros((4, 4), np.complex64))


def test_premultiplied_and_other_modes(tmp_path):
    for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"):
        encoded = io.BytesIO()
        Image.fromarray(np.uint8(RAMP * 255)).convert(mode).save(encoded, "TIFF")
        (tmp_path / "in.tif").write_bytes(encoded.getvalue())
        assert read_photo(tmp_path / "in.tif").rgb.shape == (20, 30, 3)
