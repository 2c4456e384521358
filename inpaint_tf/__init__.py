"""Generative image inpainting with contextual attention, in TensorFlow 2 and Keras 3.

    import inpaint_tf
    inpainter = inpaint_tf.Inpainter.from_preset()
    completed = inpainter(image, mask)      # uint8 RGB, uint8 or bool mask -> uint8 RGB

TensorFlow is imported when something that needs it is first used.
"""

import importlib
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = "0.1.0"

_LAZY = {"Inpainter": "inpaint_tf.inference.inpainter"}
__all__ = [*_LAZY, "__version__"]


def __getattr__(name):
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
