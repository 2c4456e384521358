"""The paper's building blocks as Keras layers."""

from typing import TYPE_CHECKING

from inpaint_tf.layers.conv_block import ConvBlock

if TYPE_CHECKING:
    from inpaint_tf.attention import ContextualAttention

__all__ = ["ContextualAttention", "ConvBlock"]


def __getattr__(name: str):
    # The attention is built on these layers, so that it can be loaded only after them.
    if name == "ContextualAttention":
        from inpaint_tf.attention import ContextualAttention

        return ContextualAttention
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
