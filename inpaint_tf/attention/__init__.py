"""Contextual attention (section 3.2 of the paper): four forms of the same arithmetic; see README.md."""

from typing import TYPE_CHECKING

from inpaint_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from inpaint_tf.attention.layer import ContextualAttention

__all__ = ["ContextualAttention"]

__getattr__ = lazy_names(__name__, {"ContextualAttention": "inpaint_tf.attention.layer"})
