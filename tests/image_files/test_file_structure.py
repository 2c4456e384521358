"""Bytes of PNG and JPEG files: what is kept, what is left out, and files that end too early."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from inpaint_tf.data import file_structure


def saved(rgb, kind, **options):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def png(rgb):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", "somebody")
    return saved(rgb, "PNG", pnginfo=chunks, dpi=(72, 72))


def test_chunks_are_named_and_pixels_left_out(png):
    chunks = dict(file_structure.png_chunks(png))
    assert list(chunks) == [b"IHDR", b"tEXt", b"pHYs", b"IEND"] and chunks[b"tEXt"] == b"Author\0somebody"
    assert chunks[b"IHDR"][:8] == (30).to_bytes(4, "big") + (20).to_bytes(4, "big")
    # Cut inside the text, whose chunk is the last that is told, as far as it goes.
    cut = png[: png.index(b"somebody") + 4]
    assert list(file_structure.png_chunks(cut))[-1] == (b"tEXt", b"Author\0some")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_without_metadata_the_pixels_are_the_same(kind, rgb, png):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    content = png if kind == "PNG" else saved(rgb, kind, exif=exif.tobytes(), comment=b"a comment", quality=90)
    plain = file_structure.without_metadata(content)
    assert plain is not None and len(plain) < len(content)
    assert b"somebody" not in plain and b"a camera" not in plain and b"a comment" not in plain
    before, after = (np.asarray(Image.open(io.BytesIO(data))) for data in (content, plain))
    assert np.array_equal(before, after)


def test_other_files_are_left_alone(rgb):
    assert file_structure.without_metadata(saved(rgb, "BMP")) is None and file_structure.without_metadata(b"") is None


def test_a_segment_holds_65535_bytes_with_its_length():
    most = file_structure.jpeg_segment(b"\xff\xe1", b"mark", bytes(65535 - 2 - 4))
    assert most is not None and most[:8] == b"\xff\xe1\xff\xffmark" and len(most) == 2 + 65535
    assert file_structure.jpeg_segment(b"\xff\xe1", b"mark", bytes(65535 - 2 - 4 + 1)) is None


@pytest.mark.parametrize("iptc", [b"\x1c\x02\x05\0\x03abc", b"\x1c\x02\x05\0\x02ab"])
def test_iptc_comes_out_of_photoshops_resource(iptc):
    resource = file_structure.photoshop_resource(iptc)
    assert len(resource) % 2 == 0 and file_structure.iptc_in_resource(resource) == iptc
    assert file_structure.iptc_in_resource(iptc) == iptc
    assert file_structure.iptc_in_resource(file_structure.photoshop_resource(b"")) is None


def test_kinds_by_their_first_bytes(rgb, png):
    assert file_structure.is_heif(b"\0\0\0\x18ftypheic\0\0") and not file_structure.is_heif(b"\0\0\0\x18ftypavif\0\0")
    wide = io.BytesIO()
    Image.fromarray(rgb[..., 0].astype(np.uint16) * 257).save(wide, "PNG")
    assert file_structure.is_wide_png(wide.getvalue())
    assert not any(map(file_structure.is_wide_png, (png, saved(rgb, "JPEG"), b"", png[:20])))
