import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.layers.spectral_norm import SpectralNormalization, SpectralNormConv


def largest_singular_value(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


def test_iterations_find_the_largest_singular_value(rng):
    kernel = tf.constant(rng.normal(size=(3, 3, 4, 6)), tf.float32)
    layer = SpectralNormalization()
    errors = [abs(largest_singular_value(layer(kernel, training=True).numpy()) - 1) for _ in range(60)]
    assert errors[-1] < 1e-4 < errors[0]


def test_u_moves_in_training_only_and_once_a_call(rng):
    conv = SpectralNormConv(5, 3)
    x = rng.normal(size=(1, 6, 6, 2)).astype(np.float32)
    plain = conv(x)
    first = conv.normalization.u.numpy()
    assert np.array_equal(conv(x), plain) and np.array_equal(conv.normalization.u, first)
    # The estimate of a call is made with its own iteration, so the call that moves u still gives the same.
    assert np.array_equal(conv(x, training=True), plain)
    matrix = np.reshape(conv.kernel, (-1, 5))
    v = first @ matrix.T
    v /= np.linalg.norm(v)
    expected = v @ matrix / np.linalg.norm(v @ matrix)
    assert np.allclose(conv.normalization.u, expected, atol=1e-6)


def test_u_is_a_variable_that_no_optimiser_moves():
    conv = SpectralNormConv(5, 3)
    conv.build((None, 6, 6, 2))
    assert tuple(conv.normalization.u.shape) == (1, 5)
    assert [variable.name for variable in conv.non_trainable_variables] == ["u"]
    assert {variable.name for variable in conv.trainable_variables} == {"kernel", "bias"}


def test_the_gradient_of_a_settled_iteration_is_that_of_the_singular_value(rng):
    """Numerical derivative of kernel / (largest singular value), exact from a decomposition."""
    layer = SpectralNormalization()
    kernel = tf.constant(rng.normal(size=(8, 5)), tf.float32)
    weights = rng.normal(size=(8, 5)).astype(np.float32)
    for _ in range(300):
        layer(kernel, training=True)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        loss = tf.reduce_sum(layer(kernel) * weights)
    gradient = tape.gradient(loss, kernel).numpy()

    def value(matrix):
        return np.sum(matrix / np.linalg.svd(matrix, compute_uv=False)[0] * weights)

    for row, column in [(0, 0), (3, 4), (7, 2)]:
        step = np.zeros((8, 5))
        step[row, column] = 1e-5
        exact = kernel.numpy().astype(np.float64)
        numeric = (value(exact + step) - value(exact - step)) / 2e-5
        assert gradient[row, column] == pytest.approx(numeric, rel=1e-3, abs=1e-4)


def test_mixed_precision_keeps_the_norm_in_float32(rng):
    conv = SpectralNormConv(5, 3, strides=2, dtype="mixed_bfloat16")
    y = conv(rng.normal(size=(1, 7, 6, 2)).astype(np.float32), training=True)
    assert y.dtype == tf.bfloat16 and tuple(y.shape) == (1, 4, 3, 5) == conv.compute_output_shape((1, 7, 6, 2))
    assert conv.normalization.u.dtype == "float32" and np.linalg.norm(conv.normalization.u) == pytest.approx(
        1, abs=1e-5
    )


def test_config_round_trip():
    conv = SpectralNormConv(5, 3, strides=2, name="conv1")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(conv))
    assert again.get_config() == conv.get_config()
