"""Files are opened safely: what is no photo, damaged or too large is one line, soon, whatever the decoder throws."""

import base64
import io
import os
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.data import decoding
from inpaint_tf.data.image_files import check_fits, read_photo, write_image
from inpaint_tf.errors import UserError
from tests.image_files.made_files import jpeg, png

# 64x48, left half blue, right half red; made with pillow-heif.
HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA"
    "AERAAAEAAQAAAAABoQABAAAAAAAAAFcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADd"
    "aXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAA"
    "AwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAF9tZGF0AAAA"
    "UygBrxOA9SeBP//iaUV/4umr/u0NMSremWX/51bIv5Sm3bgMaS6pRb4mcz5koVae2YN6fRWR+/z/VgSSOKtSoUjI/hrWWy4m12Qcta6/FVl8lSR4"
)


def error_of(path, **options):
    with pytest.raises(UserError) as caught:
        read_photo(path, **options)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    started = time.process_time()
    assert "is a pipe or device" in error_of(tmp_path / "pipe.png")
    assert "is a pipe or device" in error_of("/dev/zero")
    assert time.process_time() - started < 1


def test_links_to_nothing_and_loops(tmp_path):
    (tmp_path / "a.png").symlink_to("nothing.png")
    assert "is a link to nothing.png, which does not exist" in error_of(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("b.png")
    assert "cannot be read" in error_of(tmp_path / "b.png")


def test_no_other_program_is_started(tmp_path, monkeypatch):
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    assert "is not an image" in error_of(tmp_path / "a.png")
    assert not (tmp_path / "started").exists()


def bombs():
    """Name -> a small file with a header that claims many pixels."""
    header = b"IHDR" + struct.pack(">LLBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">L", 13) + header + struct.pack(">L", zlib.crc32(header))
    tags = [(256, 40000), (257, 40000), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 40000), (279, 100)]
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    tiff += b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags) + b"\0" * 4
    image = jpeg(np.zeros((8, 8, 3), np.uint8))
    place = image.index(b"\xff\xc0")
    return {
        "png": b"\x89PNG\r\n\x1a\n" + chunk,
        "tiff": tiff,
        "jpeg": image[: place + 5] + struct.pack(">HH", 40000, 40000) + image[place + 9 :],
        "gif": b"GIF89a" + struct.pack("<HHBBB", 40000, 40000, 0, 0, 0) + b"," + bytes(9),
        "bmp": b"BM"
        + struct.pack("<LHHLLllHHLLllLL", 60, 0, 0, 54, 40, 40000, 40000, 1, 24, 0, 0, 1, 1, 0, 0)
        + bytes(9),
    }


@pytest.mark.parametrize("name", bombs())
def test_the_number_of_pixels_is_known_before_decoding(name, tmp_path):
    (tmp_path / "a.png").write_bytes(bombs()[name])
    started = time.process_time()
    message = error_of(tmp_path / "a.png", max_pixels=100_000_000)
    # Pillow looks for pixels in PNG and GIF before it says how many there would be.
    too_many = "1600 million pixels, 100 million are accepted (--max_pixels)"
    assert too_many in message or (name in ("png", "gif") and "is not an image" in message)
    assert time.process_time() - started < 1


def test_large_phone_photos_are_taken_when_memory_allows(tmp_path, monkeypatch):
    Image.new("L", (20000, 10000)).save(tmp_path / "a.png")
    monkeypatch.setattr(decoding, "free_memory", lambda: 8 << 30)
    assert decoding.picture_size(tmp_path / "a.png") == (10000, 20000)
    monkeypatch.setattr(decoding, "free_memory", lambda: 2 << 30)
    with pytest.raises(UserError, match="200 million pixels"):
        decoding.picture_size(tmp_path / "a.png")
    # Pillow's own limits are left as they were.
    assert Image.MAX_IMAGE_PIXELS is not None


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "PNG", "TIFF", "AVIF"])
def test_only_the_first_frame_is_taken(kind, rgb, tmp_path):
    frames = [Image.fromarray(rgb)] + [Image.new("RGB", (30, 20), (i, 0, 0)) for i in range(5)]
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}}.get(kind, {})
    frames[0].save(tmp_path / "a.img", kind, save_all=True, append_images=frames[1:], **options)
    photo = read_photo(tmp_path / "a.img")
    assert photo.notes == ["only the first of 6 frames was taken."]
    if kind in ("WEBP", "PNG", "TIFF"):
        assert np.array_equal(photo.rgb, rgb)


