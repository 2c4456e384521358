"""The dilated convolutions alone: what a network spends between dilation 2 and 16, where kernels differ most.

A dilated convolution multiplies as much as a plain one and reads the same, but libraries serve it by other kernels:
some are as fast, some reorder the whole map first. So every row also has the time of the same layers undilated.
"""

import dataclasses
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from inpaint_tf.benchmark.cases import Size, padded
from inpaint_tf.benchmark.engines import Settings
from inpaint_tf.models.precision import building_with

# Commands define their flags without TensorFlow.
if TYPE_CHECKING:
    from inpaint_tf.models.conv_stack import Conv
    from inpaint_tf.models.network import Network


class DilatedLayer(NamedTuple):
    """A dilated convolution of a network.

    Attributes:
        conv: Its entry.
        channels: Channels that it reads.
        size: (H, W) of the map that it reads.
        macs: Its multiply-adds.
    """

    conv: "Conv"
    channels: int
    size: Size
    macs: int


def dilated_layers(network: "Network", width: int, size: Size) -> dict[int, list[DilatedLayer]]:
    """Dilation -> the layers of that dilation, for an image of `size` (H, W), multiples of 8; ascending, without 1."""
    from inpaint_tf.planned.receptive_field import chain_sizes, macs_per_pixel

    sizes, channels_in = network.sizes(size), network.channels_in(width)
    found: dict[int, list[DilatedLayer]] = {}
    for node in network.stacks:
        channels = channels_in[node.name]
        places = chain_sizes(node.convs, sizes[node.sources[0]])
        costs = macs_per_pixel(node.convs, width, channels)
        for conv, here, (height, wide), cost in zip(node.convs, places, places[1:], costs):
            if conv.dilation > 1:
                found.setdefault(conv.dilation, []).append(DilatedLayer(conv, channels, here, cost * height * wide))
            channels = conv.filters(width)
    return dict(sorted(found.items()))


def time_dilations(settings: Settings, size: Size, runs: int, xla: bool = False) -> list[dict[str, Any]]:
    """A row for every dilation of a network, timed in turns with the same layers undilated, in this process.

    Args:
        settings: What is run.
        size: (H, W) of the photo.
        runs: Timed runs of each; the median counts.
        xla: Whether they are compiled by XLA.

    Returns:
        Rows with height_px, width_px, hole "", form "dilation 2" and so on, xla, precision, model, width, layers (their
        names), seconds (of all of them together, with bias and activation), of_undilated, gmac, gemm_gflops,
        share_of_gemm and what they were measured on.
    """
    from inpaint_tf.benchmark.machine import description, gemm_speed, timed
    from inpaint_tf.models.presets import load_preset
    from inpaint_tf.models.registry import build_model

    if settings.preset:
        model, _ = load_preset(settings.preset)
    else:
        model = build_model(settings.model, width=settings.width)
    peak, rows = gemm_speed().by_clock, []
    for dilation, layers in dilated_layers(model.network, model.width, padded(size)).items():
        with building_with(settings.precision):
            calls = [_caller(layers, model.width, rate, xla) for rate in (dilation, 1)]
        for call in calls:
            call()
        times = [[timed(call)[0] for call in calls] for _ in range(runs)]
        seconds, undilated = (statistics.median(found) for found in zip(*times))
        gmac = sum(layer.macs for layer in layers) / 1e9
        rows.append(
            {
                "height_px": size[0],
                "width_px": size[1],
                "hole": "",
                "form": f"dilation {dilation}",
                "xla": xla,
                "precision": settings.precision,
                "model": settings.model,
                "width": model.width,
                "layers": [layer.conv.name for layer in layers],
                "seconds": seconds,
                "seconds_min": min(found[0] for found in times),
                "seconds_max": max(found[0] for found in times),
                "of_undilated": seconds / undilated,
                "runs": runs,
                "gmac": gmac,
                "gemm_gflops": peak,
                "share_of_gemm": 2 * gmac / seconds / peak,
                **description(),
            }
        )
    return rows


def _caller(layers: list[DilatedLayer], width: int, dilation: int, xla: bool) -> Callable[[], Any]:
    """A function that runs all layers on random maps at another dilation and waits for the device."""
    import tensorflow as tf

    blocks = [dataclasses.replace(layer.conv, dilation=dilation).block(width) for layer in layers]
    maps = [tf.random.stateless_normal([1, *layer.size, layer.channels], [0, n]) for n, layer in enumerate(layers)]
    for block, features in zip(blocks, maps):
        block.build(features.shape)

    @tf.function(jit_compile=xla)
    def run(*inputs: tf.Tensor) -> tf.Tensor:
        # The sum waits for all of them and fetches one number.
        return tf.add_n([tf.reduce_sum(tf.cast(b(x), tf.float32)) for b, x in zip(blocks, inputs)])

    traced = run.get_concrete_function(*(tf.TensorSpec(features.shape, tf.float32) for features in maps))
    return lambda: traced(*maps).numpy()
