"""Draws fills of Kodak photos side by side, to be looked at.

    PYTHONPATH=. python experiments/campaign_2/strips.py --images=KODAK_FOLDER --output=strips.jpg PRESET[+poisson] ...

A row a photo: the photo, then the fill of every preset; the crop of 160 pixels around the hole, twice as large.
"""

import cv2
import numpy as np
from absl import app, flags
from judge import CROP, inpainter_named

from inpaint_tf.evaluation.protocols import ImageSource, cut, prepare, protocol_named

FLAGS = flags.FLAGS
flags.DEFINE_list("numbers", ["1", "8", "14", "19", "22"], "Numbers of Kodak photos.")


def main(arguments):
    source = ImageSource(FLAGS.images)
    manifest, holes = prepare(protocol_named("kodak24_center128"), source)
    inpainters = [inpainter_named(name) for name in arguments[1:]]
    rows = []
    for number in map(int, FLAGS.numbers):
        entry = manifest.entries[number - 1].image
        photo = cut(source.read(entry.name), entry.resize, entry.crop)
        fills = [inpainter(photo, holes[number - 1].pixels) for inpainter in inpainters]
        rows.append(np.hstack([cv2.resize(x[CROP, CROP], None, fx=2, fy=2) for x in (photo, *fills)]))
    cv2.imwrite(FLAGS.output, np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    app.run(main)
