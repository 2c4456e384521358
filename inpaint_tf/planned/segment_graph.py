"""The graph of one segment: a run of layers on tiles of any size, which padding and crops come in with."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from inpaint_tf.layers.conv_block import ConvBlock
from inpaint_tf.models.generator import to_image
from inpaint_tf.planned.receptive_field import LayerRegion


def segment_graph(
    blocks: Sequence[ConvBlock], channels_in: Sequence[int], begin: Callable[..., tf.Tensor], end: str | None
) -> Callable[..., tf.Tensor]:
    """One graph for all tiles of a segment.

    Args:
        blocks: The layers, first one first.
        channels_in: Channels of the parts that a tile's input is given in.
        begin: Makes the first layer's input of the parts.
        end: How the stage ends if its last layer is among these (`network.IMAGE_ENDS`), else None.

    Returns:
        A function: the parts of a tile's source region, float32 [1, H, W, C], and `tile_layout`, int32
        [layers, 4, 2] -> float32 [1, h, w, C'].
    """
    graph = tf.function(
        lambda *inputs: _run_blocks(blocks, begin(*inputs[:-1]), inputs[-1], end),
        input_signature=[
            *(tf.TensorSpec((1, None, None, channels)) for channels in channels_in),
            tf.TensorSpec((len(blocks), 4, 2), tf.int32),
        ],
        autograph=False,
    )
    return graph.get_concrete_function()


def tile_layout(blocks: Sequence[ConvBlock], regions: Sequence[LayerRegion]) -> list[list[Sequence[int]]]:
    """int [layers, 4, 2]: of every layer the zeros before and after, along all axes; of one that upsamples, where what
    is kept of its output begins, and its size."""
    return [
        [[0, 1], [region.crop[0], region.output.height], [region.crop[1], region.output.width], [0, block.filters]]
        if block.upsample
        else [[0, 0], region.padding[:2], region.padding[2:], [0, 0]]
        for block, region in zip(blocks, regions)
    ]


def _run_blocks(blocks: Sequence[ConvBlock], x: tf.Tensor, layout: tf.Tensor, end: str | None) -> tf.Tensor:
    """A segment's layers on one tile.

    Args:
        blocks: The layers.
        x: float32 [1, H, W, C], the tile's source region.
        layout: int32 [layers, 4, 2], see `tile_layout`.
        end: How the stage ends if its last layer is among these (`network.IMAGE_ENDS`), else None.

    Returns:
        float32 [1, h, w, C'].
    """
    for block, place in zip(blocks, tf.unstack(layout)):
        if block.upsample:
            x = tf.slice(block(x), *tf.unstack(place, axis=1))
        else:
            x = block(tf.pad(x, place), padding="VALID")
    return tf.cast(x, tf.float32) if end is None else to_image(x, end)
