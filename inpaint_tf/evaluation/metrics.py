"""The measures: what is computed for one image, and what the numbers mean.

All values are on the range [0, 1] (uint8 / 255), colours are RGB, and every measure is one quotient per image:
a numerator and a denominator. That settles what pooling means (see `aggregate`): per image, the quotients are finished
and averaged; pooled, numerators and denominators are added over all images first.

Regions: `whole` is the image, `hole` the missing pixels, `box` the box that the mask set gives with the hole (for holes
as in the paper's training the 128 x 128 box around it, otherwise the bounding box).

With x the completed and y the original image, sums over the region's pixels and channels (n values):

| metric | absolute | relative |
|---|---|---|
| l1 | sum abs(x - y) / n | sum abs(x - y) / sum y |
| l2 | sum (x - y)^2 / n | sum (x - y)^2 / sum y^2 |
| psnr | -10 log10(absolute l2), the peak being 1 | -10 log10(relative l2), a signal-to-noise ratio |
| tv | mean abs difference of neighbours | the same as a multiple of the original's |
| seam | mean abs difference across the region's border / of neighbours inside | / of the original across the border |
| ssim | mean SSIM over the windows centred in the region | - |
| ms_ssim | MS-SSIM of the region, if it is a rectangle of 176 pixels or more a side | - |

Measures in the features of a network (`feature_metrics`, `set_metrics`, `lpips`) are no quotients of pixels. But for
`feature_distance` their names end in that of the network, `fid_hed` say; `metric_named` knows them.

A perfect reconstruction has an infinite PSNR; one such image would make every mean infinite. PSNR is therefore capped
at `PSNR_CAP` = 100 dB, per image and pooled, and results say how many images were capped. No 8-bit image of less than
150,000 pixels comes near the cap without being perfect.

The paper prints l1, l2, PSNR and TV without saying over which region or how pooled (its authors: "relative L1 error
and squared relative L2 error"), which is why the whole grid is computed.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from inpaint_tf.masks.sets import Hole

REGIONS = ("whole", "box", "hole")
PSNR_CAP = 100.0
# tf.image.ssim's Gaussian window, and the least side that MS-SSIM's four halvings leave a window of.
SSIM_WINDOW = 11
MS_SSIM_SIDE = SSIM_WINDOW * 2**4


def l1_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """Mean absolute error as (numerator, denominator).

    Args:
        original, completed: float [H, W, C] in [0, 1].
        region: bool [H, W].
        relative: Whether the error is divided by the original's sum instead of the number of values.

    Example:
        >>> y, x = np.full((1, 2, 1), 0.5), np.array([[[0.5], [0.75]]])
        >>> l1_terms(y, x, np.ones((1, 2), bool)), l1_terms(y, x, np.ones((1, 2), bool), relative=True)
        ((0.25, 2.0), (0.25, 1.0))
    """
    y, x = original[region], completed[region]
    return float(np.abs(x - y).sum()), float(np.abs(y).sum() if relative else y.size)


def l2_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """Mean squared error, or squared relative L2 error, as (numerator, denominator); arguments as in `l1_terms`."""
    y, x = original[region], completed[region]
    return float(np.square(x - y).sum()), float(np.square(y).sum() if relative else y.size)


def tv_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """Total variation as (numerator, denominator); arguments as in `l1_terms`.

    Absolute: the mean absolute difference of horizontal and vertical neighbours that both lie in the region, over
    all channels. Relative: the sum of these differences over that of the original; 1 is as rough as the original.
    """
    variation, pairs = _variation(completed, region)
    return variation, _variation(original, region)[0] if relative else pairs


def seam_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """How visible the region's border is, as (numerator, denominator); arguments as in `l1_terms`.

    The numerator is the mean absolute difference of neighbours of which one lies in the region. Absolute: over that of
    neighbours inside the region; a smooth fill has little inside, so even a faithful border gives more than 1.
    Relative: over that of the original across the same border; 1 is no seam at all.
    """
    across, pairs = _variation(completed, region, across=True)
    if relative:
        other, other_pairs = _variation(original, region, across=True)
    else:
        other, other_pairs = _variation(completed, region)
    if not pairs or not other_pairs:
        return 0.0, 0.0
    return across / pairs, other / other_pairs


def ssim_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """Sum of the SSIM map over the windows centred in the region, and their number; arguments as in `l1_terms`.

    SSIM as in tf.image.ssim: Gaussian window of 11 pixels, sigma 1.5, mean over channels. Windows lie wholly inside the
    image. Over the whole image this is tf.image.ssim's value. Wang et al., Image Quality Assessment: From Error
    Visibility to Structural Similarity, 2004.
    """
    if min(region.shape) < SSIM_WINDOW:
        return 0.0, 0.0
    margin = SSIM_WINDOW // 2
    centred = region[margin:-margin, margin:-margin]
    similarity = tf.image.ssim(_batch(original), _batch(completed), max_val=1.0, return_index_map=True)[0].numpy()
    return float(similarity[centred].sum(dtype=np.float64)), float(np.count_nonzero(centred))


def ms_ssim_terms(
    original: np.ndarray, completed: np.ndarray, region: np.ndarray, relative: bool = False
) -> tuple[float, float]:
    """MS-SSIM of a rectangular region, and 1; (0, 0) where it is not defined. Arguments as in `l1_terms`.

    tf.image.ssim_multiscale with its five scales. Wang et al., Multiscale Structural Similarity, 2003.
    """
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if min(len(rows), len(columns)) < MS_SSIM_SIDE or np.count_nonzero(region) != len(rows) * len(columns):
        return 0.0, 0.0
    part = np.ix_(rows, columns)
    value = tf.image.ssim_multiscale(_batch(original[part]), _batch(completed[part]), max_val=1.0)
    return float(value[0]), 1.0


def peak_signal_to_noise(squared_error: np.ndarray) -> np.ndarray:
    """-10 log10 of a mean (or relative) squared error on [0, 1], at most `PSNR_CAP` dB. Takes arrays; NaN stays NaN."""
    floor = 10 ** (-PSNR_CAP / 10)
    return -10 * np.log10(np.maximum(squared_error, floor))


@dataclasses.dataclass(frozen=True)
class Metric:
    """A measure.

    Attributes:
        terms: Function of (original, completed, region, relative) -> (numerator, denominator); None for a measure that
            needs the user's network (`feature_metrics`).
        scales: "absolute" and "relative" as far as they are defined.
        higher_is_better: True, False, or None for a measure that is no quality (total variation).
        finish: Function from the quotient to the value.
    """

    terms: Callable | None
    scales: tuple[str, ...]
    higher_is_better: bool | None
    finish: Callable = lambda quotient: quotient


_BOTH = ("absolute", "relative")
METRICS = {
    "l1": Metric(l1_terms, _BOTH, False),
    "l2": Metric(l2_terms, _BOTH, False),
    "psnr": Metric(l2_terms, _BOTH, True, peak_signal_to_noise),
    "tv": Metric(tv_terms, _BOTH, None),
    "seam": Metric(seam_terms, _BOTH, None),
    "ssim": Metric(ssim_terms, ("absolute",), True),
    "ms_ssim": Metric(ms_ssim_terms, ("absolute",), True),
    "feature_distance": Metric(None, ("absolute",), False),
    "lpips": Metric(None, ("absolute",), False),
    "fid": Metric(None, ("absolute",), False),
    "kid": Metric(None, ("absolute",), False),
    "u_ids": Metric(None, ("absolute",), True),
    "p_ids": Metric(None, ("absolute",), True),
}
# Measures that are never named without their network.
OF_A_NETWORK = ("lpips", "fid", "kid", "u_ids", "p_ids")


def kind_of(name: str) -> str | None:
    """ "fid_hed" -> "fid", "l1" -> "l1": the key in `METRICS` of a measure that results name; None if it is unknown."""
    kinds = [kind for kind in OF_A_NETWORK if name.startswith(f"{kind}_")]
    return name if name in METRICS else next(iter(kinds), None)


def metric_named(name: str) -> Metric:
    """The `Metric` of a name in results. Raises KeyError if it is unknown."""
    return METRICS[kind_of(name) or name]


def regions(hole: Hole) -> dict[str, np.ndarray]:
    """Name -> bool [H, W] of the three regions of a `masks.sets.Hole`."""
    top, left, height, width = hole.box
    box = np.zeros_like(hole.pixels)
    box[top : top + height, left : left + width] = True
    return {"whole": np.ones_like(hole.pixels), "box": box, "hole": hole.pixels}


def measure(original: np.ndarray, completed: np.ndarray, hole: Hole) -> dict[str, list[float]]:
    """All measures of one completed image.

    Args:
        original, completed: uint8 [H, W, 3] RGB.
        hole: `masks.sets.Hole`.

    Returns:
        "metric/region/scale" -> [numerator, denominator]; a denominator of 0 means undefined for this image.
    """
    original, completed = (image.astype(np.float64) / 255 for image in (original, completed))
    row = {}
    for region_name, region in regions(hole).items():
        for name, metric in METRICS.items():
            if metric.terms is None:
                continue
            for scale in metric.scales:
                terms = metric.terms(original, completed, region, relative=scale == "relative")
                row[f"{name}/{region_name}/{scale}"] = list(terms)
    return row


def _variation(image, region, across=False):
    """Sum of absolute differences of neighbours inside the region or across its border, and how many they are."""
    total, count = 0.0, 0
    for axis in (0, 1):
        chosen = (np.logical_xor if across else np.logical_and)(*_neighbours(region, axis))
        first, second = _neighbours(image, axis)
        total += float(np.abs(first - second)[chosen].sum())
        count += np.count_nonzero(chosen) * image.shape[-1]
    return total, float(count)


def _neighbours(array, axis):
    length = array.shape[axis]
    return np.take(array, range(length - 1), axis), np.take(array, range(1, length), axis)


def _batch(image):
    return tf.constant(image[np.newaxis], tf.float32)
