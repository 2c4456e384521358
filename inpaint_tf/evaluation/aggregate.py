"""From rows, one a method and mask, to numbers with confidence intervals: the grid, and paired differences.

Pooling `per_image` is the mean over rows of every row's own value; `pooled` adds numerators and denominators over all
rows before the quotient is taken, as if they were one large image. PSNR shows the difference best: pooled it is the
PSNR of the mean squared error, per image it is the mean of PSNRs and, regions being of one size, never lower (-log is
convex).

Rows of one image (a protocol may use several masks on it) stay together in the bootstrap.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inpaint_tf.evaluation.bootstrap import SEED, bootstrap
from inpaint_tf.evaluation.metrics import METRICS, PSNR_CAP, REGIONS, metric_named

POOLINGS = ("per_image", "pooled")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One number's name: which measure, where, on which scale, pooled how."""

    metric: str
    region: str
    scale: str
    pooling: str

    @property
    def key(self) -> str:
        """The key of its terms in a row of `metrics.measure`."""
        return f"{self.metric}/{self.region}/{self.scale}"

    def finish(self, quotient: Any) -> Any:
        """A quotient of terms -> the measure's value."""
        return metric_named(self.metric).finish(quotient)


def grid() -> list[Cell]:
    """All cells of the measures in `METRICS` that need no network, in a fixed order."""
    return [
        Cell(name, region, scale, pooling)
        for name, metric in METRICS.items()
        if metric.terms is not None
        for region in REGIONS
        for scale in metric.scales
        for pooling in POOLINGS
    ]


def estimate(
    rows: Sequence[Mapping[str, Sequence[float]]], images: Sequence[Any], cell: Cell, seed: int = SEED
) -> dict[str, Any] | None:
    """A cell's value over rows.

    Args:
        rows: Sequence of dictionaries "metric/region/scale" -> [numerator, denominator].
        images: Sequence of what tells the image of each row.
        cell: `Cell`.
        seed: Of the bootstrap.

    Returns:
        A dictionary with value, ci_low, ci_high, images and masks (those for which the measure is defined), and for
        PSNR capped (rows that met the cap); None if it is defined for no row.
    """
    terms, seen = _defined([row[cell.key] for row in rows], images)
    if not len(terms):
        return None
    statistic, columns = _statistic(cell, terms, seen)
    found = bootstrap(statistic, columns, seed=seed)
    result = {"value": found.value, "ci_low": found.low, "ci_high": found.high}
    result |= {"images": len(columns[0]), "masks": len(terms)}
    if cell.metric == "psnr":
        result["capped"] = int(np.count_nonzero(cell.finish(terms[:, 0] / terms[:, 1]) >= PSNR_CAP))
    return result


def paired_difference(
    rows: Sequence[Mapping[str, Sequence[float]]],
    other_rows: Sequence[Mapping[str, Sequence[float]]],
    images: Sequence[Any],
    cell: Cell,
    seed: int = SEED,
) -> dict[str, Any] | None:
    """A cell's value over rows minus that over another method's rows of the same masks.

    Args:
        rows, other_rows: Sequences as in `estimate`, of the same masks in the same order.
        images: Sequence of what tells the image of each row.
        cell: `Cell`.
        seed: Of the bootstrap; both sides share the draws.

    Returns:
        A dictionary with value, ci_low, ci_high, images, masks, and better: the share of masks on which the first is
        the better one (None for a measure that is no quality); None if no row has both.

    Raises:
        ValueError: if the sequences differ in length.
    """
    pairs = [[*row[cell.key], *other[cell.key]] for row, other in zip(rows, other_rows, strict=True)]
    terms, seen = _defined(pairs, images)
    if not len(terms):
        return None
    statistic, columns = _statistic(cell, terms[:, :2], seen)
    _, other_columns = _statistic(cell, terms[:, 2:], seen)
    found = bootstrap(lambda *both: statistic(*both[:2]) - statistic(*both[2:]), (*columns, *other_columns), seed=seed)
    higher_is_better, better = metric_named(cell.metric).higher_is_better, None
    if higher_is_better is not None:
        ours, theirs = (cell.finish(part[:, 0] / part[:, 1]) for part in (terms[:, :2], terms[:, 2:]))
        better = float(np.mean(ours > theirs if higher_is_better else ours < theirs))
    result = {"value": found.value, "ci_low": found.low, "ci_high": found.high}
    return result | {"images": len(columns[0]), "masks": len(terms), "better": better}


def row_value(row: Mapping[str, Sequence[float]], cell: Cell) -> float | None:
    """A row's own value of a cell; None where it is not defined."""
    numerator, denominator = row[cell.key]
    return float(cell.finish(np.float64(numerator) / denominator)) if denominator > 0 else None


def _defined(terms, images):
    """The rows whose denominators are all above 0, and their images."""
    terms = np.array(terms, np.float64)
    if not len(terms):
        return terms, np.array([])
    defined = (terms[:, 1::2] > 0).all(axis=1)
    return terms[defined], np.asarray(images)[defined]


def _statistic(cell, terms, images):
    """The function from two columns to a cell's value, and the columns with one entry an image.

    Per image they are the sum of the rows' values and their number, pooled the sums of numerators and denominators.
    """
    if cell.pooling == "per_image":
        terms = np.stack([cell.finish(terms[:, 0] / terms[:, 1]), np.ones(len(terms))], axis=-1)
    _, group = np.unique(images, return_inverse=True)
    columns = [np.bincount(group, weights=column) for column in terms.T]
    finish = cell.finish if cell.pooling == "pooled" else lambda mean: mean
    return lambda first, second: finish(first.sum(axis=-1) / second.sum(axis=-1)), columns
