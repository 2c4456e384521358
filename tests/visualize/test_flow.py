import numpy as np

from inpaint_tf.visualize.flow import colour_wheel, draw_hole_flow, draw_offsets, flow_colours, relative_offsets


def test_wheel_starts_red_and_has_55_colours():
    wheel = colour_wheel()
    assert wheel.shape == (55, 3)
    # Corners: red, yellow after 15, green after 6, cyan after 4, blue after 11, magenta after 13.
    corners = wheel[[0, 15, 21, 25, 36, 49]].astype(int).tolist()
    assert corners == [[255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 255, 255], [0, 0, 255], [255, 0, 255]]


def test_standing_still_is_white_and_the_longest_is_saturated():
    colours = flow_colours(np.array([[[0, 0], [5, 0], [0, -5]]]))
    assert colours[0, 0].tolist() == [255, 255, 255]
    assert colours[0, 1:].min(axis=-1).max() < 5


def test_relative_offsets():
    absolute = np.array([[[0, 0], [0, 0]], [[1, 1], [0, 1]]])
    assert relative_offsets(absolute).tolist() == [[[0, 0], [0, -1]], [[0, 1], [-1, 0]]]


def test_pictures_have_the_images_size_and_show_the_hole_only():
    offsets = np.zeros((3, 4, 2), int)
    assert draw_offsets(offsets, 20, 30).shape == (20, 30, 3)
    hole = np.zeros((20, 30), bool)
    hole[9:19, 10:25] = True
    drawn = draw_hole_flow(offsets, hole)
    assert np.all(drawn[~hole] == 255) and np.all(drawn[hole].min(axis=-1) < 255)
    assert np.all(draw_hole_flow(None, hole) == 255)
