"""Turns a preset of DeepFill v1 into one of deepfill_v2_guided that computes nearly the same, to be trained on.

    PYTHONPATH=. python experiments/campaign_3/open_gates.py V1_PRESET GUIDED_PRESET

The two have the same layers; those of v2 are gated, so v1's channels become the features and every gate stands open (a
bias of 2, sigmoid .88, which the next layer makes up for). What differs: v2 ends in tanh, its second stage does not see
where the hole is, and the sketch's channel, which v1 does not have, is read with random weights.
"""

import sys

import numpy as np

from inpaint_tf.models.network import SHOWN_CHANNELS, View
from inpaint_tf.models.presets import load_preset, save_preset
from inpaint_tf.models.presets import named_variables as variables_of
from inpaint_tf.models.registry import build_model

GATE_BIAS = 2.0
# Before tanh, so that values of the middle of the range come out as they went in.
BEFORE_TANH = 1.15
SEED = 17


def opened(plain, guided):
    """Weights of `guided`: variable name -> array."""
    rng, arrays = np.random.default_rng(SEED), {}
    weights = {name: variable.numpy().astype(np.float64) for name, variable in variables_of(plain).items()}
    for stack in guided.network.stacks:
        factor = np.float64(1)
        sources = [guided.network[name] for name in stack.sources]
        if not isinstance(sources[0], View):
            factor = 1 + np.exp(-GATE_BIAS)
        for index, conv in enumerate(stack.convs):
            name = f"{stack.name}/{conv.name}"
            kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
            if index == 0 and isinstance(sources[0], View):
                kernel, bias = _seen(kernel, bias, plain.network[sources[0].name].shows, sources[0].shows, rng)
            kernel = kernel * factor
            if conv.gated:
                gate = np.zeros_like(kernel)
                if index == 0 and isinstance(sources[0], View) and "guide" in sources[0].shows:
                    channel = _begin(sources[0].shows, "guide")
                    gate[:, :, channel] = rng.normal(0, kernel.std(), gate[:, :, channel].shape)
                kernel = np.concatenate([kernel, gate], axis=-1)
                bias = np.concatenate([bias, np.full_like(bias, GATE_BIAS)])
                factor = 1 + np.exp(-GATE_BIAS)
            else:
                kernel, bias = kernel * BEFORE_TANH, bias * BEFORE_TANH
            arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
    return arrays


def _seen(kernel, bias, before, after, rng):
    """The first kernel of a stage for what v2 shows it; what a channel of ones gave goes into the bias."""
    parts = []
    for shown in after:
        if shown in before:
            begin = _begin(before, shown)
            parts.append(kernel[:, :, begin : begin + SHOWN_CHANNELS[shown]])
        else:
            parts.append(rng.normal(0, kernel.std(), (*kernel.shape[:2], SHOWN_CHANNELS[shown], kernel.shape[3])))
    if "ones" in before and "ones" not in after:
        bias = bias + kernel[:, :, _begin(before, "ones")].sum(axis=(0, 1))
    return np.concatenate(parts, axis=2), bias


def _begin(shows, wanted):
    return sum(SHOWN_CHANNELS[shown] for shown in shows[: shows.index(wanted)])


def main(source, folder):
    plain, config = load_preset(source)
    width = 2 * plain.width
    guided = build_model("deepfill_v2_guided", width=width)
    arrays = opened(plain, guided)
    for name, variable in variables_of(guided).items():
        assert arrays[name].shape == tuple(variable.shape), name
    save_preset(
        folder,
        guided,
        "deepfill_v2_guided",
        {"width": width},
        "RGB",
        source=f"gates opened in {source}",
        weights={name: array.astype(np.float32) for name, array in arrays.items()},
        trained_on=config.trained_on,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
