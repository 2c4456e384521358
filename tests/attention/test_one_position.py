import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.fast import fast_attention, patch_norms, patch_products, propagate_columns, propagate_rows
from inpaint_tf.attention.one_position import position_scores
from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.layers.resize import resize_nearest_align_corners


@pytest.mark.parametrize("changes", [{}, {"fuse": False}, {"fuse_kernel": 5}, {"kernel_size": 5}, {"rate": 1}])
def test_every_position_is_that_of_the_whole_attention(changes):
    settings = AttentionSettings(**changes)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(10, 14, 6)).astype(np.float32)
    mask = np.zeros((10, 14, 1), np.float32)
    mask[2:6, 4:8] = 1
    height, width = (side // settings.rate for side in features.shape[:2])
    small = resize_nearest_align_corners(features[None], height, width)
    alone = propagated = patch_products(small, small, settings.kernel_size) / patch_norms(small, settings.kernel_size)
    if settings.fuse:
        propagated = propagate_rows(alone, settings.fuse_kernel)
        propagated = propagate_columns(propagated, width, width, settings.fuse_kernel)
    _, offsets = fast_attention(features[None], features[None], tf.constant(mask[None]), settings)
    for row in range(height):
        for column in range(width):
            found = position_scores(features, mask, (row, column), settings)
            index = row * width + column
            np.testing.assert_allclose(found.alone.ravel(), alone[0, index], atol=2e-5)
            np.testing.assert_allclose(found.propagated.ravel(), propagated[0, index], atol=1e-4)
            best = np.unravel_index(found.weights.argmax(), found.weights.shape)
            assert tuple(offsets[0, row, column].numpy()) == best
            assert not found.weights[~found.valid].any() and 0 < found.weights.sum() <= 1 + 1e-5
