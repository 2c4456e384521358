"""TensorBoard event files, written without the tensorboard package (only looking at them needs it)."""

import pathlib
import time
from collections.abc import Mapping

import tensorflow as tf


class EventWriter:
    """Writes numbers and pictures for TensorBoard.

    Args:
        folder: Where the event file goes; None writes nothing.
        resumed_after: Step that the run resumes after; TensorBoard forgets what an earlier process wrote of later ones.
            None at the start of a run.
    """

    def __init__(self, folder: pathlib.Path | None, resumed_after: int | None = None) -> None:
        if folder is not None and resumed_after is not None:
            _purge(folder, resumed_after + 1)
        self._writer = None if folder is None else tf.summary.create_file_writer(str(folder))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Writes a dictionary of numbers under their names."""
        pairs = [tf.compat.v1.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(tf.compat.v1.Summary(value=pairs), step)

    def picture(self, name: str, encoded: bytes, height: int, width: int, step: int) -> None:
        """Writes an encoded PNG or JPEG of the given size."""
        image = tf.compat.v1.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=encoded)
        self._write(tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag=name, image=image)]), step)

    def _write(self, summary, step):
        if self._writer is not None:
            with self._writer.as_default():
                tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)
            self._writer.flush()

    def close(self) -> None:
        """Finishes the file."""
        if self._writer is not None:
            self._writer.close()


def _purge(folder: pathlib.Path, first: int) -> None:
    """Writes an event file that says: steps from `first` on, of the files before this one, come again.

    `tf.summary` has no such word any more. TensorBoard reads files by their names, which begin with their time.
    """
    start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    now = time.time() - 1
    with tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{int(now)}.resumed_{first}")) as file:
        file.write(tf.compat.v1.Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
        file.write(tf.compat.v1.Event(wall_time=now, step=first, session_log=start).SerializeToString())
