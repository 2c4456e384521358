"""A narrow generator's weights for a wider one of the same layers, which then computes the same function.

Channels are repeated until the wider layer is full, and what a layer reads from several copies of a channel is shared
out among them at random, so that the copies get different gradients and part (Chen, Goodfellow, Shlens: Net2Net,
ICLR 2016, arXiv 1511.05641).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from inpaint_tf.models.generator import Generator
from inpaint_tf.models.network import Attention, Network, Stack, View
from inpaint_tf.models.presets import named_variables


class _Copies(NamedTuple):
    """What the channels of a wider map are copies of.

    Attributes:
        source: int [C], the narrow map's channel that each one copies.
        factor: float [C], what it is a multiple of it by.
    """

    source: np.ndarray
    factor: np.ndarray


def can_be_widened(model: Generator) -> bool:
    """Whether `widened` knows a model's layers: no gates, and features are matched that scale with their layer."""
    convs = [conv for stack in model.network.stacks for conv in stack.convs]
    matched = [stack.convs[-1] for stack in model.network.stacks if _is_matched(model.network, stack)]
    return not any(conv.gated for conv in convs) and all(
        conv.activation in ("relu", "linear") and not conv.batch_norm for conv in matched
    )


def widened(
    arrays: Mapping[str, np.ndarray], narrow: Generator, wide: Generator, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Weights of `wide` that compute what `narrow` computes.

    Copies of features that are matched by attention are divided by the square root of their number, which leaves
    products and norms as they were.

    Args:
        arrays: Variable name -> array, the narrow model's.
        narrow, wide: Models that differ in their width alone; see `can_be_widened`.
        rng: For the shares of copies.

    Returns:
        Variable name -> float32 array, for every variable of `wide`.
    """
    network, channels = wide.network, wide.network.channels(wide.width)
    # What does not depend on the width, such as a mean colour, stays.
    result = {name: arrays[name].astype(np.float32) for name in named_variables(wide) if "/" not in name}
    copies: dict[str, _Copies] = {}
    for node in network:
        match node:
            case View():
                count = channels[node.name]
                copies[node.name] = _Copies(np.arange(count), np.ones(count))
            case Attention():
                copies[node.name] = copies[node.reads]
            case Stack():
                read, narrow_channels = [copies[name] for name in node.sources], narrow.network.channels(narrow.width)
                begins = np.cumsum([0, *(narrow_channels[name] for name in node.sources)])
                seen = _Copies(
                    np.concatenate([begin + part.source for begin, part in zip(begins, read)]),
                    np.concatenate([part.factor for part in read]),
                )
                copies[node.name] = _widen_stack(
                    node, seen, arrays, wide.width, _is_matched(network, node), rng, result
                )
    return result


def _widen_stack(
    node: Stack,
    seen: _Copies,
    arrays: Mapping[str, np.ndarray],
    width: int,
    matched: bool,
    rng: np.random.Generator,
    result: dict[str, np.ndarray],
) -> _Copies:
    """Adds the wider variables of a stack to `result`.

    Args:
        node: The stack.
        seen: What the channels that it reads are copies of.
        arrays: The narrow model's.
        width: The wide model's.
        matched: Whether an attention reads what it yields.
        rng: For the shares of copies.
        result: Variable name -> array.

    Returns:
        What the channels that it yields are copies of.
    """
    for index, conv in enumerate(node.convs):
        name = f"{node.name}/{conv.name}"
        kernel = arrays[f"{name}/kernel"]
        target = np.arange(conv.filters(width)) % kernel.shape[-1]
        yielded = np.ones(len(target))
        if matched and index == len(node.convs) - 1:
            yielded = 1 / np.sqrt(np.bincount(target)[target])
        kernel = _shared_out(kernel[..., target], seen.source, rng) / seen.factor[:, np.newaxis] * yielded
        result[f"{name}/kernel"] = kernel.astype(np.float32)
        result[f"{name}/bias"] = (arrays[f"{name}/bias"][target] * yielded).astype(np.float32)
        for other in (other for other in arrays if other.startswith(f"{name}/batch_norm/")):
            result[other] = arrays[other][target].astype(np.float32)
        seen = _Copies(target, yielded)
    return seen


def _is_matched(network: Network, node: Stack) -> bool:
    return any(isinstance(reader, Attention) for reader in network.readers(node.name))


def _shared_out(kernel: np.ndarray, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[kh, kw, n, o] -> [kh, kw, len(source), o]: channels repeated, their weights shared out among the copies."""
    shares = rng.uniform(0.5, 1.5, (len(source), kernel.shape[-1]))
    sums = np.zeros((source.max() + 1, kernel.shape[-1]))
    np.add.at(sums, source, shares)
    return kernel[:, :, source] * (shares / sums[source])
