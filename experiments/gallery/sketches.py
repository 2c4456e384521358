"""Draws what a guided preset makes of two sketches in the same hole, and without one.

    PYTHONPATH=. python experiments/gallery/sketches.py --preset=NAME --output=experiments/gallery/sketches.jpg

The pictures are scikit-image's (`pip install .[evaluation]`).
"""

import cv2
import numpy as np
from absl import app, flags
from cases import SKETCHED, picture_and_hole, shown

import inpaint_tf
from inpaint_tf.files import write_bytes
from inpaint_tf.visualize.grids import comparison_grid, encode_jpeg
from inpaint_tf.visualize.side_by_side import paint_hole

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "JPEG file to write.", required=True)
flags.DEFINE_string("preset", None, "Guided preset.", required=True)
LINE_WIDTH, LINE_COLOUR = 5, (40, 90, 220)


def drawn(lines, hole):
    """Bool [H, W]: lines of (x, y), inside the hole."""
    canvas = np.zeros(hole.shape, np.uint8)
    for line in lines:
        cv2.polylines(canvas, [np.array(line, np.int32)], False, 1, LINE_WIDTH)
    return (canvas > 0) & hole


def main(_):
    inpainter, rows = inpaint_tf.Inpainter.from_preset(FLAGS.preset), []
    for sketched in SKETCHED:
        picture, hole = picture_and_hole(sketched.case)
        row = [picture, inpainter(picture, hole)]
        for sketch in sketched.sketches:
            lines = drawn(sketch, hole)
            with_lines = paint_hole(picture, hole)
            with_lines[lines] = LINE_COLOUR
            row += [with_lines, inpainter(picture, hole, lines)]
        rows.append(shown(sketched.case, row))
    titles = ["picture", "without a sketch", "a sketch", "its fill", "another", "its fill"]
    write_bytes(FLAGS.output, encode_jpeg(comparison_grid(titles, rows), quality=85))


if __name__ == "__main__":
    app.run(main)
