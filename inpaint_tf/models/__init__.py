"""Generators as Keras models."""

from typing import TYPE_CHECKING

from inpaint_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from inpaint_tf.models.deepfill_v1 import DeepFillV1
    from inpaint_tf.models.deepfill_v2 import DeepFillV2
    from inpaint_tf.models.glcic import GLCIC

__all__ = ["DeepFillV1", "DeepFillV2", "GLCIC"]

__getattr__ = lazy_names(
    __name__,
    {
        "DeepFillV1": "inpaint_tf.models.deepfill_v1",
        "DeepFillV2": "inpaint_tf.models.deepfill_v2",
        "GLCIC": "inpaint_tf.models.glcic",
    },
)
