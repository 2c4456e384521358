"""TensorFlow for the type checker: everything is allowed.

TensorFlow ships no types. Those that checkers bring along know neither `tf.random.experimental` nor `x[..., 0]`, and
would fill the report with what is right.
"""

from typing import Any

def __getattr__(name: str) -> Any: ...
