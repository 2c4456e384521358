"""What is carried from file to file; above all that metadata never keeps the pixels from being written."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from inpaint_tf.data.image_files import read_photo, write_image
from tests.image_files.made_files import camera_exif, exif_block, jpeg, png

LOSSLESS = (".png", ".tif", ".webp", ".bmp")
WITH_EXIF = (".jpg", ".png", ".webp", ".tif")


def rewritten(content, suffix, tmp_path, source=".jpg"):
    """Reads a file's bytes as a photo and writes it in another format; returns its path, notes and the photo."""
    (tmp_path / f"in{source}").write_bytes(content)
    photo = read_photo(tmp_path / f"in{source}")
    notes = write_image(tmp_path / f"out{suffix}", photo.rgb, like=photo)
    again = read_photo(tmp_path / f"out{suffix}")
    if suffix in LOSSLESS:
        assert np.array_equal(again.rgb, photo.rgb)
    else:
        assert again.rgb.shape == photo.rgb.shape
    return tmp_path / f"out{suffix}", notes, photo


@pytest.mark.parametrize("source", WITH_EXIF)
@pytest.mark.parametrize("suffix", WITH_EXIF)
def test_exif_and_gps_directories_go_everywhere(source, suffix, rgb, tmp_path):
    encoded = io.BytesIO()
    kind = {".jpg": "JPEG", ".tif": "TIFF"}.get(source, source[1:].upper())
    if kind == "TIFF":  # Pillow's own writer puts GPS and EXIF in only from a dictionary.
        write_image(tmp_path / "x.tif", rgb, like=_photo_with_exif(rgb, tmp_path))
        encoded.write((tmp_path / "x.tif").read_bytes())
    else:
        Image.fromarray(rgb).save(encoded, kind, exif=camera_exif().tobytes())
    path, notes, _ = rewritten(encoded.getvalue(), suffix, tmp_path, source)
    assert notes == []
    with Image.open(path) as written:
        exif = written.getexif()
        assert exif[0x010F] == "a camera" and exif[0x8298] == "somebody"
        assert exif.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert exif.get_ifd(0x8769)[0x927C] == b"\1\2\3\4" * 20
        assert exif.get_ifd(0x8825)[2] == (52.0, 30.0, 0.0)


def _photo_with_exif(rgb, tmp_path):
    (tmp_path / "exif.jpg").write_bytes(jpeg(rgb, exif=camera_exif().tobytes()))
    return read_photo(tmp_path / "exif.jpg")


def odd_exif():
    """Name -> EXIF block that writers refuse."""
    signed = struct.pack("<ll", -72, 1)
    block = exif_block([(0x011A, 10, 1, struct.pack("<L", 26)), (0x010F, 2, 4, b"cam\0")])
    return {
        "orientation as text": exif_block([(0x0112, 2, 2, b"6\0"), (0x010F, 2, 4, b"cam\0")]),
        "resolution as text": exif_block([(0x011A, 2, 3, b"72\0"), (0x010F, 2, 4, b"cam\0")]),
        "resolution as a signed fraction": block + signed,
        "no entries": exif_block([]),
        "entry beyond the end": exif_block([(0x010F, 2, 5000, struct.pack("<L", 60000))]),
        "directory beyond the end": exif_block([(0x8769, 4, 1, struct.pack("<L", 60000))]),
        "directory that is itself": exif_block([(0x8769, 4, 1, struct.pack("<L", 8))]),
        "unknown types": exif_block([(0x010F, 99, 1, b"abcd"), (0x9999, 0, 1, b"abcd")]),
        "cut": exif_block([(0x010F, 2, 4, b"cam\0")])[:14],
        "not TIFF": b"Exif\0\0nonsense",
        "orientation 0": exif_block([(0x0112, 3, 1, b"\0\0")]),
        "orientation 99": exif_block([(0x0112, 3, 1, b"\x63\0")]),
        "big endian": exif_block([(0x010F, 2, 4, b"cam\0")], order=">"),
    }


@pytest.mark.parametrize("name", odd_exif())
@pytest.mark.parametrize("suffix", [".jpg", *LOSSLESS])
def test_odd_exif_never_costs_the_photo(name, suffix, rgb, tmp_path):
    path, _, photo = rewritten(jpeg(rgb, exif=odd_exif()[name]), suffix, tmp_path)
    if name.endswith("as text"):
        assert any("not carried over: EXIF" in note for note in photo.notes)
    if name in ("orientation as text", "resolution as text", "big endian") and suffix != ".bmp":
        with Image.open(path) as written:
            assert written.getexif()[0x010F] == "cam"


