"""Draws what a preset makes of scikit-image's public-domain and CC0 pictures: photo, hole, coarse, completed, flow.

    PYTHONPATH=. python experiments/draw_samples.py --preset=RUN/preset --side=64 --output=samples.png

Needs scikit-image (`pip install .[evaluation]`). Grids of a run show its training photos, which are not ours to
publish.
"""

import cv2
import numpy as np
import skimage
from absl import app, flags

from inpaint_tf import Inpainter
from inpaint_tf.data.image_files import write_image
from inpaint_tf.pixels import composite
from inpaint_tf.visualize.flow import draw_hole_flow
from inpaint_tf.visualize.grids import comparison_grid
from inpaint_tf.visualize.side_by_side import paint_hole

PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
TITLES = ("photo", "hole", "coarse", "completed", "flow")
ENLARGED = 2

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", None, "Preset to draw.", required=True)
flags.DEFINE_integer("side", 64, "Side of the square pictures; the hole is their middle.", lower_bound=16)
flags.DEFINE_string("output", None, "PNG file to write.", required=True)


def middle_square(picture, side):
    """uint8 [side, side, 3]: the largest square in the middle, scaled."""
    shortest = min(picture.shape[:2])
    top, left = ((length - shortest) // 2 for length in picture.shape[:2])
    return cv2.resize(picture[top : top + shortest, left : left + shortest], (side, side), interpolation=cv2.INTER_AREA)


def main(_):
    inpainter, quarter = (
        Inpainter.from_preset(FLAGS.preset, detail="none", working_size="full", blend="none"),
        FLAGS.side // 4,
    )
    hole = np.zeros((FLAGS.side, FLAGS.side), bool)
    hole[quarter:-quarter, quarter:-quarter] = True
    rows = []
    for name in PICTURES:
        photo = middle_square(getattr(skimage.data, name)(), FLAGS.side)
        result = inpainter.run(photo, hole)
        coarse = composite(photo, hole, result.coarse)
        flow = None if result.offsets is None else draw_hole_flow(result.offsets, hole)
        row = [photo, paint_hole(photo, hole), coarse, result.completed, flow]
        rows.append([x if x is None else x.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1) for x in row])
    write_image(FLAGS.output, comparison_grid(TITLES, rows))


if __name__ == "__main__":
    app.run(main)
