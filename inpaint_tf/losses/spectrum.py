"""A loss on local spectra: how much of every frequency there is in a neighbourhood, wherever exactly it is.

A completion that is trained on features of a network soon learns a mesh of horizontal and vertical lines, which such
features take for texture. Its spectrum betrays it: the energy of a few frequencies along the axes is too high, and that
of all others too low. Energies know nothing of phase, so this loss does not ask for the one right texture either, and
does not blur.
"""

import numpy as np
import tensorflow as tf

# Side of the blocks whose cosine transform is taken, and of the neighbourhoods over which its energies are averaged.
BLOCK, WINDOW = 8, 32
# Energy below which frequencies are noise of the camera: standard deviation of two levels of 255, in [-1, 1] squared.
FLOOR = (2 / 127.5) ** 2


def cosine_basis(size: int) -> np.ndarray:
    """The orthonormal two-dimensional cosine transform without its mean, as filters of one channel.

    Args:
        size: Side of the blocks.

    Returns:
        float32 [size, size, 1, size^2 - 1].
    """
    position, frequency = np.arange(size), np.arange(size)[:, np.newaxis]
    basis = np.cos(np.pi * (position + 0.5) * frequency / size) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    pairs = np.einsum("ux,vy->xyuv", basis, basis).reshape(size, size, size * size)
    return pairs[:, :, np.newaxis, 1:].astype(np.float32)


def opponent_colours(images: tf.Tensor) -> tf.Tensor:
    """RGB -> mean of the three, red less green, blue less the mean of both: [B, H, W, 3]."""
    red, green, blue = tf.unstack(images, axis=-1)
    return tf.stack([(red + green + blue) / 3, red - green, blue - (red + green) / 2], axis=-1)


def local_energies(images: tf.Tensor) -> tf.Tensor:
    """Mean energy of every frequency of brightness and colour in overlapping neighbourhoods.

    Args:
        images: float32 [B, H, W, 3], RGB in [-1, 1], sides at least `BLOCK` + `WINDOW`.

    Returns:
        float32 [B, h, w, 3 * (BLOCK^2 - 1)], at least 0: of each of `opponent_colours` in turn, in neighbourhoods of
        `WINDOW` pixels, half a neighbourhood apart.
    """
    # Every second block is enough: a shift by one pixel is seen by the next.
    step = 2
    basis = tf.constant(cosine_basis(BLOCK))
    channels = tf.split(opponent_colours(images), 3, axis=-1)
    energy = tf.concat([tf.square(tf.nn.conv2d(channel, basis, step, "VALID")) for channel in channels], axis=-1)
    return tf.nn.avg_pool2d(energy, WINDOW // step, WINDOW // (2 * step), "VALID")


def spectrum_loss(target: tf.Tensor, completed: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of the logarithms of local energies, see `local_energies`.

    Args:
        target: float32 [B, H, W, 3] in [-1, 1], crops of photos.
        completed: float32 [B, H, W, 3] in [-1, 1], the same crops of completed photos.

    Returns:
        float32 scalar, 0 or more: 0.69 means that energies are wrong by a factor of two.
    """
    energies = [local_energies(images) for images in (target, completed)]
    wanted, given = (tf.math.log(energy + FLOOR) for energy in energies)
    return tf.reduce_mean(tf.abs(tf.stop_gradient(wanted) - given))
