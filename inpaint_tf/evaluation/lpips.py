"""LPIPS: the distance of features, weighted by heads that were calibrated on what people said of pairs of pictures.

Neither network nor heads come with this package, and without heads a distance is none of LPIPS
(`feature_metrics.perceptual_distance`, "feature distance"). Whoever has both names them:

    --lpips_network=alexnet/ --lpips_heads=heads.npz

The network must prepare its input as the authors' does (it gets RGB in [-1, 1]; theirs shifts and scales it). The heads
are an NPZ file with one array of C numbers, none below 0, for each layer of C channels; a released head [1, C, 1, 1] is
taken as it is. Arrays and layers are matched in the order of their sorted names.
"""

import hashlib
import io
import pathlib
from collections.abc import Sequence

import numpy as np

from inpaint_tf.errors import UserError, printable, reading
from inpaint_tf.evaluation.feature_metrics import FeatureNetwork, layer_differences
from inpaint_tf.files import regular_bytes
from inpaint_tf.schema import MOST_BYTES


class Lpips:
    """A network with its heads.

    Args:
        network: `FeatureNetwork`.
        heads: The NPZ file.

    Attributes:
        name: The network's, which the measure is named after.
        fingerprint: Those of network and heads.

    Raises:
        UserError: if the file cannot be read, or its heads do not fit the network's layers.

    Reference: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, eq. 1
    (its squared weights are the heads, as in the authors' code).
    """

    def __init__(self, network: FeatureNetwork, heads: str | pathlib.Path) -> None:
        self._network, self._heads = network, read_heads(pathlib.Path(heads), network.channels)
        digest = hashlib.sha256(b"".join(head.tobytes() for head in self._heads)).hexdigest()[:16]
        self.name, self.fingerprint = network.name, f"{network.fingerprint} heads {digest}"

    def __call__(self, image: np.ndarray, other: np.ndarray) -> float:
        """uint8 [H, W, 3] RGB, twice -> their distance, 0 for equal pictures."""
        layers = layer_differences(self._network(image), self._network(other))
        return float(sum(np.mean(difference @ head) for difference, head in zip(layers, self._heads, strict=True)))


def lpips_named(network: str | None, heads: str | None) -> Lpips | None:
    """The `Lpips` of two flags; None without both. Raises UserError if one is missing, or as `Lpips` does."""
    if network is None and heads is None:
        return None
    if heads is None:
        raise UserError(
            "--lpips_network needs --lpips_heads: without calibrated heads the distance is not LPIPS; "
            "--feature_network gives the feature distance."
        )
    if network is None:
        raise UserError("--lpips_heads needs --lpips_network, the SavedModel that the heads were calibrated for.")
    if network == "hed":
        raise UserError(
            "--lpips_network=hed: nobody has calibrated heads for hed; --feature_network=hed measures in it."
        )
    return Lpips(FeatureNetwork(network), heads)


def read_heads(path: pathlib.Path, channels: Sequence[int]) -> list[np.ndarray]:
    """The heads of an NPZ file for layers of C channels, float64 [C] each. Raises UserError if they do not fit."""
    advice = "An NPZ file is needed, one array for each layer of the network."
    with reading(path, "heads of LPIPS", advice):
        file = np.load(io.BytesIO(regular_bytes(path, MOST_BYTES)), allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it is no NPZ file")
        heads = [np.asarray(file[name], np.float64).reshape(-1) for name in sorted(file.files)]
    shown = printable(path)
    if [len(head) for head in heads] != list(channels):
        ours = ", ".join(str(len(head)) for head in heads)
        raise UserError(
            f"{shown} has heads for layers of {ours or 'no'} channels; the network's have "
            f"{', '.join(map(str, channels))} (in the order of sorted names)."
        )
    if not all(np.isfinite(head).all() and (head >= 0).all() for head in heads):
        raise UserError(f"{shown} is no calibration of LPIPS: a weight is below 0 or not a finite number.")
    return heads
