"""The stream of batches: every photo once an epoch, the same from any starting point, cut evenly between workers."""

import types

import cv2
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data.crops import augment, decode, to_square
from inpaint_tf.data.pipeline import PhotoLoader, photo_batches, shuffled_index
from inpaint_tf.data.sources import FileSource, open_source
from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig

CONFIG = TrainingConfig(image_size=32, batch_size=4, seed=7, data_workers=2)


def take(dataset, count):
    return [batch.numpy() for batch in dataset.take(count)]


def test_an_epoch_shows_every_photo_once_in_an_order_of_its_own(photos):
    loader = PhotoLoader(open_source(str(photos)), CONFIG)
    batches = np.stack(take(photo_batches(loader, CONFIG, 0), 6))
    assert batches.shape == (6, 4, 32, 32, 3) and batches.dtype == np.uint8
    greys = np.round(batches[:, :, 0, 0, 0].reshape(2, 12) / 10)
    np.testing.assert_array_equal(np.sort(greys), [np.arange(1, 13)] * 2)
    assert (greys[0] != greys[1]).any() and (greys[0] != np.sort(greys[0])).any()


def test_the_stream_goes_on_exactly(photos):
    rng = np.random.default_rng(0)
    for path in photos.glob("*.jpg"):
        cv2.imwrite(str(path), rng.integers(0, 255, (40, 48, 3)).astype(np.uint8))
    config = TrainingConfig(image_size=32, batch_size=4, seed=7, flip=True, colour_jitter=0.2)
    loader = PhotoLoader(open_source(str(photos)), config)
    whole = take(photo_batches(loader, config, 0), 5)
    np.testing.assert_array_equal(take(photo_batches(loader, config, 3), 2), whole[3:])
    other = TrainingConfig(image_size=32, batch_size=4, seed=8)
    assert (take(photo_batches(PhotoLoader(loader.source, other), other, 0), 1)[0] != whole[0]).any()


def test_workers_cut_the_global_batch(photos):
    loader = PhotoLoader(open_source(str(photos)), CONFIG)
    whole = take(photo_batches(loader, CONFIG, 2), 2)
    for worker in range(2):
        context = types.SimpleNamespace(num_replicas_in_sync=4, num_input_pipelines=2, input_pipeline_id=worker)
        parts = take(photo_batches(loader, CONFIG, 2, context), 4)
        # Each worker has two replicas with one image each, one element after the other.
        rows = [part[0] for part in parts]
        expected = [whole[batch][2 * worker + replica] for batch in range(2) for replica in range(2)]
        np.testing.assert_array_equal(rows, expected)


def test_shuffled_index_is_a_permutation_for_every_epoch():
    orders = tf.map_fn(lambda p: shuffled_index(p, 101, 3), tf.range(303, dtype=tf.int64)).numpy().reshape(3, 101)
    np.testing.assert_array_equal(np.sort(orders), [np.arange(101)] * 3)
    assert (orders[0] != orders[1]).mean() > 0.9


def test_a_photo_that_breaks_later_is_replaced_and_remembered(photos):
    source = open_source(str(photos))
    (photos / "04.jpg").write_bytes(b"gone")
    loader = PhotoLoader(source, CONFIG)
    image = loader(0, 4)
    assert round(image.mean() / 10) == 6
    assert loader.failures == {str(photos / "04.jpg"): "is not an image that can be read"}


def test_gives_up_when_no_photo_can_be_read():
    with pytest.raises(UserError, match="in a row cannot be read, last /nowhere/0.jpg"):
        PhotoLoader(FileSource(["/nowhere/0.jpg"]), CONFIG)(0, 0)


def test_decode_takes_grey_alpha_and_orientation(tmp_path):
    grey = cv2.imencode(".png", np.full((4, 6), 7, np.uint8))[1].tobytes()
    np.testing.assert_array_equal(decode(grey), np.full((4, 6, 3), 7))
    red = np.zeros((4, 6, 4), np.uint8)
    red[..., 2:] = 255
    np.testing.assert_array_equal(decode(cv2.imencode(".png", red)[1].tobytes())[0, 0], [255, 0, 0])
    for content in (b"", b"no image"):
        with pytest.raises(ValueError, match="is empty|is not an image"):
            decode(content)


def test_to_square():
    rng = np.random.default_rng(0)
    photo = np.arange(40 * 60, dtype=np.uint8).reshape(40, 60, 1).repeat(3, axis=2)
    crops = {to_square(photo, 32, "random_crop", rng)[0, 0, 0] for _ in range(50)}
    assert len(crops) > 20
    assert to_square(photo, 40, "random_crop", rng).shape == (40, 40, 3)
    assert to_square(photo, 16, "fit_crop", rng).shape == (16, 16, 3)
    assert to_square(photo, 64, "fit_crop", rng).shape == (64, 64, 3)
    assert to_square(photo, 16, "scaled_crop", rng).shape == (16, 16, 3)
    assert to_square(photo, 64, "scaled_crop", rng).shape == (64, 64, 3)
    widths = {np.unique(to_square(photo, 8, "scaled_crop", rng)).size for _ in range(50)}
    assert len(widths) > 5
    assert to_square(photo, 16, "resize", rng).shape == (16, 16, 3)
    with pytest.raises(ValueError, match="is 60x40, smaller than 48"):
        to_square(photo, 48, "random_crop", rng)


def test_augment():
    rng = np.random.default_rng(0)
    image = rng.integers(60, 180, (8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(augment(image, False, 0.0, rng), image)
    flipped = [(augment(image, True, 0.0, rng) == image[:, ::-1]).all() for _ in range(200)]
    assert 70 < sum(flipped) < 130
    means = [augment(image, False, 0.3, rng).mean() / image.mean() for _ in range(200)]
    assert 0.68 < min(means) < 0.8 and 1.2 < max(means) < 1.32
