"""Loss terms that need nothing but the completed picture and the photo: perceptual loss and local spectra."""

from typing import Any

import tensorflow as tf

from inpaint_tf.losses.feature_network import feature_network
from inpaint_tf.losses.perceptual import hole_crops, perceptual_loss, shrunk
from inpaint_tf.losses.spectrum import spectrum_loss
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig

# Arithmetic of the convolutions -> that of the feature network.
_DTYPES = {"float32": "float32", "tf32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


def load_network(config: TrainingConfig) -> Any:
    """The feature network of a configuration, see `losses.feature_network`. Raises UserError."""
    return feature_network(config.perceptual_network, _DTYPES[config.precision])


def add(config: TrainingConfig, batch: Batch, completed: tf.Tensor, terms: dict[str, tf.Tensor]) -> tf.Tensor | float:
    """Adds "perceptual" and "spectrum" to loss terms, as far as they have a weight.

    Args:
        config: A `TrainingConfig`.
        batch: A `Batch`.
        completed: float32 [B, S, S, 3] in [-1, 1], photos with their holes filled.
        terms: Name -> float32 scalar; gets the new ones.

    Returns:
        The weighted sum of what was added; 0.0 if nothing was.
    """
    total = 0.0
    if config.perceptual_weight == 0 and config.spectrum_weight == 0:
        return total
    target, filled = hole_crops([batch.image, tf.cast(completed, tf.float32)], batch.hole_mask, shift=batch.alphas)
    if config.perceptual_weight > 0:
        real, fake = (shrunk(image, config.perceptual_scale) for image in (target, filled))
        terms["perceptual"] = perceptual_loss(load_network(config), real, fake, config.perceptual_layers)
        total += config.perceptual_weight * terms["perceptual"]
    if config.spectrum_weight > 0:
        seen = [shrunk(image, config.spectrum_scale) for image in (target, filled)]
        terms["spectrum"] = spectrum_loss(*seen)
        total += config.spectrum_weight * terms["spectrum"]
    return total
