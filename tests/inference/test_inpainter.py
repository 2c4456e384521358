import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def inpainter():
    return Inpainter(build_model("deepfill_v1", width=4))


def photo_and_hole(height, width, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : max(1, height // 2), width // 4 : max(1, width // 2)] = True
    return image, hole


@pytest.mark.parametrize("height,width", [(1, 2), (2, 1), (3, 200), (7, 9), (8, 8), (50, 33), (129, 64)])
def test_any_size_and_known_pixels_bit_identical(inpainter, height, width):
    image, hole = photo_and_hole(height, width)
    before = image.copy()
    result = inpainter.run(image, hole)
    assert result.completed.dtype == np.uint8 and result.completed.shape == image.shape
    assert np.array_equal(result.completed[~hole], image[~hole])
    assert np.array_equal(image, before)
    assert not np.array_equal(result.completed[hole], image[hole])
    assert result.refined.shape == result.coarse.shape == image.shape
    assert result.offsets.shape == (-(-height // 8), -(-width // 8), 2)


def test_hole_is_the_models_output_rounded(inpainter):
    image, hole = photo_and_hole(40, 48)
    outputs = inpainter.model(image[None] / np.float32(127.5) - 1, hole[None, ..., None].astype(np.float32))
    expected = np.rint((outputs["refined"][0].numpy() + 1) * 127.5)
    assert np.max(np.abs(inpainter(image, hole)[hole] - expected[hole])) <= 1
    assert np.mean(inpainter(image, hole)[hole] != expected[hole]) < 0.001


def test_bgr_weights_give_the_mirrored_answer(inpainter):
    image, hole = photo_and_hole(40, 48)
    swapped = Inpainter(inpainter.model, channel_order="BGR")
    assert np.array_equal(swapped(image[..., ::-1].copy(), hole)[..., ::-1], inpainter(image, hole))


def test_uint8_and_bool_masks_are_the_same(inpainter):
    image, hole = photo_and_hole(24, 32)
    levels = np.where(hole, 128, 127).astype(np.uint8)
    expected = inpainter(image, hole)
    assert np.array_equal(inpainter(image, levels), expected)
    assert np.array_equal(inpainter(image, levels[..., None]), expected)


def test_masks_of_opencv_and_of_ones_are_understood(inpainter):
    image, hole = photo_and_hole(16, 24)
    expected = inpainter(image, hole)
    levels = hole.astype(np.uint8)
    for mask in (levels, levels * 100, levels[..., None], np.dstack([levels * 255] * 3), np.dstack([levels] * 3)):
        assert np.array_equal(inpainter(image, mask), expected)
    with pytest.raises(UserError, match="colours of a photo"):
        inpainter(image, image)


def test_two_runs_are_equal_and_new_sizes_build_no_graph():
    inpainter = Inpainter(build_model("deepfill_v1", width=4))
    for height, width in [(16, 16), (24, 40), (33, 17), (100, 52), (9, 80)]:
        image, hole = photo_and_hole(height, width)
        assert np.array_equal(inpainter(image, hole), inpainter(image, hole))
    built = inpainter.traces
    for height, width in [(40, 16), (57, 90)]:
        inpainter(*photo_and_hole(height, width))
    assert inpainter.traces == built


def test_no_hole_is_a_copy(inpainter):
    image, hole = photo_and_hole(20, 20)
    result = inpainter.run(image, np.zeros_like(hole))
    assert np.array_equal(result.completed, image) and result.completed is not image
    assert result.offsets is None


def test_baseline_has_no_offsets():
    image, hole = photo_and_hole(20, 20)
    result = Inpainter(build_model("deepfill_v1_baseline", width=4)).run(image, hole)
    assert result.offsets is None and np.array_equal(result.completed[~hole], image[~hole])


@pytest.mark.parametrize(
    "image,mask,message",
    [
        (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), bool), "uint8 RGB array"),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool), "uint8 RGB array"),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), "uint8 or bool"),
        (np.zeros((8, 9, 3), np.uint8), np.zeros((9, 8), bool), "the image is 9x8, the mask 8x9"),
        (np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), bool), "covers the whole image"),
        ("photo.jpg", np.ones((8, 8), bool), "got str"),
    ],
)
def test_bad_arguments_are_named(inpainter, image, mask, message):
    with pytest.raises(UserError, match=message):
        inpainter(image, mask)
