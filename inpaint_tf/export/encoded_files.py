"""Photo and mask files decoded inside a graph, by the rules of `data.image_files` as far as TensorFlow's operations go.

JPEG, PNG, GIF (its first frame) and BMP. The EXIF orientation is read and applied, since cameras store most portraits
lying; transparent parts of a mask are dark, whatever their colour.
"""

import tensorflow as tf

# A JPEG's EXIF stands in its first segment, a PNG's before its pixels.
_SEARCHED_BYTES = 1 << 16
_ORIENTATION_TAG = 0x0112


def decode_photo(file: tf.Tensor) -> tf.Tensor:
    """An encoded photo, string [] -> uint8 [H, W, 3] RGB, upright; transparency is dropped."""
    pixels = tf.io.decode_image(file, channels=0, expand_animations=False)
    channels = tf.shape(pixels)[2]
    pixels = tf.cond(channels < 3, lambda: tf.repeat(pixels[..., :1], 3, axis=2), lambda: pixels[..., :3])
    return turn_upright(tf.ensure_shape(pixels, [None, None, 3]), exif_orientation(file))


def decode_levels(file: tf.Tensor) -> tf.Tensor:
    """An encoded mask or sketch, string [] -> uint8 [H, W, 1], upright: its brightness, 0 where it is transparent."""
    pixels = tf.io.decode_image(file, channels=0, expand_animations=False)
    channels = tf.shape(pixels)[2]
    # As Pillow has it: ITU-R 601 in 16-bit fractions.
    weights = tf.constant([19595, 38470, 7471], tf.int32)

    def grey() -> tf.Tensor:
        colours = tf.cast(pixels[..., :3], tf.int32)
        return (tf.reduce_sum(colours * weights[: tf.shape(colours)[2]], axis=-1, keepdims=True) + 0x8000) // 0x10000

    levels = tf.cond(channels < 3, lambda: tf.cast(pixels[..., :1], tf.int32), grey)
    opaque = tf.cond(
        channels % 2 > 0, lambda: tf.fill(tf.shape(levels), 255), lambda: tf.cast(pixels[..., -1:], tf.int32)
    )
    levels = tf.cast(levels * opaque // 255, tf.uint8)
    return turn_upright(tf.ensure_shape(levels, [None, None, 1]), exif_orientation(file))


def exif_orientation(file: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of an encoded JPEG or PNG, string [] -> int32 [] from 1 to 8; 1 if there is none."""
    # Two bytes at the end, so that a number that is cut off is 0.
    start = tf.cast(tf.io.decode_raw(tf.strings.substr(file, 0, _SEARCHED_BYTES), tf.uint8), tf.int32)
    data = tf.concat([start, tf.zeros([64], tf.int32)], 0)
    marks = tf.concat([_places(data, b"Exif\0\0II"), _places(data, b"Exif\0\0MM")], 0) + 6
    marks = tf.concat([marks, tf.concat([_places(data, b"eXIfII"), _places(data, b"eXIfMM")], 0) + 4], 0)
    return tf.cond(tf.size(marks) > 0, lambda: _orientation_at(data, tf.reduce_min(marks)), lambda: tf.constant(1))


def _places(data: tf.Tensor, pattern: bytes) -> tf.Tensor:
    """Where a pattern of bytes begins, int32 [N]."""
    count = tf.size(data) - len(pattern) + 1
    found = tf.fill([count], True)
    for index, byte in enumerate(pattern):
        found &= data[index : index + count] == byte
    return tf.cast(tf.where(found)[:, 0], tf.int32)


def _orientation_at(data: tf.Tensor, base: tf.Tensor) -> tf.Tensor:
    """The orientation in the TIFF structure that begins at `base`."""
    last = tf.size(data) - 1
    big = data[base] == ord("M")

    def number(place: tf.Tensor, length: int) -> tf.Tensor:
        indices = tf.expand_dims(place, -1) + tf.range(length)
        values = tf.gather(data, tf.clip_by_value(indices, 0, last))
        values = tf.where(big, values, tf.reverse(values, [-1]))
        # Places in files of 64 KiB fit into 31 bits; damaged ones are clipped above.
        return tf.reduce_sum(values * tf.constant([1 << 8 * (length - 1 - i) for i in range(length)], tf.int32), -1)

    directory = base + tf.clip_by_value(number(base + 4, 4), 0, last)
    count = tf.minimum(number(directory, 2), 1024)
    entries = directory + 2 + 12 * tf.range(count)
    wanted = (number(entries, 2) == _ORIENTATION_TAG) & (number(entries + 2, 2) == 3)
    found = tf.boolean_mask(number(entries + 8, 2), wanted)
    value = tf.cond(tf.size(found) > 0, lambda: found[0], lambda: tf.constant(1))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def turn_upright(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Stored pixels [H, W, C] turned upright, see `data.upright`; orientation is int32 [] from 1 to 8."""

    def among(*numbers: int) -> tf.Tensor:
        return tf.reduce_any(tf.constant(numbers) == orientation)

    channels = pixels.shape[-1]
    pixels = tf.cond(among(5, 6, 7, 8), lambda: tf.transpose(pixels, [1, 0, 2]), lambda: pixels)
    pixels = tf.cond(among(3, 4, 7, 8), lambda: tf.reverse(pixels, [0]), lambda: pixels)
    pixels = tf.cond(among(2, 3, 6, 7), lambda: tf.reverse(pixels, [1]), lambda: pixels)
    return tf.ensure_shape(pixels, [None, None, channels])
