"""Two hundred files of all kinds in one folder: everything that can be done is done, and the summary is exact."""

import io
import os
import types

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from inpaint_tf.commands import inpaint_work
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.data import decoding
from inpaint_tf.data.image_files import read_photo
from tests.image_files.made_files import camera_exif, exif_block, jpeg, png

HEIGHT, WIDTH = 24, 40
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[5:15, 10:30] = True
SMOOTH = np.uint8(np.add.outer(np.arange(HEIGHT) * 4, np.arange(WIDTH) * 2)[..., None] + [20, 40, 60])


class Stub:
    def run(self, image, hole, guide=None, **options):
        filled = np.where(hole[..., None], np.uint8(7), image)
        return types.SimpleNamespace(completed=filled, sources=None, offsets=None, plan=None, notes=())


def written(kind, pixels=SMOOTH, mode=None, **options):
    encoded = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(encoded, kind, **options)
    return encoded.getvalue()


def tiff(values, **options):
    encoded = io.BytesIO()
    options.setdefault("photometric", "rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(encoded, values, metadata=None, **options)
    return encoded.getvalue()


def lab():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return written("TIFF", ImageCms.profileToProfile(Image.fromarray(SMOOTH), *profiles, outputMode="LAB"))


def sideways():
    exif = Image.Exif()
    exif[0x0112] = 6
    return written("JPEG", np.rot90(SMOOTH).copy(), exif=exif)


def good():
    """(suffix, content) of photos that are completed."""
    unit = (SMOOTH / 255).astype(np.float32)
    alpha = np.dstack([SMOOTH, np.full((HEIGHT, WIDTH), 200, np.uint8)])
    frames = [Image.new("RGB", (WIDTH, HEIGHT), (i, 9, 9)) for i in range(3)]
    return [
        (".png", written("PNG")), (".PNG", written("PNG", mode="L")), (".png", written("PNG", alpha)),
        (".png", written("PNG", mode="P")), (".png", written("PNG", SMOOTH[..., 0].astype(np.uint16) * 16)),
        (".png", png(SMOOTH, [(b"zTXt", b"Comment\0\0nonsense")])), (".png", written("JPEG")), (".jpg", sideways()),
        (".jpg", jpeg(SMOOTH, camera_exif().tobytes())), (".JPG", written("JPEG", mode="CMYK")),
        (".jfif", jpeg(SMOOTH, exif_block([(0x0112, 2, 2, b"6\0")]))), (".jpe", jpeg(SMOOTH, exif_block([]))),
        (".jpeg", jpeg(SMOOTH, b"Exif\0\0nonsense")),
        (".jpg", jpeg(SMOOTH, segments=[(0xED, b"Photoshop 3.0\x008BIM")])),
        (".webp", written("WEBP", lossless=True)),
        (".gif", written("GIF", frames[0], save_all=True, append_images=frames[1:])),
        (".avif", written("AVIF")), (".bmp", written("BMP")), (".jp2", written("JPEG2000")), (".ppm", written("PPM")),
        (".tif", tiff(unit)), (".tif", tiff(unit * 255)), (".TIFF", tiff(SMOOTH.astype(np.uint16) * 16)),
        (".tif", tiff(SMOOTH.astype(np.uint16).transpose(2, 0, 1) * 257, planarconfig="separate")), (".tif", lab()),
        (".tif", written("TIFF", mode="CMYK")), (".tif", tiff(SMOOTH[..., 0].astype(np.int32))),
        (".tif", tiff(SMOOTH, rowsperstrip=1)),
    ]  # fmt: skip


def half(content):
    return content[: len(content) // 2]


def bad():
    """(suffix, content, words of the reason) of files that are failures."""
    nan = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    return [
        (".png", b"", "it is empty"),
        (".png", b"hello", "is not an image"),
        (".jpg", half(written("JPEG")), "is damaged"),
        (".png", half(written("PNG")), "is damaged"),
        (".gif", half(written("GIF")), "is "),
        (".webp", half(written("WEBP", lossless=True)), "is "),
        (".avif", half(written("AVIF")), "is "),
        (".tif", half(tiff(SMOOTH)), "is "),
        (".tif", tiff(nan), "not numbers"),
        (".png", b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not an image"),
        (".cr2", b"II*\0", "no format of photos"),
        (".png", written("PNG", Image.new("1", (20000, 20000))), "400 million pixels"),
    ]


@pytest.mark.parametrize("total", [200])
def test_two_hundred_mixed_files(total, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(inpaint_work, "_inpainter", lambda options: Stub())
    monkeypatch.setattr(decoding, "free_memory", lambda: 1 << 30)
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    masks.mkdir()
    values = {"usual": 255, "unusual": 1, "empty": 0}
    expected = {"completed": 0, "failed": 0, "left out": 0, "unusual": 0, "empty": 0}
    reasons = {}

    def mask(name, level=255, shape=(HEIGHT, WIDTH)):
        Image.fromarray(np.uint8(np.resize(HOLE, shape) if shape != HOLE.shape else HOLE) * level).save(masks / name)

    def fail(name, why):
        expected["failed"] += 1
        reasons[name] = why

    made, goods, bads = 0, good(), bad()
    while made < total - 12:
        for number, (suffix, content) in enumerate(goods):
            kind = list(values)[(made + number) % 7 % 3] if number % 5 == 0 else "usual"
            (photos / f"good{made + number:03d}{suffix}").write_bytes(content)
            mask(f"good{made + number:03d}.png", values[kind])
            expected["completed"] += 1
            expected[kind] = expected.get(kind, 0) + 1
        made += len(goods)
        for number, (suffix, content, why) in enumerate(bads):
            (photos / f"bad{made + number:03d}{suffix}").write_bytes(content)
            mask(f"bad{made + number:03d}_mask.png")
            fail(f"bad{made + number:03d}{suffix}", why)
        made += len(bads)
    # What is odd by its place or its mask.
    for name in ("unmatched", "size", "copy", "full"):
        (photos / f"{name}.png").write_bytes(written("PNG"))
    mask("size.png", shape=(20, 20))
    (masks / "copy.png").write_bytes(written("PNG"))
    Image.fromarray(np.full((HEIGHT, WIDTH), 255, np.uint8)).save(masks / "full.png")
    fail("unmatched.png", "no mask of that name")
    fail("size.png", "is 20x20, photo")
    fail("copy.png", "shows the photo itself")
    fail("full.png", "covers the whole photo")
    os.mkfifo(photos / "pipe.png")
    mask("pipe.png")
    fail("pipe.png", "is a pipe or device")
    (photos / "gone.png").symlink_to("nothing")
    mask("gone.png")
    fail("gone.png", "does not exist")
    for name in ("._good000.png", ".trashed-1.jpg", "notes.txt"):
        (photos / name).write_bytes(b"x")
    (photos / "folder.png").mkdir()
    (photos / "below").mkdir()
    (photos / "below" / "x.png").write_bytes(written("PNG"))
    entries = len(list(photos.iterdir()))
    assert entries >= total

    code = main(["inpaint", f"--image={photos}", f"--mask={masks}", f"--output={tmp_path / 'out'}"])
    said = capsys.readouterr()
    assert code == 1 and "Traceback" not in said.err
    assert said.out == (
        f"{expected['completed']} completed, 0 kept, {expected['failed']} failed; results in {tmp_path / 'out'}. "
        f"Masks worth a look: {expected['empty']} with no hole, {expected['unusual']} with unusual values.\n"
    )
    failed = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == expected["failed"]
    for name, why in reasons.items():
        assert any(name in line and why in line for line in failed), (name, why)
    for line in (
        "hidden: ._good000.png, .trashed-1.jpg",
        "other kinds of files: notes.txt",
        "photos: folder.png",
        "x.png",
    ):
        assert line in said.err
    outputs = list((tmp_path / "out").iterdir())
    assert len(outputs) == expected["completed"]
    for path in outputs:
        assert read_photo(path).rgb.shape == (HEIGHT, WIDTH, 3), path
    # The same again keeps what is done and fails on the same.
    assert main(["inpaint", f"--image={photos}", f"--mask={masks}", f"--output={tmp_path / 'out'}", "--resume"]) == 1
    assert f"0 completed, {expected['completed']} kept, {expected['failed']} failed" in capsys.readouterr().out
