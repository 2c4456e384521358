"""Writes training photos into TFRecord shards: few large files instead of many small ones.

Photos go in as they are, not decoded; with `short_side` they are scaled down and stored as JPEG.
"""

import pathlib
from typing import Any

import cv2
import tensorflow as tf

from inpaint_tf.data.crops import decode
from inpaint_tf.data.sources import IMAGE_KEY, NAME_KEY
from inpaint_tf.errors import UserError, reason
from inpaint_tf.files import check_free, new_files
from inpaint_tf.progress import progress

JPEG_QUALITY = 95
# Name -> what TensorFlow calls it, and what is added to a file's name.
COMPRESSIONS = {"none": ("", ""), "gzip": ("GZIP", ".gz")}


def write_records(
    source: Any, folder: pathlib.Path, shards: int, short_side: int = 0, compression: str = "none"
) -> list[pathlib.Path]:
    """Writes shards `photos-00000-of-00008.tfrecord`; photo i goes into shard i mod shards.

    Args:
        source: The photos, see `sources`.
        folder: Where to; must not exist or be empty.
        shards: Number of shards, at most the number of photos.
        short_side: Scale photos whose shorter side is larger down to it, in pixels; 0 leaves all as they are.
        compression: Of `COMPRESSIONS`; "gzip" adds .gz to the names.

    Returns:
        Paths of the shards.

    Raises:
        UserError: if the folder is not empty or cannot be written, or a photo cannot be read.
    """
    folder = pathlib.Path(folder)
    check_free(folder)
    if not 1 <= shards <= len(source):
        raise UserError(f"--shards={shards} must lie between 1 and the number of photos, {len(source)}.")
    kind, suffix = COMPRESSIONS[compression]
    names = [f"photos-{index:05d}-of-{shards:05d}.tfrecord{suffix}" for index in range(shards)]
    try:
        with new_files(folder) as partial:
            writers = [tf.io.TFRecordWriter(str(partial / name), kind) for name in names]
            for index in progress(range(len(source)), len(source), "photo"):
                writers[index % shards].write(_example(source, index, short_side).SerializeToString())
            for writer in writers:
                writer.close()
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {folder}: {reason(error)}.") from error
    return [folder / name for name in names]


def _example(source, index, short_side):
    try:
        content = source.read(index)
        if short_side:
            content = _scaled(content, short_side)
    except (OSError, ValueError) as error:
        raise UserError(f"{source.name(index)} {error}; leave it out, or check with --check_data=decode.") from error
    bytes_of = {IMAGE_KEY: content, NAME_KEY: source.name(index).encode()}
    feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in bytes_of.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _scaled(content, short_side):
    photo = decode(content)
    scale = short_side / min(photo.shape[:2])
    if scale >= 1:
        return content
    size = [max(short_side, round(side * scale)) for side in photo.shape[1::-1]]
    photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