@pytest.mark.parametrize("suffix", [".jpg", *LOSSLESS])
def test_large_exif_and_xmp_are_kept_or_named(suffix, rgb, tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8769)[0x927C] = bytes(70_000)
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b"x" * 70_000 + b"</x:xmpmeta>"
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, "WEBP", lossless=True, exif=exif.tobytes(), xmp=xmp)
    path, notes, _ = rewritten(encoded.getvalue(), suffix, tmp_path, ".webp")
    with Image.open(path) as written:
        if suffix == ".jpg":
            assert notes == ["JPEG holds no EXIF MakerNote of 70 kB, XMP of 70 kB; dropped."]
            assert written.getexif()[0x010F] == "a camera"
        elif suffix != ".bmp":
            assert notes == [] and len(written.getexif().get_ifd(0x8769)[0x927C]) == 70_000
            found = {".png": "xmp", ".webp": "xmp", ".tif": "xmp"}[suffix]
            assert written.info[found] == xmp


def test_xmp_iptc_and_comments(rgb, tmp_path):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation=\"1\"></x:xmpmeta>"
    iptc = b"\x1c\x02\x50\x00\x08somebody"
    resource = b"8BIM" + struct.pack(">HHL", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    segments = [
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp),
        (0xED, b"Photoshop 3.0\0" + resource),
        (0xFE, b"a comment"),
    ]
    content = jpeg(rgb, segments=segments)
    path, notes, _ = rewritten(content, ".jpg", tmp_path)
    assert notes == []
    with Image.open(path) as written:
        assert written.info["xmp"] == xmp and written.info["comment"] == b"a comment"
        assert written.info["photoshop"][0x0404] == iptc
    path, notes, _ = rewritten(content, ".tif", tmp_path)
    assert notes == []
    with Image.open(path) as written:
        assert written.tag_v2[700] == xmp and written.tag_v2[33723] == iptc and written.tag_v2[270] == "a comment"
    path, notes, _ = rewritten(content, ".png", tmp_path)
    assert notes == ["PNG holds no IPTC; dropped."]
    with Image.open(path) as written:
        assert written.info["xmp"] == xmp and written.text["Comment"] == "a comment"
    path, notes, _ = rewritten(content, ".webp", tmp_path)
    assert notes == ["WEBP holds no IPTC, comment; dropped."]
    # And back from TIFF.
    (tmp_path / "in.tif").write_bytes(tmp_path.joinpath("out.tif").read_bytes())
    again = read_photo(tmp_path / "in.tif")
    assert again.metadata.iptc == iptc and again.metadata.xmp == xmp


def test_xmp_orientation_is_applied_once(rgb, tmp_path):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation=\"6\"></x:xmpmeta>"
    content = jpeg(rgb, segments=[(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)])
    path, _, photo = rewritten(content, ".png", tmp_path)
    assert photo.rgb.shape == (30, 20, 3) and photo.orientation == 6
    assert read_photo(path).orientation == 1


def test_text_and_colour_chunks_of_png(rgb, tmp_path):
    gamma = struct.pack(">L", 45455)
    primaries = struct.pack(">8L", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    chunks = [
        (b"gAMA", gamma),
        (b"cHRM", primaries),
        (b"tEXt", b"Copyright\0somebody"),
        (b"tEXt", b"parameters\0a prompt"),
    ]
    content = png(rgb, chunks)
    path, notes, _ = rewritten(content, ".png", tmp_path, ".png")
    assert notes == []
    written = path.read_bytes()
    assert b"gAMA" + gamma in written and b"cHRM" + primaries in written
    with Image.open(path) as image:
        assert image.text["Copyright"] == "somebody" and image.text["parameters"] == "a prompt"
    for suffix, kind in ((".jpg", "JPEG"), (".tif", "TIFF"), (".webp", "WEBP")):
        _, notes, _ = rewritten(content, suffix, tmp_path, ".png")
        expected = f"{kind} holds no text Copyright, parameters, colour description gAMA, cHRM; dropped."
        assert notes == [expected]


def test_cicp_is_kept(rgb, tmp_path):
    content = png(rgb, [(b"cICP", bytes([9, 16, 0, 1]))])
    path, notes, _ = rewritten(content, ".png", tmp_path, ".png")
    assert notes == [] and b"cICP" + bytes([9, 16, 0, 1]) in path.read_bytes()


@pytest.mark.parametrize("megabytes", [1.5, 80])
def test_long_compressed_text_is_no_damage(megabytes, rgb, tmp_path):
    text = zlib.compress(b"a" * int(megabytes * 1e6))
    path, _, photo = rewritten(png(rgb, [(b"zTXt", b"Comment\0\0" + text)]), ".png", tmp_path, ".png")
    assert np.array_equal(photo.rgb, rgb)
    if megabytes > 64:
        assert photo.notes == ["its metadata is damaged and was dropped."]
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 1 << 26)
            patch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 1 << 26)
            with Image.open(path) as written:
                assert len(written.text["Comment"]) == int(megabytes * 1e6)


