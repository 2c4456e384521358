"""What a network costs when it runs on the whole image, in multiply-adds."""

from collections.abc import Iterator

from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.network import Network
from inpaint_tf.planned.receptive_field import chain_sizes, macs_per_pixel


def literal_macs(network: Network, base_width: int, size: tuple[int, int]) -> int:
    """Multiply-adds of the paper's form: nine taps after a nearest upsampling, patches for every pair of positions.

    Args:
        network: The network.
        base_width: Its base width.
        size: (H, W) of the image, multiples of 8.
    """
    total, channels = 0, network.channels(base_width)
    for conv, macs in _convolutions(network, base_width, size):
        # A transposed convolution, kernel 4, has four taps to an output pixel in the paper's form too.
        total += macs * 9 // 4 if conv.upsample and conv.kernel == 3 else macs
    for node, (height, width) in zip(network.attentions, network.grids(size).values()):
        patches = node.settings.kernel_size**2 + (2 * node.settings.rate) ** 2
        total += patches * (height * width) ** 2 * channels[node.name]
    return total


def dense_macs(network: Network, base_width: int, size: tuple[int, int]) -> int:
    """Multiply-adds of every convolution everywhere, with four taps after an upsampling; without the attention."""
    return sum(macs for _, macs in _convolutions(network, base_width, size))


def attention_pairs(network: Network, size: tuple[int, int]) -> int:
    """Pairs of positions in the largest attention of a network for an image of `size` (H, W); 0 without attention."""
    return max(((height * width) ** 2 for height, width in network.grids(size).values()), default=0)


def _convolutions(network: Network, base_width: int, size: tuple[int, int]) -> Iterator[tuple[Conv, int]]:
    """Every convolution of a network and its multiply-adds, with four taps after an upsampling."""
    sizes, channels_in = network.sizes(size), network.channels_in(base_width)
    for node in network.stacks:
        convs, macs = node.convs, macs_per_pixel(node.convs, base_width, channels_in[node.name])
        for conv, each, (height, width) in zip(convs, macs, chain_sizes(convs, sizes[node.sources[0]])[1:]):
            yield conv, each * height * width
