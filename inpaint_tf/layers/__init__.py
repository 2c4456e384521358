"""The paper's building blocks as Keras layers."""

from typing import TYPE_CHECKING

from inpaint_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from inpaint_tf.attention.layer import ContextualAttention
    from inpaint_tf.layers.conv_block import ConvBlock

__all__ = ["ContextualAttention", "ConvBlock"]

# The attention is a room above, built on these layers.
__getattr__ = lazy_names(
    __name__, {"ContextualAttention": "inpaint_tf.attention.layer", "ConvBlock": "inpaint_tf.layers.conv_block"}
)
