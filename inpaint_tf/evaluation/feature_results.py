"""Lines of `results.jsonl` for measures in the features of a network.

Each is named after its network ("fid_hed") and carries its fingerprint. Distances of two pictures are means over images
with intervals, like those of pixels. Measures of sets have one value for a method, without interval: resampled sets
hold fewer different images, and FID and the SVM's scores depend on how many there are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inpaint_tf.evaluation.aggregate import Cell, estimate
from inpaint_tf.evaluation.feature_metrics import (
    FeatureNetwork,
    HedNetwork,
    feature_distance,
    perceptual_distance,
    pooled_vector,
)
from inpaint_tf.evaluation.lpips import Lpips
from inpaint_tf.evaluation.results import about_run
from inpaint_tf.evaluation.runner import MethodRun, Row
from inpaint_tf.evaluation.set_metrics import discriminative_scores, frechet_distance, kernel_distance
from inpaint_tf.masks.manifest import Manifest
from inpaint_tf.progress import progress

# (run, row) -> original and completed uint8 [H, W, 3] and hole bool [H, W].
ReadRow = Callable[[MethodRun, Row], tuple[np.ndarray, np.ndarray, np.ndarray]]
FEATURE_DISTANCE = Cell("feature_distance", "whole", "absolute", "per_image")
# With a network that looks at the hole and its margin alone; the mean over layers.
FEATURE_DISTANCE_OF_HOLE = Cell("feature_distance", "hole", "absolute", "per_image")


def feature_lines(
    manifest: Manifest, runs: Sequence[MethodRun], network: FeatureNetwork | HedNetwork, read: ReadRow
) -> list[dict[str, Any]]:
    """Lines of feature distance, FID, KID, U-IDS and P-IDS.

    Args:
        manifest: `Manifest`.
        runs: `MethodRun`s over it.
        network: `FeatureNetwork`, or `HedNetwork`, whose feature distance is that of the hole.
        read: `ReadRow`.

    Returns:
        List of dictionaries as in `results.result_lines`, with network, its fingerprint; those of sets, which need two
        different images, with features, the length of their vectors. FID and KID compare the completions with the
        images under them, each of which counts once; U-IDS and P-IDS with one image for each completion.
    """
    lines, originals = [], {}
    cell, distance = (
        (FEATURE_DISTANCE, perceptual_distance)
        if network.margin is None
        else (FEATURE_DISTANCE_OF_HOLE, feature_distance)
    )
    for run in runs:
        done = [row for row in run.rows if row.error is None]
        distances, photos, completions = [], [], []
        for row in progress(done, len(done), f"{run.method}: features of image"):
            original, completed, hole = read(run, row)
            pair = _features(network, original, hole), _features(network, completed, hole)
            distances.append({cell.key: [distance(*pair), 1.0]})
            photo = manifest.entries[row.entry].photo
            photos.append((photo.sha256, photo.resize, photo.crop))
            whole = pair if network.margin is None else (None, network(completed))
            if photos[-1] not in originals:
                originals[photos[-1]] = pooled_vector(whole[0] or network(original))
            completions.append(pooled_vector(whole[1]))
        about = _about(manifest, run, network)
        if done:
            found = estimate(distances, [photo[0] for photo in photos], cell) or {}
            lines.append({"method": run.method, **cell.__dict__, **found, **about})
        if len(set(photos)) > 1:
            paired = np.array([originals[photo] for photo in photos])
            different = np.array([originals[photo] for photo in dict.fromkeys(photos)])
            values = _set_values(different, paired, np.array(completions))
            counts = {"images": len({photo[0] for photo in photos}), "masks": len(done), "features": paired.shape[1]}
            for name, value in values.items():
                named = Cell(f"{name}_{network.name}", "whole", "absolute", "pooled")
                found = {"value": value, "ci_low": None, "ci_high": None, **counts}
                lines.append({"method": run.method, **named.__dict__, **found, **about})
    return lines


def lpips_lines(manifest: Manifest, runs: Sequence[MethodRun], lpips: Lpips, read: ReadRow) -> list[dict[str, Any]]:
    """Lines of LPIPS over the whole image; arguments and results as of `feature_lines`."""
    lines = []
    cell = Cell(f"lpips_{lpips.name}", "whole", "absolute", "per_image")
    for run in runs:
        done = [row for row in run.rows if row.error is None]
        images = [manifest.entries[row.entry].photo.sha256 for row in done]
        distances = []
        for row in progress(done, len(done), f"{run.method}: LPIPS of image"):
            original, completed, _ = read(run, row)
            distances.append({cell.key: [lpips(original, completed), 1.0]})
        if done:
            found = estimate(distances, images, cell) or {}
            lines.append({"method": run.method, **cell.__dict__, **found, **_about(manifest, run, lpips)})
    return lines


def _features(network, image, hole):
    return network(image if network.margin is None else network.crop(image, hole))


def _set_values(different, paired, completions):
    scores = discriminative_scores(paired, completions)
    return {
        "fid": frechet_distance(different, completions),
        "kid": kernel_distance(different, completions),
        "u_ids": scores.unpaired,
        "p_ids": scores.paired,
    }


def _about(manifest, run, network):
    return about_run(manifest, run) | {"area": "all", "failed": len(run.failed), "network": network.fingerprint}
