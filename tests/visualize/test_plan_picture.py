"""The picture of a plan."""

import numpy as np

from inpaint_tf.models.deepfill_v1 import NETWORK
from inpaint_tf.planned.plan import make_plan
from inpaint_tf.visualize.plan_picture import QUERY_COLOURS, STACK_COLOURS, node_colours, plan_picture


def has_colour(picture, colour):
    return (picture == np.array(colour, np.uint8)).all(axis=-1).any()


def test_frames_of_every_part_are_drawn():
    hole = np.zeros((512, 640), bool)
    hole[200:260, 300:380] = True
    plan = make_plan(NETWORK, 8, hole)
    # The photo is a little smaller than the plan, which pads to multiples of 8.
    picture = plan_picture(plan, np.full((509, 633, 3), 90, np.uint8), hole[:509, :633])
    assert picture.dtype == np.uint8 and picture.shape[0] == 512 and picture.shape[1] > 640
    for colour in [*STACK_COLOURS, QUERY_COLOURS[0]]:
        assert has_colour(picture[:, :640], colour), colour
    assert len(set(node_colours(plan).values())) == 6
    # The legend has the colours of the frames, darker.
    for colour in [*STACK_COLOURS, QUERY_COLOURS[0]]:
        assert has_colour(picture[:, 640:], [int(0.75 * channel) for channel in colour]), colour
    # The hole is tinted, and what no part frames is the photo.
    assert picture[230, 340].tolist() == [172, 75, 75]
    assert picture[490, 60].tolist() == [90, 90, 90]


def test_large_photos_are_drawn_small():
    hole = np.zeros((2048, 4096), bool)
    hole[100:200, 100:200] = True
    picture = plan_picture(make_plan(NETWORK, 8, hole), np.zeros((2048, 4096, 3), np.uint8), hole)
    assert picture.shape[0] == 640
