"""Training losses as small pure functions."""

from inpaint_tf.losses.adversarial import ADVERSARIAL_LOSSES, AdversarialLoss
from inpaint_tf.losses.feature_matching import feature_matching
from inpaint_tf.losses.gradient_penalty import gradient_penalty, interpolate, r1_penalty
from inpaint_tf.losses.reconstruction import (
    discounted_l1,
    hole_discount,
    known_region_l1,
    mean_l1,
    mean_l2,
    spatial_discount,
    weighted_l1,
)

__all__ = [
    "ADVERSARIAL_LOSSES",
    "AdversarialLoss",
    "discounted_l1",
    "feature_matching",
    "gradient_penalty",
    "hole_discount",
    "interpolate",
    "known_region_l1",
    "mean_l1",
    "mean_l2",
    "r1_penalty",
    "spatial_discount",
    "weighted_l1",
]
