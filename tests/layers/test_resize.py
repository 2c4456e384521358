import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.layers.resize import nearest_align_corners_indices, resize_nearest_align_corners, upsample_nearest_2x


def test_half_of_64_takes_the_rows_that_the_authors_code_takes():
    expected = [*range(0, 31, 2), *range(33, 64, 2)]
    assert nearest_align_corners_indices(64, 32).tolist() == expected


def test_mask_from_256_over_64_to_32():
    rows = nearest_align_corners_indices(256, 64)[nearest_align_corners_indices(64, 32)]
    # Steps of 255 / 63 = 4.05 in the first half; the second half starts behind the middle.
    assert rows[:3].tolist() == [0, 8, 16] and rows[-1] == 255
    assert nearest_align_corners_indices(256, 64)[[11, 31, 32, 63]].tolist() == [45, 125, 130, 255]


@pytest.mark.parametrize("size_out", [1, 2, 3, 17, 100])
def test_ends_meet_and_order_is_kept(size_out):
    rows = nearest_align_corners_indices(100, size_out)
    assert rows[0] == 0 and (size_out == 1 or rows[-1] == 99)
    assert np.all(np.diff(rows) >= 1)


def test_static_and_dynamic_sizes_agree_and_equal_tensorflow_1():
    for size_in in range(2, 700, 7):
        for size_out in (max(1, size_in // 2), max(1, size_in // 4), size_in):
            static = nearest_align_corners_indices(size_in, size_out)
            dynamic = nearest_align_corners_indices(tf.constant(size_in), tf.constant(size_out)).numpy()
            column = np.arange(size_in, dtype=np.float32).reshape(1, -1, 1, 1)
            theirs = tf.compat.v1.image.resize_nearest_neighbor(column, [size_out, 1], align_corners=True)
            assert static.tolist() == dynamic.tolist() == theirs.numpy().ravel().astype(int).tolist()


def test_doubling_repeats_and_equals_aligned_nearest(rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    doubled = upsample_nearest_2x(x).numpy()
    assert np.array_equal(doubled, x.repeat(2, axis=1).repeat(2, axis=2))
    assert np.array_equal(doubled, resize_nearest_align_corners(tf.constant(x), 6, 10).numpy())
