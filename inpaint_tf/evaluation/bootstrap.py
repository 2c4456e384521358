"""Confidence intervals by resampling images (percentile bootstrap).

Images are the unit: a protocol's images are taken as a sample of all images, so they are drawn again with replacement,
many times, and the statistic is computed each time; the interval holds the middle 95% of the results. All masks of an
image are drawn with it. The seed is fixed, and methods that are compared share the draws, so differences are paired.

Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1000
SEED = 1801
LEVEL = 0.95
# Draws handled at once, so that a long image list does not need resamples x images numbers in memory.
_CHUNK = 4_000_000


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A statistic and its confidence interval."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Callable[..., np.ndarray],
    columns: Sequence[np.ndarray],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Estimate:
    """A statistic over images with its percentile interval.

    Args:
        statistic: Function of arrays [..., N] (as many as there are columns) -> [...].
        columns: Sequence of float [N], one value an image; all are resampled with the same draws.
        resamples: Number of draws.
        seed: Of the draws; the same seed and N give the same draws.
        level: Share of the draws inside the interval.

    Returns:
        An `Estimate`; with one image the interval is that image's value and says nothing.

    Raises:
        ValueError: without images.
    """
    columns = [np.asarray(column, np.float64) for column in columns]
    count = len(columns[0])
    if not count:
        raise ValueError("bootstrap needs at least one image.")
    random = np.random.default_rng(seed)
    draws, done = [], 0
    while done < resamples:
        batch = min(resamples - done, max(1, _CHUNK // count))
        chosen = random.integers(count, size=(batch, count))
        draws.append(statistic(*(column[chosen] for column in columns)))
        done += batch
    low, high = np.quantile(np.concatenate(draws), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(statistic(*columns)), float(low), float(high))
