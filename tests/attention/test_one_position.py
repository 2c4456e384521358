import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.fast import fast_attention, matching_scores, propagate_scores
from inpaint_tf.attention.one_position import position_scores
from inpaint_tf.layers.resize import resize_nearest_align_corners

SETTINGS = {"rate": 2, "fuse": True, "fuse_kernel": 3, "softmax_scale": 10.0, "kernel_size": 3}


@pytest.mark.parametrize("changes", [{}, {"fuse": False}, {"fuse_kernel": 5}, {"kernel_size": 5}, {"rate": 1}])
def test_every_position_is_that_of_the_whole_attention(changes):
    settings = {**SETTINGS, **changes}
    rng = np.random.default_rng(0)
    features = rng.normal(size=(10, 14, 6)).astype(np.float32)
    mask = np.zeros((10, 14, 1), np.float32)
    mask[2:6, 4:8] = 1
    height, width = (side // settings["rate"] for side in features.shape[:2])
    small = resize_nearest_align_corners(features[None], height, width)
    alone = matching_scores(small, small, settings["kernel_size"])
    propagated = propagate_scores(alone, width, width, settings["fuse_kernel"]) if settings["fuse"] else alone
    _, offsets = fast_attention(features[None], features[None], tf.constant(mask[None]), **settings)
    for row in range(height):
        for column in range(width):
            found = position_scores(features, mask, (row, column), **settings)
            index = row * width + column
            np.testing.assert_allclose(found.alone.ravel(), alone[0, index], atol=2e-5)
            np.testing.assert_allclose(found.propagated.ravel(), propagated[0, index], atol=1e-4)
            best = np.unravel_index(found.weights.argmax(), found.weights.shape)
            assert tuple(offsets[0, row, column].numpy()) == best
            assert not found.weights[~found.valid].any() and 0 < found.weights.sum() <= 1 + 1e-5
