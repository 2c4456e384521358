"""Photos with holes of many kinds, and the comparison of a planned run with a full one."""

import cv2
import numpy as np

from inpaint_tf.pixels import composite


def with_random_weights(model, seed=0):
    """A built model, given seeded weights that keep differences alive from layer to layer."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        value = weight.numpy()
        if value.ndim == 4:
            weight.assign(1.15 * value)
        else:
            # Biases and a mean colour; of batch normalisation, factors that make up for what ReLU takes away.
            around = {"gamma": 1.5, "moving_variance": 1.0}.get(weight.name, 0.0)
            weight.assign(around + rng.normal(scale=0.1, size=value.shape))
    return model


def one_pixel(rng, hole):
    hole[rng.integers(hole.shape[0]), rng.integers(hole.shape[1])] = True


def boxes(rng, hole):
    for _ in range(rng.integers(1, 5)):
        top, left = (int(rng.integers(0, side)) for side in hole.shape)
        height, width = rng.integers(1, 90, 2)
        hole[top : top + height, left : left + width] = True


def corner(rng, hole):
    height, width = (int(rng.integers(1, side // 2 + 2)) for side in hole.shape)
    rows = slice(height) if rng.random() < 0.5 else slice(-height, None)
    columns = slice(width) if rng.random() < 0.5 else slice(-width, None)
    hole[rows, columns] = True


def half(rng, hole):
    if rng.random() < 0.5:
        hole[: hole.shape[0] // 2] = True
    else:
        hole[:, hole.shape[1] // 2 :] = True


def frame(rng, hole):
    thickness = int(rng.integers(1, 9))
    hole[:] = True
    hole[thickness:-thickness, thickness:-thickness] = False


def strokes(rng, hole):
    drawn = hole.astype(np.uint8)
    height, width = hole.shape
    for _ in range(rng.integers(1, 4)):
        points = np.stack([rng.integers(0, width, 5), rng.integers(0, height, 5)], axis=-1).astype(np.int32)
        cv2.polylines(drawn, [points], False, 1, thickness=int(rng.integers(3, 25)))
    hole |= drawn > 0


KINDS = [one_pixel, boxes, corner, half, frame, strokes]


def random_photo(rng, kind, largest=27):
    """Image float32 [H, W, 3] and hole bool [H, W], H and W multiples of 8 up to 8 * largest."""
    height, width = (8 * int(side) for side in rng.integers(2, largest + 1, 2))
    hole = np.zeros((height, width), bool)
    kind(rng, hole)
    smooth = cv2.resize(rng.uniform(-1, 1, (5, 5, 3)).astype("float32"), (width, height))
    image = np.clip(smooth + rng.normal(scale=0.2, size=smooth.shape), -1, 1).astype("float32")
    return image, hole


def compare(planned, full, image, hole):
    """Runs both; returns the largest difference in the hole and the grey levels that differ there."""
    mask = hole[..., np.newaxis].astype("float32")
    result, expected = planned(image, mask), full(image, mask)
    difference = max(np.abs(result[stage] - expected[stage])[hole].max() for stage in ("coarse", "refined"))
    for stage in ("coarse", "refined"):
        np.testing.assert_array_equal(result[stage][~hole], image[~hole])
    if "offsets" in expected:
        known = (result["offsets"] >= 0).all(axis=-1)
        assert known.any()
        # Two keys may be equally strong up to rounding.
        assert (result["offsets"][known] != expected["offsets"][known]).any(axis=-1).mean() <= 0.01
    grey = np.zeros(image.shape, np.uint8)
    levels = [composite(grey, hole, run["refined"])[hole].astype(int) for run in (result, expected)]
    return difference, np.abs(levels[0] - levels[1])
