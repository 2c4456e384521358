"""Draws the gallery: scikit-image's public-domain and CC0 pictures, holes in them, and what a preset makes of them.

    PYTHONPATH=. python experiments/gallery/make.py --output=experiments/gallery/gallery.jpg [--preset=NAME]
    PYTHONPATH=. python experiments/gallery/make.py --teaser --output=experiments/gallery/teaser.jpg

Every case is shown with its hole, as the network alone fills it, and with patches; the teaser shows chosen removals,
before and after. Needs scikit-image (`pip install .[evaluation]`). Nothing in the gallery is chosen by
its result: the cases were fixed before the weights were trained, the last three because they were expected to fail.
"""

import numpy as np
from absl import app, flags
from cases import CASES, SHOWN_SIDE, TEASER, picture_and_hole, shown

import inpaint_tf
from inpaint_tf.files import write_bytes
from inpaint_tf.visualize.grids import comparison_grid, encode_jpeg
from inpaint_tf.visualize.side_by_side import paint_hole, strip

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "JPEG file to write.", required=True)
flags.DEFINE_string("preset", None, "Preset; the default one if not given.")
flags.DEFINE_boolean("teaser", False, "Draw the teaser instead of the gallery.")


def gallery(inpainter):
    """All cases, two in a row."""
    cells = []
    for case in CASES:
        picture, hole = picture_and_hole(case)
        result = inpainter.run(picture, hole)
        cells.append(shown(case, (paint_hole(picture, hole), result.network, result.completed)))
    rows = [cells[first] + cells[first + 1] for first in range(0, len(cells), 2)]
    return comparison_grid(["hole", "network alone", "with patches"] * 2, rows)


def teaser(inpainter):
    """Before and after."""
    columns = []
    for case in TEASER:
        picture, hole = picture_and_hole(case)
        columns.append(shown(case, (picture, inpainter(picture, hole))))
    gap = np.full((4, SHOWN_SIDE, 3), 255, np.uint8)
    return strip([np.concatenate([before, gap, after]) for before, after in columns])


def main(_):
    inpainter = inpaint_tf.Inpainter.from_preset(FLAGS.preset, detail="patches")
    write_bytes(FLAGS.output, encode_jpeg((teaser if FLAGS.teaser else gallery)(inpainter), quality=85))


if __name__ == "__main__":
    app.run(main)
