"""The plane of a linear SVM, by hand and by its conditions."""

import numpy as np
import pytest

from inpaint_tf.evaluation.linear_svm import fit_linear_svm


def test_two_points_by_hand():
    # By symmetry b = 0. w^2 / 2 + 2 (1 - w)^2 is least where w = 4 (1 - w).
    plane = fit_linear_svm(np.array([[1.0], [-1.0]]), np.array([1, -1]))
    assert plane.weights[0] == pytest.approx(0.8) and plane.bias == pytest.approx(0)


def test_one_label_alone_moves_the_constant():
    # w = b x at x = 0: b^2 / 2 + 3 (1 - b)^2 over three points at 0: b = 6 (1 - b).
    plane = fit_linear_svm(np.zeros((3, 2)), np.ones(3))
    assert plane.bias == pytest.approx(6 / 7) and np.array_equal(plane.weights, [0, 0])


@pytest.mark.parametrize("count, channels", [(300, 5), (40, 120)], ids=["many examples", "many channels"])
@pytest.mark.parametrize("cost", [0.01, 1, 100])
def test_the_solution_is_a_minimum(rng, count, channels, cost):
    """The gradient is 0 there, which in a convex problem only the minimum has."""
    vectors = rng.normal(size=(count, channels)) + 3
    labels = np.where(vectors[:, 0] + rng.normal(size=count) > 3, 1, -1)
    plane = fit_linear_svm(vectors, labels, cost)
    short = np.maximum(0, 1 - labels * plane.decide(vectors)) * labels
    assert np.abs(plane.weights - 2 * cost * short @ vectors).max() < 1e-6
    assert abs(plane.bias - 2 * cost * short.sum()) < 1e-6


def test_the_order_of_examples_does_not_matter(rng):
    vectors, labels = rng.normal(size=(60, 4)), np.repeat([1, -1], 30)
    order = rng.permutation(60)
    one, other = fit_linear_svm(vectors, labels), fit_linear_svm(vectors[order], labels[order])
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-9)


def test_other_labels_are_refused():
    with pytest.raises(ValueError, match="1 or -1"):
        fit_linear_svm(np.zeros((2, 1)), np.array([0, 1]))
