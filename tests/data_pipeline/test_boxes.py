"""Random box holes: their law, their determinism, and cutting the boxes out."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.masks.boxes import BoxHoles, crop_boxes, rectangle_masks


def test_holes_follow_the_authors_law():
    corners, masks = (x.numpy() for x in BoxHoles().sample(2000, tf.constant([1, 2])))
    assert corners.min() == 0 and corners.max() == 127
    heights, widths = (masks[..., 0].max(axis=axis).sum(axis=1) for axis in (2, 1))
    for sides in (heights, widths):
        assert set(sides) == set(range(96, 129, 2))
    # Rows and columns shrink by draws of their own: 17 * 17 pairs, uncorrelated.
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.1
    areas = masks.sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(areas, heights * widths)
    # The hole is centred in its box.
    first = masks[..., 0].max(axis=2).argmax(axis=1)
    np.testing.assert_array_equal(first - corners[:, 0], (128 - heights) / 2)


def test_holes_are_a_function_of_the_seed():
    draws = [BoxHoles.for_image(64).sample(4, tf.constant([5, step]))[0].numpy() for step in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_holes_are_the_same_under_xla():
    sample = BoxHoles().sample
    compiled = tf.function(lambda seed: sample(8, seed), jit_compile=True)
    for plain, jitted in zip(sample(8, tf.constant([3, 4])), compiled(tf.constant([3, 4]))):
        np.testing.assert_array_equal(plain, jitted)


def test_rectangle_masks():
    mask = rectangle_masks(tf.constant([[1, 0]]), tf.constant([[3, 2]]), 4)
    np.testing.assert_array_equal(mask[0, :, :, 0], [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("rows", [1, 3])
def test_crop_boxes(rows):
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype(np.float32)
    corners = np.array([[2, 3], [0, 4], [4, 0]])[:rows]
    boxes = crop_boxes(tf.constant(x), tf.constant(corners, tf.int32), 4)
    for index in range(3):
        top, left = corners[min(index, rows - 1)]
        np.testing.assert_array_equal(boxes[index], x[index, top : top + 4, left : left + 4])


@pytest.mark.parametrize("image, box, shrink", [(64, 65, 0), (64, 32, 16), (64, 0, 0)])
def test_impossible_boxes_say_so(image, box, shrink):
    with pytest.raises(UserError, match=f"box of {box} px"):
        BoxHoles(image, box, shrink)
