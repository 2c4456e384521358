import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.layers import ConvBlock
from inpaint_tf.layers.conv_block import upsampled_convolution
from inpaint_tf.layers.resize import upsample_nearest_2x


@pytest.mark.parametrize("height,width", [(1, 1), (1, 7), (4, 4), (5, 8)])
def test_four_taps_equal_upsampling_and_nine(height, width, rng):
    x = tf.constant(rng.normal(size=(2, height, width, 6)), tf.float32)
    kernel = tf.constant(rng.normal(size=(3, 3, 6, 5)), tf.float32)
    plain = tf.nn.conv2d(upsample_nearest_2x(x), kernel, 1, "SAME")
    assert np.max(np.abs(upsampled_convolution(x, kernel) - plain)) < 2e-5


@pytest.mark.parametrize(
    "options,expected",
    [
        ({"kernel_size": 5}, (2, 9, 12, 4)),
        ({"kernel_size": 3, "strides": 2}, (2, 5, 6, 4)),
        ({"kernel_size": 3, "dilation_rate": 8}, (2, 9, 12, 4)),
        ({"kernel_size": 3, "upsample": True}, (2, 18, 24, 4)),
        ({"kernel_size": 4, "upsample": True, "batch_norm": True}, (2, 18, 24, 4)),
        ({"kernel_size": 3, "strides": 2, "gated": True}, (2, 5, 6, 4)),
        ({"kernel_size": 3, "upsample": True, "gated": True}, (2, 18, 24, 4)),
    ],
)
def test_shapes(options, expected, rng):
    block = ConvBlock(4, **options)
    x = rng.normal(size=(2, 9, 12, 3)).astype(np.float32)
    assert tuple(block(x).shape) == expected == block.compute_output_shape(x.shape)


def test_stride_two_pads_below_and_to_the_right_only():
    # SAME at stride 2 with a 3x3 kernel on an even size pads (0, 1): the first output sees rows 0..2, none above.
    block = ConvBlock(1, 3, strides=2, activation="linear")
    block.build((None, 4, 4, 1))
    block.kernel.assign(np.ones((3, 3, 1, 1)))
    ones = np.ones((1, 4, 4, 1), np.float32)
    assert block(ones)[0, :, :, 0].numpy().tolist() == [[9, 6], [6, 4]]


def test_elu_of_a_negative_sum():
    block = ConvBlock(1, 1)
    block.build((None, 1, 1, 1))
    block.kernel.assign(np.full((1, 1, 1, 1), 2.0))
    block.bias.assign([-5.0])
    # elu(2 * 1 - 5) = exp(-3) - 1
    assert block(np.ones((1, 1, 1, 1), np.float32)).numpy().item() == pytest.approx(np.exp(-3) - 1, rel=1e-6)


def test_one_half_gates_the_other():
    block = ConvBlock(1, 1, gated=True)
    block.build((None, 1, 1, 1))
    assert tuple(block.kernel.shape) == (1, 1, 1, 2)
    block.kernel.assign([[[[2.0, 3.0]]]])
    block.bias.assign([-5.0, -4.0])
    # elu(2 - 5) * sigmoid(3 - 4) = (exp(-3) - 1) / (1 + exp(1))
    expected = (np.exp(-3) - 1) / (1 + np.exp(1))
    assert block(np.ones((1, 1, 1, 1), np.float32)).numpy().item() == pytest.approx(expected, rel=1e-6)


def test_a_four_by_four_kernel_upsamples_as_keras_does(rng):
    block = ConvBlock(5, 4, upsample=True, activation="linear")
    x = rng.normal(size=(2, 3, 5, 6)).astype(np.float32)
    ours = block(x)
    theirs = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same")
    theirs.build(x.shape)
    theirs.kernel.assign(np.transpose(block.kernel, [0, 1, 3, 2]))
    assert np.max(np.abs(ours - theirs(x))) < 1e-5


def test_batch_normalisation_follows_the_batch_in_training_only(rng):
    block = ConvBlock(3, 1, activation="linear", batch_norm=True)
    x = rng.normal(2, 3, size=(4, 8, 8, 2)).astype(np.float32)
    block.build(x.shape)
    # Variances far above the layer's epsilon of 1e-3, which the normalised deviation would show otherwise.
    block.kernel.assign(rng.normal(size=block.kernel.shape))
    before = block(x, training=False)
    assert np.array_equal(block(x), before)
    normalised = block(x, training=True).numpy()
    assert np.allclose(normalised.mean((0, 1, 2)), 0, atol=1e-4) and np.allclose(
        normalised.std((0, 1, 2)), 1, atol=0.01
    )
    assert not np.allclose(block(x), before)


@pytest.mark.parametrize("kinds", [{"gated": True}, {"batch_norm": True}])
def test_config_round_trip(kinds):
    block = ConvBlock(4, 3, strides=1, dilation_rate=1, upsample=True, activation="relu", name="up", **kinds)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(block))
    assert again.get_config() == block.get_config()


@pytest.mark.parametrize("options", [{"activation": "gelu"}, {"upsample": True, "strides": 2}])
def test_bad_arguments_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ConvBlock(4, 3, **options)
