"""A linear support vector machine, solved exactly and without a random number.

The problem is that of scikit-learn's `LinearSVC(dual=False)` with its defaults, which P-IDS and U-IDS are defined by:

    minimise  (|w|^2 + b^2) / 2  +  C sum_i max(0, 1 - y_i (w x_i + b))^2

It is convex and, where the set of examples inside the margin stays the same, quadratic; so Newton's method, with a line
search for steps that change the set, ends after a few steps at the one solution there is.

Reference: Keerthi and DeCoste, A Modified Finite Newton Method for Fast Solution of Large Scale Linear SVMs, 2005.
"""

from typing import NamedTuple

import numpy as np

# Steps that no problem has needed, and the share of the first gradient at which the last one counts as 0.
_MOST_STEPS, _TOLERANCE = 200, 1e-10


class LinearSVM(NamedTuple):
    """A separating plane.

    Attributes:
        weights: float [C].
        bias: The constant.
    """

    weights: np.ndarray
    bias: float

    def decide(self, vectors: np.ndarray) -> np.ndarray:
        """[N, C] -> float [N]: above 0 on the side of the label 1."""
        return vectors @ self.weights + self.bias


def fit_linear_svm(vectors: np.ndarray, labels: np.ndarray, cost: float = 1.0) -> LinearSVM:
    """The plane that separates vectors by their labels.

    Args:
        vectors: float [N, C].
        labels: [N], 1 or -1.
        cost: C of the problem: how much an example inside the margin counts.

    Raises:
        ValueError: for other labels.
    """
    labels = np.asarray(labels, np.float64)
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError("labels must be 1 or -1.")
    examples = np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1).astype(np.float64)
    plane = np.zeros(examples.shape[1])
    first = None
    for _ in range(_MOST_STEPS):
        decided = examples @ plane
        inside = labels * decided < 1
        gradient = plane - 2 * cost * examples[inside].T @ (labels[inside] - decided[inside])
        size = float(np.linalg.norm(gradient))
        first = size if first is None else first
        if size <= _TOLERANCE * first:
            break
        step = _minimum_with(examples[inside], labels[inside], cost) - plane
        plane = plane + _best_length(plane, step, decided, examples @ step, labels, cost) * step
    return LinearSVM(plane[:-1], float(plane[-1]))


def _minimum_with(examples, labels, cost):
    """Where the minimum lies if exactly these examples are inside the margin; by the smaller system of equations."""
    count, size = examples.shape
    if count < size:
        dual = np.linalg.solve(examples @ examples.T + np.eye(count) / (2 * cost), labels)
        return examples.T @ dual
    return np.linalg.solve(examples.T @ examples + np.eye(size) / (2 * cost), examples.T @ labels)


def _best_length(plane, step, decided, change, labels, cost):
    """How far along the step the objective is least; its slope there is a growing function, whose 0 is bisected."""

    def slope(length):
        short = np.maximum(0, 1 - labels * (decided + length * change))
        return plane @ step + length * (step @ step) - 2 * cost * np.sum(short * labels * change)

    if abs(slope(1.0)) <= 1e-12 * abs(slope(0.0)):
        return 1.0  # As usual near the end; without the rounding of a bisection.
    low, high = 0.0, 1.0
    while slope(high) < 0 and high < 1e6:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return (low + high) / 2
