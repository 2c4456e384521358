"""FID, KID, U-IDS and P-IDS by hand and on sets whose answer is known."""

import numpy as np
import pytest

from inpaint_tf.evaluation.set_metrics import discriminative_scores, frechet_distance, kernel_distance


def test_frechet_distance_by_hand():
    # One channel: (m1 - m2)^2 + (s1 - s2)^2. Means 0 and 3, standard deviations 1 and 2 (N - 1).
    ones = np.array([[-1.0], [0], [1]])
    assert frechet_distance(ones, 2 * ones + 3) == pytest.approx(9 + 1)


def test_frechet_distance_of_known_gaussians(rng):
    # Commuting covariances: trace of (C1^(1/2) - C2^(1/2))^2 = (1 - 2)^2 + (2 - 2)^2 + (3 - 1)^2.
    first = rng.normal(size=(40_000, 3)) * [1, 2, 3]
    second = rng.normal(size=(40_000, 3)) * [2, 2, 1] + [1, 0, 0]
    assert frechet_distance(first, second) == pytest.approx(1 + 1 + 4, rel=0.03)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def test_kernel_distance_by_hand():
    # Kernel (x y + 1)^3. Within {0, 1}: k(0, 1) = 1. Within {1, 2}: k(1, 2) = 27. Across: 1, 1, k(1, 1) = 8, 27.
    assert kernel_distance(np.array([[0.0], [1]]), np.array([[1.0], [2]])) == pytest.approx(1 + 27 - 2 * 37 / 4)
    # The mean over channels: (1 * 1 + 1 * 1) / 2 + 1 = 2, cubed, everywhere.
    same = np.ones((3, 2))
    assert kernel_distance(same, same) == pytest.approx(0)


def test_kernel_distance_has_no_bias(rng):
    """Over many small sets of one distribution the mean is 0, where a biased estimate would be 0.3 and more."""
    values = [kernel_distance(rng.normal(size=(10, 2)), rng.normal(size=(10, 2))) for _ in range(3000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(3000) < 0.2


def test_kernel_distance_of_subsets_is_the_same_again_and_near_that_of_all(rng):
    first, second = rng.normal(size=(400, 3)), rng.normal(size=(500, 3)) + 1
    one = kernel_distance(first, second, subset_size=100)
    assert one == kernel_distance(first, second, subset_size=100) != kernel_distance(first, second, subset_size=90)
    assert one == pytest.approx(kernel_distance(first, second), rel=0.1)


def test_sets_that_a_plane_separates_score_0():
    originals = np.array([[1.0, 0], [2, 0], [1, 1], [2, 1]])
    scores = discriminative_scores(originals, -originals)
    assert scores == (0, 0)


def test_fills_that_are_the_photos_score_a_half(rng):
    originals = rng.normal(size=(20, 3))
    assert discriminative_scores(originals, originals) == (0.5, 0.5)
    # Unpaired they are the same set; paired, half of the shuffled pairs are either way, more or less.
    shuffled = discriminative_scores(originals, originals[rng.permutation(20)])
    assert shuffled.unpaired == 0.5 and 0 <= shuffled.paired <= 1


def test_pairs_are_counted_one_by_one():
    # The plane rises with x. Photos at 0 to 3; fills lie 10 below, but one is above its own photo.
    originals = np.array([[0.0], [1], [2], [3]])
    completions = np.array([[-10.0], [-9], [-8], [3.5]])
    assert discriminative_scores(originals, completions).paired == 0.25


def test_overlapping_sets_lie_between(rng):
    originals, completions = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1)) - 2
    # Gaussians 2 apart: half of that is 1 standard deviation, the error 0.159; of the pairs' difference, 2 / sqrt 2.
    scores = discriminative_scores(originals, completions)
    assert scores.unpaired == pytest.approx(0.159, abs=0.015) and scores.paired == pytest.approx(0.079, abs=0.015)


def test_too_few_vectors_or_no_pairs():
    with pytest.raises(ValueError, match="two images"):
        frechet_distance(np.ones((1, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="two images"):
        kernel_distance(np.ones((3, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="needs its original"):
        discriminative_scores(np.ones((3, 2)), np.ones((4, 2)))
