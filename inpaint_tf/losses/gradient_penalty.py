"""Penalties on the critic's gradient: that of WGAN-GP, restricted to the hole (paper, equation 3), and R1.

Inpainting only changes pixels of the hole, so only the gradient with respect to those is held to norm 1.
"""

from collections.abc import Callable

import tensorflow as tf


def interpolate(real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """real + alpha * (fake - real).

    Args:
        real: [B, ...].
        fake: [B, ...].
        alpha: [B, 1], uniform in [0, 1): one number per sample.
    """
    alpha = tf.reshape(tf.cast(alpha, real.dtype), [-1] + [1] * (real.shape.rank - 1))
    return real + alpha * (fake - real)


def gradient_penalty(critic: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, hole_mask: tf.Tensor) -> tf.Tensor:
    """mean((|grad D(points) * m| - 1)^2), without its factor 10.

    The root has no epsilon, as in the authors' v1.0.0 code, where a gradient of exactly zero gives NaN. Here its
    derivative is 0 there; the value is the same everywhere.

    Args:
        critic: Callable from points to scores, float32 [B, 1].
        points: float32 [B, H, W, C], between real and fake, see `interpolate`.
        hole_mask: float32 [B or 1, H, W, 1], 1 = hole.

    Returns:
        float32 scalar, differentiable with respect to the critic's variables.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        scores = critic(points)
    gradient = tape.gradient(scores, points)
    norm = safe_root(tf.reduce_sum(tf.square(gradient) * hole_mask, axis=[1, 2, 3]))
    return tf.reduce_mean(tf.square(norm - 1.0))


def r1_penalty(critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor) -> tf.Tensor:
    """mean(|grad D(real)|^2) / 2, without its factor gamma: holds the critic flat where photos are.

    Args:
        critic: Callable from images to scores, float32 [B, ...].
        real: float32 [B, H, W, C].

    Returns:
        float32 scalar, differentiable with respect to the critic's variables.

    Reference: Mescheder et al., Which Training Methods for GANs do actually Converge?, ICML 2018, equation 9.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(real)
        scores = critic(real)
    gradient = tape.gradient(scores, real)
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]))


def safe_root(x: tf.Tensor) -> tf.Tensor:
    """Square root of x >= 0 whose derivative at exactly 0 is 0, not infinite. Values are those of `tf.sqrt`."""
    positive = x > 0.0
    return tf.where(positive, tf.sqrt(tf.where(positive, x, tf.ones_like(x))), tf.zeros_like(x))
