"""The exact map of what was copied from where, as colours."""

import numpy as np

from inpaint_tf.visualize.flow import draw_offsets, draw_sources


def test_only_copies_are_drawn_with_the_flows_colours():
    sources = np.full((8, 16, 2), -1)
    sources[2, 3] = (7, 3)
    sources[4, 5] = (4, 15)
    sources[6, 6] = (6, 6)
    drawn = draw_sources(sources)
    coloured = (drawn != 255).any(axis=-1)
    # White copies from itself.
    assert sorted(zip(*(axis.tolist() for axis in np.nonzero(coloured)))) == [(2, 3), (4, 5)]
    # The longest is saturated, and directions have the colours that the attention's flow has.
    cells = np.full((1, 2, 2), -1)
    cells[0, 0] = (0, 1)
    assert np.array_equal(drawn[4, 5], draw_offsets(cells, 8, 16)[0, 0])


def test_nothing_copied_is_white():
    assert (draw_sources(np.full((3, 4, 2), -1)) == 255).all()
