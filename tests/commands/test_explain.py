import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photo of 48x40 with a mask and a preset."""
    folder = tmp_path_factory.mktemp("explain")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(folder / "photo.png")
    mask = np.zeros((40, 48), np.uint8)
    mask[8:24, 16:32] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    Image.fromarray(mask[:20]).save(folder / "small.png")
    save_preset(folder / "preset", build_model("deepfill_v1", width=8), "deepfill_v1", {"width": 8}, "RGB", "random")
    return folder


def call(folder, *words):
    given = {word.partition("=")[0] for word in words}
    defaults = [f"--image={folder}/photo.png", f"--mask={folder}/mask.png", f"--preset={folder}/preset"]
    return main(["explain", *(word for word in defaults if word.partition("=")[0] not in given), *words])


def test_pictures_are_written_and_named(folder, tmp_path, capsys):
    assert call(folder, "--at=20,12", f"--output={tmp_path}/why") == 0
    printed = capsys.readouterr().out
    assert "attention.png" in printed and "looked most at" in printed
    assert (tmp_path / "why" / "animation.webp").exists()
    assert call(folder, f"--output={tmp_path}/why") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(folder, f"--output={tmp_path}/why", "--overwrite") == 0


def test_a_mask_in_the_sensors_layout_is_turned_as_the_photo(folder, tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(folder / "photo.png").save(tmp_path / "lying.png", exif=exif)
    assert call(folder, f"--image={tmp_path}/lying.png", f"--output={tmp_path}/why") == 0
    assert "mask.png was turned as the photo's EXIF orientation says." in capsys.readouterr().out


@pytest.mark.parametrize(
    "words,said",
    [
        (["--at=20"], "column,row"),
        (["--at=0,0"], "nearest that was is 16,8"),
        (["--at=100,0"], "outside the photo of 48x40"),
        (["--mask=nowhere.png"], "nowhere.png"),
        (["extra"], "flags only"),
        (["--mask={folder}/small.png"], "48x20"),
    ],
)
def test_what_is_wrong_is_one_line(folder, tmp_path, capsys, words, said):
    words = [word.format(folder=folder) for word in words]
    assert call(folder, f"--output={tmp_path}/out", *words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
