"""Damaged TFRecord shards: named when they are opened, or when the record is read; never decoded in silence."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.data import tfrecords
from inpaint_tf.data.pipeline import PhotoLoader
from inpaint_tf.data.sources import open_source
from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig


@pytest.fixture
def shard(tmp_path):
    """A shard of three photos."""
    rng = np.random.default_rng(0)
    path = tmp_path / "photos.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(3):
            photo = tf.io.encode_png(rng.integers(0, 255, (40, 40, 3), np.uint8)).numpy()
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[photo]))
            example = tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature}))
            writer.write(example.SerializeToString())
    return path


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def test_records_are_those_that_tensorflow_reads(shard):
    ours = [tfrecords.read(shard, *place) for place in tfrecords.places(shard)]
    assert ours == [record.numpy() for record in tf.data.TFRecordDataset(str(shard))]


@pytest.mark.parametrize("position", [0, 7, 8, 11])
def test_a_flipped_bit_in_a_header_is_named(shard, position):
    flip(shard, position)
    with pytest.raises(UserError, match="damaged or no TFRecord file: at byte 0 no record begins"):
        open_source(str(shard))


def test_a_shard_that_is_cut_off_is_named(shard):
    shard.write_bytes(shard.read_bytes()[:-3])
    with pytest.raises(UserError, match="cut off: the record at byte .* does not end"):
        open_source(str(shard))


def test_a_flipped_bit_in_a_record_is_found_without_any_check_before(shard):
    """With --check_data=off the loader is the first that reads it: the photo is replaced and named."""
    source = open_source(str(shard))
    flip(shard, int(source.offset[1]) + 2000)
    with pytest.raises(ValueError, match="the record is damaged: its checksum does not match"):
        source.read(1)
    loader = PhotoLoader(source, TrainingConfig(train_data=str(shard), image_size=32))
    assert loader(0, 1).shape == (32, 32, 3)
    assert list(loader.failures.values()) == ["the record is damaged: its checksum does not match"]


def test_a_record_that_is_no_example_is_replaced(tmp_path, shard):
    path = tmp_path / "other.tfrecord"
    good = [tfrecords.read(shard, *place) for place in tfrecords.places(shard)]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in (b"\xff\xff\xff no protocol buffer", *good):
            writer.write(content)
    loader = PhotoLoader(open_source(str(path)), TrainingConfig(train_data=str(path), image_size=32))
    assert loader(0, 0).shape == (32, 32, 3)
    assert "the record is no tf.train.Example" in next(iter(loader.failures.values()))
