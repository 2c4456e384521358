"""Receptive fields against what convolutions really depend on."""

import numpy as np
import pytest

from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.deepfill_v1 import ATTENTION_ENCODER, COARSE, CONVOLUTION_BRANCH, DECODER
from inpaint_tf.planned.receptive_field import (
    Chain,
    chain_sizes,
    macs_per_pixel,
    needed_interval,
    receptive_radius,
)
from inpaint_tf.regions import Rect

KINDS = [
    Conv("plain"),
    Conv("wide", kernel=5),
    Conv("strided", stride=2),
    Conv("strided_wide", kernel=5, stride=2),
    Conv("dilated", dilation=4),
    Conv("up", upsample=True),
]


def dependencies(conv, length):
    """bool [length out, length in]: which output rows change with which input row, by running the block."""
    block = conv.block(1)
    block.build((None, None, None, 1))
    block.set_weights([np.ones(block.kernel.shape, "float32"), np.zeros(1, "float32")])
    one_hot = np.eye(length, dtype="float32").reshape(length, length, 1, 1)
    return np.asarray(block(one_hot))[:, :, 0, 0].T != 0


# Maps in front of a strided layer have even sides.
CASES = [(conv, length) for conv in KINDS for length in (8, 13, 24) if conv.stride == 1 or length % 2 == 0]


@pytest.mark.parametrize("conv, length", CASES, ids=lambda value: getattr(value, "name", value))
def test_needed_rows_are_those_that_the_output_depends_on(conv, length):
    seen = dependencies(conv, length)
    assert len(seen) == conv.output_length(length)
    for start in range(len(seen)):
        for stop in range(start + 1, len(seen) + 1):
            rows = np.flatnonzero(seen[start:stop].any(axis=0))
            first, last = needed_interval(conv, start, stop, length)
            # Taps may jump over rows, but never reach beyond the interval, and its ends are reached unless padded.
            assert max(first, 0) <= rows[0] and rows[-1] < min(last, length)
            if conv.dilation == 1:
                assert (max(first, 0), min(last, length)) == (rows[0], rows[-1] + 1)


def test_coarse_network_sees_152_pixels():
    # Measured in the past on crops: identical at a margin of 152 px (a multiple of 8), different at 144.
    assert 144 < receptive_radius(COARSE) <= 153
    assert receptive_radius(CONVOLUTION_BRANCH) < receptive_radius(COARSE)
    # By hand: 2 + 1*1 + 2*1 + 2*1 + 4*1 + 4*1 = 15.
    assert receptive_radius(ATTENTION_ENCODER) == 15


def test_receptive_fields_follow_the_layer_list():
    doubled = tuple(Conv(c.name, c.width, c.kernel, c.stride, 2 * c.dilation) for c in ATTENTION_ENCODER)
    assert receptive_radius(doubled) == 2 * 15


def test_each_layer_reads_what_the_one_before_computed_and_pads_at_the_edges_only(rng):
    for _ in range(100):
        size = tuple(int(side) for side in 8 * rng.integers(1, 60, 2))
        chain = Chain(COARSE, size)
        top, left = (int(rng.integers(0, side)) for side in size)
        bottom, right = int(rng.integers(top + 1, size[0] + 1)), int(rng.integers(left + 1, size[1] + 1))
        regions = chain.regions(Rect(top, left, bottom, right))
        assert regions[-1].output == Rect(top, left, bottom, right)
        for before, after, (height, width) in zip(regions, regions[1:], chain.sizes[1:]):
            assert after.source == before.output
            above, below, beside, beyond = after.padding
            assert not above or after.source.top == 0
            assert not below or after.source.bottom == height
            assert not beside or after.source.left == 0
            assert not beyond or after.source.right == width


def test_whole_output_takes_the_whole_of_every_map():
    chain = Chain(DECODER, (16, 24))
    regions = chain.regions(Rect(0, 0, 64, 96))
    assert [region.output for region in regions] == [Rect(0, 0, *size) for size in chain_sizes(DECODER, (16, 24))[1:]]


def test_macs_by_hand():
    layers = (Conv("a", 1, kernel=5), Conv("b", 2, stride=2), Conv("c", 1, upsample=True))
    macs = macs_per_pixel(layers, 8, 5)
    assert macs == (25 * 5 * 8, 9 * 8 * 16, 4 * 16 * 8)
    whole = Chain(layers, (16, 16), macs).macs(Rect(0, 0, 16, 16))
    assert whole == 256 * macs[0] + 64 * macs[1] + 256 * macs[2]
