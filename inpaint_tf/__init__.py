"""Generative image inpainting with contextual attention, in TensorFlow 2 and Keras 3.

    import inpaint_tf
    inpainter = inpaint_tf.Inpainter.from_preset()
    completed = inpainter(image, mask)      # uint8 RGB, uint8 or bool mask -> uint8 RGB

TensorFlow is imported when something that needs it is first used.
"""

import os
from typing import TYPE_CHECKING

from inpaint_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from inpaint_tf.inference.explain import explain
    from inpaint_tf.inference.inpainter import Inpainter

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = "0.2.0"
__all__ = ["Inpainter", "__version__", "explain"]

__getattr__ = lazy_names(
    __name__, {"Inpainter": "inpaint_tf.inference.inpainter", "explain": "inpaint_tf.inference.explain"}
)
