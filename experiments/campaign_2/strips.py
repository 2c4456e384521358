"""Draws what presets make of six of the gallery's cases, side by side, to be looked at.

    PYTHONPATH=.:experiments/gallery python experiments/campaign_2/strips.py --output=FILE.jpg PRESET[+poisson] ...

A row a case: the picture, then the fill of every preset; scikit-image's public-domain and CC0 pictures.
"""

import numpy as np
from absl import app, flags
from cases import CASES, picture_and_hole, shown
from named import inpainter_named

from inpaint_tf.files import write_bytes
from inpaint_tf.visualize.grids import encode_jpeg

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "JPEG file to write.", required=True)
flags.DEFINE_list("cases", ["2", "3", "5", "7", "10", "11"], "Numbers of cases of the gallery, from 0.")


def main(arguments):
    inpainters = [inpainter_named(name) for name in arguments[1:]]
    rows = []
    for case in (CASES[int(number)] for number in FLAGS.cases):
        picture, hole = picture_and_hole(case)
        rows.append(np.hstack(shown(case, [picture, *(inpainter(picture, hole) for inpainter in inpainters)])))
    write_bytes(FLAGS.output, encode_jpeg(np.vstack(rows), quality=85))


if __name__ == "__main__":
    app.run(main)
