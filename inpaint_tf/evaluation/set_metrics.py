"""Measures of a whole set: how far a method's fills, as pictures, are from real ones in the features of a network.

They compare distributions and so need many images: fewer than the network has features, and a plane separates any two
sets, and covariances are singular. Results carry both numbers, and the command says so (`tables.small_sample`).

Every image is one vector (`feature_metrics.pooled_vector`). Their names end in that of the network ("fid_hed"), since
numbers of two networks have nothing to do with each other; what papers call FID is of Inception-v3, which is not ours
to give.
"""

from typing import NamedTuple

import numpy as np

from inpaint_tf.evaluation.bootstrap import SEED
from inpaint_tf.evaluation.linear_svm import fit_linear_svm

KERNEL_SUBSETS, KERNEL_SUBSET_SIZE = 100, 1000
# Decisions that differ by less than this share of the largest are equal.
_TIE = 1e-9


def frechet_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """FID: the Frechet distance between Gaussians fitted to two sets of feature vectors.

    |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with N - 1.

    Args:
        features, other_features: float [N, C] and [M, C], N and M at least 2. With fewer images than channels the
            covariances are singular: the value is defined but strongly biased.

    Returns:
        A float, at least 0.

    Raises:
        ValueError: with fewer than two vectors.

    Reference: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, NIPS 2017.
    """
    _check_two(features, other_features)
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    other_covariance = np.atleast_2d(np.cov(other_features, rowvar=False))
    # The trace of the root of C1 C2 is that of the symmetric C1^(1/2) C2 C1^(1/2).
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    eigenvalues = np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)
    shift = np.mean(features, axis=0) - np.mean(other_features, axis=0)
    traces = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sum(np.sqrt(eigenvalues))
    return max(float(shift @ shift + traces), 0.0)


def kernel_distance(
    features: np.ndarray,
    other_features: np.ndarray,
    subsets: int = KERNEL_SUBSETS,
    subset_size: int = KERNEL_SUBSET_SIZE,
    seed: int = SEED,
) -> float:
    """KID: the squared maximum mean discrepancy with the kernel (x y / C + 1)^3, unbiased, mean over subsets.

    Args:
        features, other_features: float [N, C] and [M, C], N and M at least 2.
        subsets: How many pairs of subsets are drawn, without replacement within each; one suffices if subsets hold all.
        subset_size: Vectors of a subset on either side, at most N and M.
        seed: Of the draws.

    Returns:
        A float. Its expectation is 0 for two sets of one distribution, so it may be below 0.

    Raises:
        ValueError: with fewer than two vectors.

    Reference: Binkowski et al., Demystifying MMD GANs, ICLR 2018, section 4.
    """
    _check_two(features, other_features)
    if max(len(features), len(other_features)) <= subset_size:
        return _unbiased_discrepancy(features, other_features)
    random = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        drawn = [
            vectors[random.permutation(len(vectors))[:subset_size]] if len(vectors) > subset_size else vectors
            for vectors in (features, other_features)
        ]
        values.append(_unbiased_discrepancy(*drawn))
    return float(np.mean(values))


class DiscriminativeScores(NamedTuple):
    """How often a linear classifier takes fills for photos.

    Attributes:
        unpaired: U-IDS, its share of errors: 0 if it tells them apart, 0.5 if it only guesses.
        paired: P-IDS, the share of fills that it finds more real than their own photo: from 0 to (about) 0.5.
    """

    unpaired: float
    paired: float


def discriminative_scores(originals: np.ndarray, completions: np.ndarray) -> DiscriminativeScores:
    """P-IDS and U-IDS: a linear SVM is fitted to tell fills from photos, and judged on what it was fitted to.

    As in the authors' code the vectors are taken as they are, and C is 1. There, what lies exactly on the plane, and a
    fill that is exactly as real as its photo, counts as no error; here it counts half, so that fills which are the
    photos give 0.5.

    Args:
        originals, completions: float [N, C], row i of both being one image. With N not well above C the sets are always
            separable, and both scores close to 0.

    Raises:
        ValueError: for sets of different sizes, or fewer than two vectors.

    Reference: Zhao et al., Large Scale Image Completion via Co-Modulated Generative Adversarial Networks, ICLR 2021,
    section 4.
    """
    _check_two(originals, completions)
    if len(originals) != len(completions):
        raise ValueError("every completion needs its original.")
    labels = np.repeat([1, -1], [len(originals), len(completions)])
    plane = fit_linear_svm(np.concatenate([originals, completions]), labels)
    real, fake = plane.decide(originals), plane.decide(completions)
    tie = _TIE * max(float(np.abs(real).max()), float(np.abs(fake).max()))
    unpaired = (_share_above(-real, tie) + _share_above(fake, tie)) / 2
    return DiscriminativeScores(unpaired, _share_above(fake - real, tie))


def _share_above(values, tie):
    """The share of values above 0; those that are 0 but for rounding count half."""
    return float(np.mean(np.where(np.abs(values) <= tie, 0.5, values > 0)))


def _unbiased_discrepancy(first, second):
    channels, n, m = first.shape[1], len(first), len(second)

    def kernel(x, y):
        return (x @ y.T / channels + 1) ** 3

    own, other = kernel(first, first), kernel(second, second)
    within = (own.sum() - np.trace(own)) / (n * (n - 1)) + (other.sum() - np.trace(other)) / (m * (m - 1))
    return float(within - 2 * kernel(first, second).mean())


def _check_two(features, other_features):
    if min(len(features), len(other_features)) < 2:
        raise ValueError("measures of sets need at least two images on both sides.")