def tiff_layouts(rgb):
    """Name -> TIFF bytes whose layout tags are wrong for RGB of 8 bits."""
    made = {}
    for mode in ("CMYK", "P", "LAB", "YCbCr", "1", "L", "I;16", "F"):
        image = Image.fromarray(rgb)
        if mode == "LAB":
            profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
            image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
        elif mode == "I;16":
            image = Image.fromarray(rgb[..., 0].astype(np.uint16) * 257)
        elif mode == "F":
            image = Image.fromarray(rgb[..., 0].astype(np.float32) / 255)
        else:
            image = image.convert(mode)
        encoded = io.BytesIO()
        image.save(encoded, "TIFF", compression=None if mode == "LAB" else "tiff_lzw", tiffinfo={270: "a description"})
        made[mode] = encoded.getvalue()
    for name, options in (
        ("tiles", {"tile": (16, 16)}),
        ("planes", {"planarconfig": "separate"}),
        ("9000 strips", {"rowsperstrip": 1}),
    ):
        encoded = io.BytesIO()
        pixels = np.repeat(rgb, 450, axis=0) if name == "9000 strips" else rgb
        pixels = pixels.transpose(2, 0, 1) if name == "planes" else pixels
        tifffile.imwrite(encoded, pixels, photometric="rgb", description="a description", metadata=None, **options)
        made[name] = encoded.getvalue()
    return made


@pytest.mark.parametrize("name", ["CMYK", "P", "LAB", "YCbCr", "1", "L", "I;16", "F", "tiles", "planes", "9000 strips"])
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_layout_tags_of_old_pixels_are_not_carried(name, suffix, rgb, tmp_path):
    smooth = np.clip(np.add.outer(np.arange(20) * 5, np.arange(30) * 4)[..., None] + [0, 20, 40], 0, 255).astype(
        np.uint8
    )
    path, _, photo = rewritten(tiff_layouts(smooth)[name], suffix, tmp_path, ".tif")
    expected = {"I;16": smooth[..., :1], "F": smooth[..., :1], "L": None, "1": None, "P": None}.get(name, smooth)
    if name == "9000 strips":
        expected = np.repeat(smooth, 450, axis=0)
    if expected is not None:
        assert np.max(np.abs(photo.rgb.astype(int) - expected)) <= (12 if name in ("CMYK", "YCbCr", "LAB") else 1)
    if suffix != ".jpg":
        # Readers that share no code with the writer agree.
        assert np.array_equal(cv2.imread(str(path))[..., ::-1], photo.rgb)
    if suffix == ".tif":
        with Image.open(path) as image:
            assert image.tag_v2[270] == "a description"


def test_converted_pixels_lose_the_old_profile(tmp_path):
    encoded = io.BytesIO()
    Image.new("CMYK", (8, 8), (10, 20, 30, 0)).save(encoded, "TIFF", icc_profile=b"no profile")
    path, _, photo = rewritten(encoded.getvalue(), ".tif", tmp_path, ".tif")
    assert photo.metadata.icc_profile is None
    with Image.open(path) as written:
        assert written.mode == "RGB" and "icc_profile" not in written.info


def test_big_tiff(rgb, tmp_path):
    encoded = io.BytesIO()
    tifffile.imwrite(encoded, rgb, photometric="rgb", bigtiff=True, description="a description", metadata=None)
    _, notes, photo = rewritten(encoded.getvalue(), ".tif", tmp_path, ".tif")
    assert np.array_equal(photo.rgb, rgb) and notes == []
    assert rewritten(encoded.getvalue(), ".jpg", tmp_path, ".tif")[1] == []


