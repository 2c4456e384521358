"""The paper's building blocks as Keras layers."""

from inpaint_tf.layers.contextual_attention import ContextualAttention
from inpaint_tf.layers.conv_block import ConvBlock

__all__ = ["ContextualAttention", "ConvBlock"]
