"""Contextual attention (section 3.2 of the paper): four forms of the same arithmetic; see README.md."""

from inpaint_tf.attention.layer import ContextualAttention

__all__ = ["ContextualAttention"]
