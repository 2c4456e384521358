"""A narrow generator's weights for a wider one of the same layers, which then computes the same function.

Channels are repeated until the wider layer is full, and what a layer reads from several copies of a channel is shared
out among them at random, so that the copies get different gradients and part (Chen, Goodfellow, Shlens: Net2Net,
ICLR 2016, arXiv 1511.05641).
"""

import numpy as np

from inpaint_tf.models.two_stage import TwoStageGenerator


def can_be_widened(model):
    """Whether `widened` knows a model's layers: two stages of plain convolutions."""
    return isinstance(model, TwoStageGenerator) and not any(conv.gated for conv in model.LAYERS.coarse)


def widened(arrays, narrow, wide, rng):
    """Weights of `wide` that compute what `narrow` computes.

    Copies of the features that are matched by attention are divided by the square root of their number, which leaves
    products and norms as they were.

    Args:
        arrays: Variable name -> array, the narrow model's.
        narrow, wide: Models that differ in their width alone; see `can_be_widened`.
        rng: `np.random.Generator`.

    Returns:
        Variable name -> float32 array, for every variable of `wide`.
    """
    result = {}

    def stack(name, source):
        """Widens a stack whose input channel i copies the narrow one's `source[i]`; gives the same of its output."""
        narrow_blocks, wide_blocks = getattr(narrow, name).blocks, getattr(wide, name).blocks
        for index, (thin, block) in enumerate(zip(narrow_blocks, wide_blocks)):
            copies = np.bincount(source)
            target = np.arange(block.filters) % thin.filters
            kernel = _shared_out(arrays[f"{name}/{block.name}/kernel"][..., target], source, rng)
            bias = arrays[f"{name}/{block.name}/bias"][target]
            if name == "attention_decoder" and index == 0:
                kernel = kernel * np.sqrt(copies[source])[:, np.newaxis]
            if name == "attention_encoder" and block is wide_blocks[-1]:
                smaller = 1 / np.sqrt(np.bincount(target)[target])
                kernel, bias = kernel * smaller, bias * smaller
            result[f"{name}/{block.name}/kernel"] = kernel.astype(np.float32)
            result[f"{name}/{block.name}/bias"] = bias.astype(np.float32)
            source = target
        return source

    def inputs(name):
        return np.arange(getattr(wide, name).blocks[0].kernel.shape[2])

    stack("coarse", inputs("coarse"))
    if wide.refinement_stage:
        source = stack("convolution_branch", inputs("convolution_branch"))
        if wide.attention_branch:
            copied = stack("attention_decoder", stack("attention_encoder", inputs("attention_encoder")))
            source = np.concatenate([source, source.max() + 1 + copied])
        stack("decoder", source)
    return result


def _shared_out(kernel, source, rng):
    """[kh, kw, n, o] -> [kh, kw, len(source), o]: channels repeated, their weights shared out among the copies."""
    shares = rng.uniform(0.5, 1.5, (len(source), kernel.shape[-1]))
    sums = np.zeros((source.max() + 1, kernel.shape[-1]))
    np.add.at(sums, source, shares)
    return kernel[:, :, source] * (shares / sums[source])
