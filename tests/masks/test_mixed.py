"""The mix of holes for people's photos."""

import cv2
import numpy as np
import tensorflow as tf

from inpaint_tf.masks.mixed import MixOptions, mixed_mask, sample_mixed_holes, scaled_brush


def test_the_mix_has_large_boxes_small_ones_and_strokes(rng):
    masks = [mixed_mask(64, rng) for _ in range(400)]
    areas = np.array([mask.mean() for mask in masks])
    assert areas.min() > 0 and areas.max() < 0.75
    large = [m for m in masks if m.sum() >= 24 * 24 and _is_rectangle(m) and m.any(0).sum() % 2 == 0]
    # 45% large boxes, within four standard deviations.
    assert abs(len(large) / 400 - 0.45) < 0.1
    assert 0.1 < np.mean(areas < 0.05) < 0.5
    # Strokes: neither a box nor boxes.
    assert np.mean([_has_slanted_border(m) for m in masks]) > 0.2


def test_shares_can_be_chosen(rng):
    assert all(_is_rectangle(mixed_mask(64, rng, MixOptions(large_box=1))) for _ in range(20))


def test_brushes_scale_with_the_image():
    assert scaled_brush(256, (4, 40)).width == (4, 40)
    assert scaled_brush(64, (4, 40)).width == (1, 10)


def test_drawing_in_a_graph_is_a_function_of_the_seed_and_centres_the_box():
    draw = tf.function(lambda seed: sample_mixed_holes(16, 64, 32, seed))
    corners, masks = (x.numpy() for x in draw(tf.constant([3, 4])))
    again, other = draw(tf.constant([3, 4]))[1].numpy(), draw(tf.constant([3, 5]))[1].numpy()
    assert masks.shape == (16, 64, 64, 1) and masks.dtype == np.float32 and set(np.unique(masks)) == {0, 1}
    assert np.array_equal(masks, again) and not np.array_equal(masks, other)
    assert corners.min() >= 0 and corners.max() <= 32
    for (top, left), mask in zip(corners, masks[..., 0]):
        middle = np.argwhere(mask).mean(axis=0)
        assert np.all(np.abs(np.clip(middle - 16, 0, 32) - (top, left)) <= 0.5)


def _is_rectangle(mask):
    return mask.sum() == mask.any(axis=0).sum() * mask.any(axis=1).sum()


def _has_slanted_border(mask):
    """Whether the outline has points beyond the corners of a few upright boxes."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return sum(len(contour) for contour in contours) > 24
