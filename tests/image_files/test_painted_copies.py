"""Masks that are copies of the photo, painted over, as programs save them."""

import cv2
import numpy as np
import pytest
from PIL import Image

from inpaint_tf.data.mask_files import read_hole
from inpaint_tf.data.painted_copies import hole_from_difference, refuse_copy
from inpaint_tf.errors import UserError


@pytest.mark.parametrize("colour", [(255, 0, 0), (255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_strokes_on_a_copy_of_the_photo(colour, suffix, tmp_path):
    photo = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8), (0, 0), 3)
    photo = np.uint8(np.clip((photo.astype(float) - 128) * 6 + 128, 20, 235))
    painted, hole = photo.copy(), np.zeros((80, 120), bool)
    hole[20:40, 30:90] = True
    painted[hole] = colour
    Image.fromarray(painted).save(tmp_path / f"p{suffix}", quality=80)
    reading = read_hole(tmp_path / f"p{suffix}")
    with pytest.raises(UserError, match="painted over; --mask_from_difference"):
        refuse_copy(photo, reading)
    found = hole_from_difference(photo, reading.levels).hole
    if suffix == ".png":
        assert found[hole].all() and found[~hole].mean() < 0.01
    else:  # A lossy copy's edges are soft: the hole may be a little larger, never smaller.
        assert found[hole].mean() > 0.97 and found[~hole].mean() < 0.08
    with pytest.raises(UserError, match="does not differ"):
        hole_from_difference(photo, photo)
    with pytest.raises(UserError, match="everywhere"):
        hole_from_difference(photo, 255 - photo)


def test_the_photo_itself_is_no_mask(tmp_path):
    rng = np.random.default_rng(0)
    colours, others = rng.integers(0, 256, (2, 40, 60, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "m.png")
    reading = read_hole(tmp_path / "m.png")
    with pytest.raises(UserError, match="shows the photo itself"):
        refuse_copy(colours, reading)
    refuse_copy(others, reading)


def test_a_soft_mask_of_a_dark_photo_is_no_copy_of_it(tmp_path):
    night = np.random.default_rng(3).integers(0, 14, (80, 120, 3), dtype=np.uint8)
    night[::20, ::30] = 220
    spot = cv2.circle(np.zeros((80, 120), np.uint8), (60, 40), 10, 255, -1)
    cv2.imwrite(str(tmp_path / "m.png"), cv2.GaussianBlur(spot, (0, 0), 1.5))
    reading = read_hole(tmp_path / "m.png")
    refuse_copy(night, reading)
    assert np.array_equal(reading.hole, cv2.imread(str(tmp_path / "m.png"), 0) > 127)
    # With strokes of any colour it is one, above all in white: its stars must not be taken as hole. So is a drawing in
    # black and white with black strokes.
    for name, colour in (("p.png", (255, 0, 0)), ("w.png", (255, 255, 255))):
        painted = night.copy()
        painted[spot > 0] = colour
        cv2.imwrite(str(tmp_path / name), painted[..., ::-1])
    drawing = np.full((80, 120, 3), 255, np.uint8)
    cv2.line(drawing, (10, 10), (100, 60), (0, 0, 0), 1, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "d.png"), np.where(spot[..., np.newaxis] > 0, np.uint8(0), drawing))
    for photo, name in ((night, "p.png"), (night, "w.png"), (drawing, "d.png")):
        with pytest.raises(UserError, match="--mask_from_difference"):
            refuse_copy(photo, read_hole(tmp_path / name))


@pytest.fixture(scope="module")
def framed():
    """A textured picture on plain white, more than half of it, and a stroke across the picture."""
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (200, 300, 3), dtype=np.uint8), (0, 0), 1.5)
    photo = np.full((320, 480, 3), 255, np.uint8)
    photo[60:260, 90:390] = np.clip((picture.astype(float) - 128) * 3 + 128, 0, 255)
    hole = np.zeros((320, 480), np.uint8)
    cv2.line(hole, (150, 120), (330, 200), 1, 20)
    return photo, hole > 0


def as_jpeg(painted, _):
    return cv2.imdecode(cv2.imencode(".jpg", painted, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], cv2.IMREAD_COLOR)


def as_another_decoder(painted, rng):
    noise = rng.integers(-1, 2, painted.shape) * (rng.random(painted.shape) < 0.2)
    return np.clip(painted + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("saved", [as_jpeg, as_another_decoder])
def test_noise_of_a_copy_is_no_paint_where_half_the_photo_is_plain(saved, framed):
    photo, stroke = framed
    painted = photo.copy()
    painted[stroke] = (255, 0, 255)
    hole = hole_from_difference(photo, saved(painted, np.random.default_rng(2))).hole
    assert hole[stroke].mean() > 0.99
    around = cv2.dilate(stroke.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0  # A JPEG's block, both ways.
    assert not hole[~around].any()


@pytest.mark.parametrize("size", [(1, 40), (10, 12), (15, 40)])
def test_photos_smaller_than_what_noise_is_looked_for_in(size):
    photo = np.full((*size, 3), 90, np.uint8)
    painted = photo.copy()
    painted[0, 0] = 200
    hole = hole_from_difference(photo, painted).hole
    assert hole[0, 0] and hole.sum() == 1


def test_a_soft_brush_on_an_exact_copy_is_taken_to_its_last_level(framed):
    photo, stroke = framed
    opacity = cv2.GaussianBlur(stroke.astype(np.float32), (0, 0), 9)[..., np.newaxis]
    painted = np.round(photo * (1 - opacity) + np.float32((230, 40, 40)) * opacity).astype(np.uint8)
    hole = hole_from_difference(photo, painted).hole
    assert hole[(painted != photo).any(axis=-1)].all()
    assert not hole[opacity[..., 0] < 1e-4].any()
