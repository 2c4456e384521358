"""From rows, one a method and image, to numbers with confidence intervals: the grid, area bins, paired differences.

Pooling `per_image` is the mean over images of every image's own value; `pooled` adds numerators and denominators over
all images before the quotient is taken, as if they were one large image. PSNR shows the difference best: pooled it is
the PSNR of the mean squared error, per image it is the mean of PSNRs and never lower (the logarithm is convex).
"""

import dataclasses

import numpy as np

from inpaint_tf.evaluation.bootstrap import SEED, bootstrap, ratio_statistic
from inpaint_tf.evaluation.metrics import METRICS, PSNR_CAP, REGIONS

POOLINGS = ("per_image", "pooled")
ALL_AREAS = "all"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One number's name: which measure, where, on which scale, pooled how."""

    metric: str
    region: str
    scale: str
    pooling: str

    @property
    def key(self):
        """The key of its terms in a row of `metrics.measure`."""
        return f"{self.metric}/{self.region}/{self.scale}"

    @property
    def finish(self):
        return METRICS[self.metric].finish if self.metric in METRICS else _identity


def grid(metrics=tuple(METRICS)):
    """All cells of some metrics, in a fixed order."""
    return [
        Cell(name, region, scale, pooling)
        for name in metrics
        for region in REGIONS
        for scale in METRICS[name].scales
        for pooling in POOLINGS
    ]


def estimate(rows, cell, seed=SEED):
    """A cell's value over rows.

    Args:
        rows: Sequence of "metric/region/scale" -> [numerator, denominator].
        cell: `Cell`.
        seed: Of the bootstrap.

    Returns:
        A dictionary with value, ci_low, ci_high, images (those for which the measure is defined), capped (images whose
        PSNR met the cap; only for PSNR); None if it is defined for no image.
    """
    terms = _terms(rows, cell)
    if not len(terms):
        return None
    numerators, denominators = terms.T
    found = bootstrap(lambda n, d: ratio_statistic(n, d, cell.finish, cell.pooling), (numerators, denominators), seed=seed)
    result = {"value": found.value, "ci_low": found.low, "ci_high": found.high, "images": len(terms)}
    if cell.metric == "psnr":
        result["capped"] = int(np.count_nonzero(cell.finish(numerators / denominators) >= PSNR_CAP))
    return result


def paired_difference(rows, reference_rows, cell, seed=SEED):
    """A cell's value over rows minus that over the reference's rows of the same images.

    Args:
        rows, reference_rows: Sequences as in `estimate`, the same images in the same order.
        cell: `Cell`.
        seed: Of the bootstrap; both sides share the draws.

    Returns:
        A dictionary with value, ci_low, ci_high, images, and better: the share of images on which the row is the better
        one (None for a measure that is no quality); None if no image has both.

    Raises:
        ValueError: if the sequences differ in length.
    """
    pairs = [
        (*row[cell.key], *reference[cell.key])
        for row, reference in zip(rows, reference_rows, strict=True)
        if row[cell.key][1] > 0 and reference[cell.key][1] > 0
    ]
    if not pairs:
        return None
    columns = np.array(pairs).T

    def difference(n, d, reference_n, reference_d):
        ours = ratio_statistic(n, d, cell.finish, cell.pooling)
        return ours - ratio_statistic(reference_n, reference_d, cell.finish, cell.pooling)

    found = bootstrap(difference, columns, seed=seed)
    result = {"value": found.value, "ci_low": found.low, "ci_high": found.high, "images": len(pairs), "better": None}
    higher_is_better = METRICS[cell.metric].higher_is_better if cell.metric in METRICS else False
    if higher_is_better is not None:
        ours, theirs = cell.finish(columns[0] / columns[1]), cell.finish(columns[2] / columns[3])
        result["better"] = float(np.mean(ours > theirs if higher_is_better else ours < theirs))
    return result


def image_values(rows, cell):
    """Every row's own value of a cell, NaN where it is not defined. float64 [N]."""
    values = np.full(len(rows), np.nan)
    for number, row in enumerate(rows):
        numerator, denominator = row[cell.key]
        if denominator > 0:
            values[number] = cell.finish(np.float64(numerator / denominator))
    return values


def _terms(rows, cell):
    return np.array([row[cell.key] for row in rows if row[cell.key][1] > 0], np.float64).reshape(-1, 2)


def _identity(quotient):
    return quotient
