"""Public names that are imported when they are first used, so that asking for a version or a list stays quick."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from inpaint_tf.tensorflow_loading import load_tensorflow


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562) for names that need TensorFlow, which is loaded without its chatter.

    The package says the same imports under `if TYPE_CHECKING:`, for editors and type checkers.

    Args:
        package: The package's `__name__`.
        modules: Public name -> module that defines it.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        load_tensorflow()
        return getattr(importlib.import_module(modules[name]), name)

    return get
