"""Generators as Keras models."""

from inpaint_tf.models.deepfill_v1 import DeepFillV1
from inpaint_tf.models.deepfill_v2 import DeepFillV2
from inpaint_tf.models.glcic import GLCIC

__all__ = ["DeepFillV1", "DeepFillV2", "GLCIC"]