def damaged():
    """(kind, bytes) of files that are cut or changed in the middle."""
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "AVIF", "BMP", "PPM", "JPEG2000", "ICO"):
        encoded = io.BytesIO()
        picture.save(encoded, kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
        content = encoded.getvalue()
        for share in (0.02, 0.3, 0.7, 0.95):
            yield kind, content[: int(len(content) * share)]
        generator = np.random.default_rng(5)
        for _ in range(12):
            changed = bytearray(content)
            for place in generator.integers(0, min(len(content), 400), 5):
                changed[place] = generator.integers(256)
            yield kind, bytes(changed)


def test_whatever_a_decoder_throws_is_one_line(tmp_path):
    refused = 0
    for number, (kind, content) in enumerate(damaged()):
        path = tmp_path / f"{number}.{kind.lower()}"
        path.write_bytes(content)
        try:
            read_photo(path, max_pixels=10_000_000)
        except UserError as error:
            refused += 1
            assert str(error).startswith(str(path)) and "\n" not in str(error)
    assert refused > 80


def test_half_written_gif(tmp_path):
    frames = [Image.effect_noise((64, 64), 50) for _ in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    content = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(content[: len(content) // 8])
    assert "is damaged" in error_of(tmp_path / "a.gif")


def test_damaged_metadata_is_dropped_and_not_the_photo(rgb, tmp_path):
    broken = [
        (0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff"),
        (0xE2, b"MPF\0nonsense"),
        (0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    ]
    (tmp_path / "a.jpg").write_bytes(jpeg(rgb, segments=broken))
    assert read_photo(tmp_path / "a.jpg").rgb.shape == rgb.shape
    for chunk in ((b"iCCP", b"name\0\0nonsense"), (b"zTXt", b"Comment\0\0nonsense"), (b"eXIf", b"nonsense")):
        (tmp_path / "a.png").write_bytes(png(rgb, [chunk]))
        assert np.array_equal(read_photo(tmp_path / "a.png").rgb, rgb)


def test_heic_is_read_or_named(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(base64.b64decode(HEIC))
    pytest.importorskip("pi_heif")
    photo = read_photo(tmp_path / "a.heic")
    assert photo.rgb.shape == (48, 64, 3)
    assert photo.rgb[20, 10, 2] > 150 > photo.rgb[20, 10, 0] and photo.rgb[20, 50, 0] > 150
    monkeypatch.setattr(decoding, "register_heif", lambda: False)
    assert "HEIC photos need the extra heif (pip install 'inpaint_tf[heif]')" in error_of(tmp_path / "a.heic")


def test_sides_that_a_format_cannot_hold(tmp_path):
    for suffix, side in ((".webp", 16384), (".jpg", 65536)):
        with pytest.raises(UserError, match=rf"holds at most {side - 1} pixels a side, this is {side}x1; choose .png"):
            check_fits(tmp_path / f"a{suffix}", 1, side)
        with pytest.raises(UserError, match="holds at most"):
            write_image(tmp_path / f"a{suffix}", np.zeros((1, side, 3), np.uint8))
    check_fits(tmp_path / "a.png", 1, 100_000)


def test_names_are_shown_without_what_moves_the_terminal(tmp_path):
    with pytest.raises(UserError, match=r"\\x1b\[31m"):
        read_photo(tmp_path / "a\x1b[31m\n.png")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("wanted", ["RGB", "L", None])
def test_pixels_taken_by_strips_are_the_same(mode, wanted, rgb, monkeypatch):
    monkeypatch.setattr(decoding, "_STRIP_PIXELS", 70)
    image = Image.fromarray(rgb).convert(mode)
    assert np.array_equal(decoding.pixels_of(image, wanted), np.array(image.convert(wanted) if wanted else image))


def test_decoders_print_nothing(tmp_path, capfd):
    for number, (kind, content) in enumerate(damaged()):
        if kind in ("TIFF", "PNG", "JPEG", "WEBP"):
            (tmp_path / f"{number}.x").write_bytes(content)
            try:
                read_photo(tmp_path / f"{number}.x", max_pixels=10_000_000)
            except UserError:
                continue
    said = capfd.readouterr()
    assert said.out == said.err == ""
