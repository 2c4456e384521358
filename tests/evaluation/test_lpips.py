"""LPIPS with a stand-in network and heads: by hand, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.feature_metrics import FeatureNetwork, perceptual_distance
from inpaint_tf.evaluation.lpips import Lpips, lpips_named


class StandIn(tf.Module):
    """Two layers: the image, and its first two channels twice as large, at half the size."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def __call__(self, images):
        return {"lin0": images, "lin1": 2 * images[:, ::2, ::2, :2]}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "alexnet" / "1"
    tf.saved_model.save(StandIn(), str(path))
    return FeatureNetwork(path)


def heads(tmp_path, **arrays):
    np.savez(tmp_path / "heads.npz", **arrays)
    return tmp_path / "heads.npz"


RED, GREEN = (np.full((2, 2, 3), color, np.uint8) for color in ([255, 0, 0], [0, 255, 0]))


def test_heads_weight_the_channels_of_every_layer(network, tmp_path):
    # Of red and green in [-1, 1] the unit vectors are (1, -1, -1) and (-1, 1, -1) / sqrt 3: squares (4/3, 4/3, 0);
    # of their first two channels (1, -1) and (-1, 1) / sqrt 2: squares (2, 2).
    lpips = Lpips(network, heads(tmp_path, lin0=np.array([1.0, 0.5, 9]), lin1=np.array([0.25, 0])))
    assert lpips(RED, GREEN) == pytest.approx(4 / 3 * 1.5 + 2 * 0.25) and lpips(RED, RED) == 0
    assert lpips.name == "alexnet" and lpips.fingerprint.startswith(network.fingerprint)


def test_equal_heads_are_the_distance_without_calibration(network, tmp_path, rng):
    one, other = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
    lpips = Lpips(network, heads(tmp_path, lin0=np.ones((1, 3, 1, 1)), lin1=np.ones((1, 2, 1, 1))))
    assert lpips(one, other) == pytest.approx(perceptual_distance(network(one), network(other)))


def test_other_heads_are_another_measure(network, tmp_path):
    one = Lpips(network, heads(tmp_path, lin0=np.ones(3), lin1=np.ones(2))).fingerprint
    assert Lpips(network, heads(tmp_path, lin0=np.ones(3), lin1=np.zeros(2))).fingerprint != one


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"lin0": np.ones(3)}, "heads for layers of 3 channels; the network's have 3, 2"),
        ({"lin0": np.ones(2), "lin1": np.ones(3)}, "heads for layers of 2, 3 channels"),
        ({"lin0": -np.ones(3), "lin1": np.ones(2)}, "a weight is below 0"),
        ({"lin0": np.full(3, np.nan), "lin1": np.ones(2)}, "not a finite number"),
        ({"lin0": np.array(["a", "b", "c"]), "lin1": np.ones(2)}, "cannot be read as heads of LPIPS"),
        ({"lin0": np.array([None] * 3), "lin1": np.ones(2)}, "cannot be read as heads of LPIPS"),
    ],
)
def test_what_is_no_head_is_refused(network, tmp_path, arrays, said):
    with pytest.raises(UserError, match=said):
        Lpips(network, heads(tmp_path, **arrays))


def test_what_is_no_npz_file_is_refused(network, tmp_path):
    np.save(tmp_path / "heads.npy", np.ones(3))
    (tmp_path / "text.npz").write_text("heads")
    for name in ("heads.npy", "text.npz", "none.npz"):
        with pytest.raises(UserError, match="NPZ file is needed"):
            Lpips(network, tmp_path / name)


@pytest.mark.parametrize(
    "given, said",
    [
        (("alexnet", None), "without calibrated heads the distance is not LPIPS"),
        ((None, "heads.npz"), "needs --lpips_network"),
        (("hed", "heads.npz"), "nobody has calibrated heads for hed"),
    ],
)
def test_nothing_is_called_lpips_without_its_heads(given, said):
    with pytest.raises(UserError, match=said):
        lpips_named(*given)
    assert lpips_named(None, None) is None
