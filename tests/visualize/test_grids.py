import numpy as np

from inpaint_tf.visualize.grids import comparison_grid, padded


def test_portraits_and_landscapes_share_a_grid():
    wide, high = np.full((20, 40, 3), 7, np.uint8), np.full((40, 20, 3), 9, np.uint8)
    rows = padded([[wide, None], [high, high]])
    assert [[None if p is None else p.shape for p in row] for row in rows] == [[(40, 40, 3), None], [(40, 40, 3)] * 2]
    first, second = rows[0][0], rows[1][0]
    assert (first[:20] == 7).all() and (first[20:] == 255).all() and (second[:, 20:] == 255).all()
    assert comparison_grid(["a", "b"], rows).shape[2] == 3
