"""The randomised search against exhaustive search."""

import numpy as np
import pytest

from inpaint_tf.patchmatch.nearest_patches import BAND, PatchField, patches_touching


def scene(seed=0, side=48):
    """Smooth noise with a square hole: float32 [H, W, 3] and bool [H, W]."""
    random = np.random.default_rng(seed)
    image = random.normal(size=(side, side, 3)).astype(np.float32)
    for _ in range(4):
        image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) + np.roll(image, (1, 1), (0, 1))) / 4
    hole = np.zeros((side, side), bool)
    hole[16:30, 18:34] = True
    return image, hole


def exhaustive(image, hole, size):
    """Least distance of every target to any source."""
    patches = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
    touched = patches_touching(hole, size)
    targets, sources = (patches[which].reshape(which.sum(), -1) for which in (touched, ~touched))
    squares = (targets**2).sum(1)[:, None] + (sources**2).sum(1)[None]
    return (squares - 2 * targets @ sources.T).min(axis=1)


def test_search_comes_near_the_exhaustive_optimum():
    image, hole = scene()
    field = PatchField(image, hole, 5, seed=1)
    start = field.distances.mean()
    field.search(30)
    best = exhaustive(image, hole, 5)
    assert (field.distances >= best - 1e-3).all()
    # Noise is the worst case: neighbours' matches are unrelated, only random search finds them.
    assert field.distances.mean() < 1.15 * best.mean()
    assert field.distances.mean() < 0.5 * start


def test_no_round_makes_any_patch_worse():
    image, hole = scene()
    field = PatchField(image, hole, 5, seed=1)
    for _ in range(4):
        before = field.distances.copy()
        field.search(1)
        assert (field.distances <= before).all()


def test_distances_are_those_of_the_matches(rng):
    image, hole = scene()
    field = PatchField(image, hole, 5, seed=1)
    field.search(2)
    for number in rng.integers(len(field.targets), size=20):
        (row, column), (match_row, match_column) = field.targets[number], field.matches[number]
        assert not hole[match_row : match_row + 5, match_column : match_column + 5].any()
        difference = (
            image[row : row + 5, column : column + 5]
            - image[match_row : match_row + 5, match_column : match_column + 5]
        )
        assert field.distances[number] == pytest.approx(float((difference**2).sum()), rel=1e-5)


def test_propagation_alone_spreads_a_good_find(rng):
    # A texture of period 16: one right match, and the neighbours' right ones are its shifts.
    tile = rng.random((16, 16, 3)).astype(np.float32)
    image = np.tile(tile, (4, 4, 1))
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    field = PatchField(image, hole, 5)
    field.matches[:] = [0, 0]
    number = len(field.targets) // 2
    field.matches[number] = field.targets[number] % 16
    field.update()
    field.search(2, radius=0)
    assert np.mean(field.distances < 1e-6) > 0.9


@pytest.mark.parametrize("side", [48, 160])
def test_same_finds_for_any_number_of_threads(side):
    image, _ = scene(side=side)
    hole = np.zeros((side, side), bool)
    hole[10:-10, 10 : side // 2] = True
    fields = [PatchField(image.copy(), hole, 5, seed=3, threads=threads) for threads in (1, 2, 5)]
    for field in fields:
        field.search(3)
        field.vote(np.ones(len(field.targets), np.float32), 3)
    assert side == 48 or len(fields[0].targets) > 4 * BAND
    for field in fields[1:]:
        assert np.array_equal(field.matches, fields[0].matches)
        assert np.array_equal(field.image, fields[0].image)


def test_what_is_unusable_is_never_copied():
    image, hole = scene()
    unusable = np.zeros_like(hole)
    unusable[:, :20] = True
    field = PatchField(image, hole, 5, unusable=unusable)
    field.search(5)
    assert field.matches[:, 1].min() >= 20
    # Sides of the hole that are known still count where patches are compared.
    assert len(field.targets) == len(PatchField(image, hole, 5).targets)


def test_patches_touching_a_pixel():
    hole = np.zeros((6, 7), bool)
    hole[2, 3] = True
    touched = patches_touching(hole, 3)
    # Upper left corners of the nine 3x3 patches that hold (2, 3).
    expected = np.zeros((4, 5), bool)
    expected[0:3, 1:4] = True
    assert np.array_equal(touched, expected)


def test_no_source_is_an_error():
    with pytest.raises(ValueError, match="free of the hole"):
        PatchField(np.zeros((8, 8, 3), np.float32), np.ones((8, 8), bool), 3)