def test_a_preview_is_named_and_not_carried(rgb, tmp_path):
    thumbnail = jpeg(rgb[:8, :8])
    block = exif_block([(0x010F, 2, 4, b"cam\0")])[:-4]
    second = len(block) - 6 + 4
    entries = [
        (0x0103, 3, 1, b"\6\0"),
        (0x0201, 4, 1, struct.pack("<L", second + 42)),
        (0x0202, 4, 1, struct.pack("<L", len(thumbnail))),
    ]
    packed = struct.pack("<H", 3) + b"".join(struct.pack("<HHL", *e[:3]) + e[3].ljust(4, b"\0") for e in entries)
    content = jpeg(rgb, exif=block + struct.pack("<L", second) + packed + b"\0" * 4 + thumbnail)
    path, _, photo = rewritten(content, ".jpg", tmp_path)
    assert photo.notes == ["not carried over: EXIF preview, which shows the photo before."]
    with Image.open(path) as written:
        assert not written.getexif().get_ifd(1)


def test_dpi_in_centimetres_and_nonsense(rgb, tmp_path):
    encoded = io.BytesIO()
    tifffile.imwrite(encoded, rgb, photometric="rgb", resolution=(100, 100), resolutionunit="CENTIMETER")
    _, _, photo = rewritten(encoded.getvalue(), ".png", tmp_path, ".tif")
    assert photo.metadata.dpi == pytest.approx((254, 254))
    encoded = io.BytesIO()
    tags = [(tag, "2I", 1, (1, 0), True) for tag in (282, 283)]
    tifffile.imwrite(encoded, rgb, photometric="rgb", metadata=None, extratags=tags)
    rewritten(encoded.getvalue(), ".jpg", tmp_path, ".tif")


def test_jpeg_keeps_its_quality_and_size(rng, tmp_path):
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((320, 240))
    for quality, subsampling in ((30, 2), (75, 2), (92, 0), (75, 1)):
        smooth.save(tmp_path / "in.jpg", quality=quality, subsampling=subsampling)
        photo = read_photo(tmp_path / "in.jpg")
        write_image(tmp_path / "out.jpg", photo.rgb, like=photo)
        ratio = (tmp_path / "out.jpg").stat().st_size / (tmp_path / "in.jpg").stat().st_size
        assert 0.8 < ratio < 1.2
        with Image.open(tmp_path / "in.jpg") as before, Image.open(tmp_path / "out.jpg") as after:
            assert before.quantization == after.quantization
    write_image(tmp_path / "small.jpg", photo.rgb, like=photo, quality=20)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "out.jpg").stat().st_size / 1.5
    write_image(tmp_path / "lossy.webp", photo.rgb, like=photo, quality=50)
    write_image(tmp_path / "exact.webp", photo.rgb, like=photo)
    assert (tmp_path / "lossy.webp").stat().st_size < (tmp_path / "exact.webp").stat().st_size / 3


def test_colours_under_transparency_are_kept_in_webp(rgb, tmp_path):
    alpha = np.zeros((20, 30), np.uint8)
    Image.fromarray(np.dstack([rgb, alpha])).save(tmp_path / "in.png")
    photo = read_photo(tmp_path / "in.png")
    write_image(tmp_path / "out.webp", photo.rgb, like=photo)
    assert np.array_equal(read_photo(tmp_path / "out.webp").rgb, rgb)


def test_profiles_that_imagemagick_writes_as_text(rgb, tmp_path):
    info = PngImagePlugin.PngInfo()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
    iptc = b"\x1c\x02\x50\x00\x08somebody"
    exif = exif_block([(0x010F, 2, 4, b"cam\0"), (0x0112, 3, 1, b"\6\0")])
    for name, data in (("exif", exif), ("xmp", xmp), ("iptc", iptc)):
        info.add_text(f"Raw profile type {name}", f"\n{name}\n{len(data):8}\n{data.hex()}\n", zip=True)
    Image.fromarray(rgb).save(tmp_path / "in.png", pnginfo=info)
    photo = read_photo(tmp_path / "in.png")
    assert photo.orientation == 6 and photo.rgb.shape == (30, 20, 3)
    assert photo.metadata.xmp == xmp and photo.metadata.iptc == iptc
    assert write_image(tmp_path / "out.jpg", photo.rgb, like=photo) == []
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.getexif()[0x010F] == "cam" and written.info["xmp"] == xmp


def test_resolution_goes_into_the_exif_of_webp(rgb, tmp_path):
    Image.fromarray(rgb).save(tmp_path / "in.jpg", dpi=(300, 300))
    photo = read_photo(tmp_path / "in.jpg")
    write_image(tmp_path / "out.webp", photo.rgb, like=photo)
    assert read_photo(tmp_path / "out.webp").metadata.dpi == pytest.approx((300, 300), abs=0.01)
