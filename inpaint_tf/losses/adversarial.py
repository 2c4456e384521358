"""Adversarial losses: what a critic maximises and what its generator does about it.

Each takes raw scores (float32, any shape, no sigmoid) and returns a scalar to minimise. `ADVERSARIAL_LOSSES` names
them. The paper compares Wasserstein loss with gradient penalty (its choice) to plain GAN and least squares; hinge is
what its successor uses.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf


def wasserstein_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """mean(D(fake)) - mean(D(real)) (authors' v1.0.0 code; WGAN, Arjovsky et al. 2017, equation 2 with its sign)."""
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


def wasserstein_generator(fake: tf.Tensor) -> tf.Tensor:
    """-mean(D(fake))."""
    return -tf.reduce_mean(fake)


def cross_entropy_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy with real = 1 and fake = 0, mean over both (Goodfellow et al. 2014, equation 1)."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def cross_entropy_generator(fake: tf.Tensor) -> tf.Tensor:
    """Non-saturating: -mean(log sigmoid(D(fake))) (Goodfellow et al. 2014, section 3)."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def least_squares_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """0.5 mean((D(real) - 1)^2) + 0.5 mean(D(fake)^2) (Mao et al. 2017, equation 9)."""
    return 0.5 * (tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake)))


def least_squares_generator(fake: tf.Tensor) -> tf.Tensor:
    """0.5 mean((D(fake) - 1)^2) (Mao et al. 2017, equation 9)."""
    return 0.5 * tf.reduce_mean(tf.square(fake - 1.0))


def hinge_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """0.5 mean(relu(1 - D(real))) + 0.5 mean(relu(1 + D(fake))) (authors' DeepFill v2 code, with its halves)."""
    return 0.5 * (tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake)))


def hinge_generator(fake: tf.Tensor) -> tf.Tensor:
    """-mean(D(fake))."""
    return -tf.reduce_mean(fake)


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses.

    Attributes:
        critic: (scores of real, scores of fake) -> scalar.
        generator: scores of fake -> scalar.
        penalised: Whether the critic needs the gradient penalty to be meaningful.
        takes_r1: Whether the critic's gradient at photos is held small, see `gradient_penalty.r1_penalty`.
    """

    critic: Callable
    generator: Callable
    penalised: bool = False
    takes_r1: bool = False


ADVERSARIAL_LOSSES = {
    "wgan": AdversarialLoss(wasserstein_critic, wasserstein_generator, penalised=True),
    "bce": AdversarialLoss(cross_entropy_critic, cross_entropy_generator),
    # The same pair with R1, as StyleGAN and LaMa have it.
    "non_saturating": AdversarialLoss(cross_entropy_critic, cross_entropy_generator, takes_r1=True),
    "least_squares": AdversarialLoss(least_squares_critic, least_squares_generator),
    "hinge": AdversarialLoss(hinge_critic, hinge_generator),
}
