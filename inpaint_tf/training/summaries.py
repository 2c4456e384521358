"""TensorBoard event files, written without the tensorboard package (only looking at them needs it)."""

import pathlib
from collections.abc import Mapping

import tensorflow as tf


class EventWriter:
    """Writes numbers and pictures for TensorBoard.

    Args:
        folder: Where the event file goes; None writes nothing.
    """

    def __init__(self, folder: pathlib.Path) -> None:
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
