"""Vectors become pixels by one rule: a pixel is covered if its centre is. Checked against that rule, pixel by pixel."""

import time

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.serve.strokes import grow, rasterise


def centres(height, width):
    rows, columns = np.mgrid[:height, :width]
    return columns + 0.5, rows + 0.5


def distance_to_polyline(points, height, width):
    x, y = centres(height, width)
    nearest = np.full((height, width), np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] or points):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        t = 0 if length == 0 else np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    return nearest


@pytest.mark.parametrize("seed", range(20))
def test_brush_covers_exactly_the_centres_within_its_radius(seed):
    rng = np.random.default_rng(seed)
    height, width = 50, 70
    points = (rng.uniform(-10, 80, (rng.integers(1, 8), 2))).tolist()
    size = float(rng.uniform(0.5, 40))
    drawn = rasterise([{"op": "brush", "size": size, "points": points}], height, width)
    distance = distance_to_polyline(points, height, width)
    clear = np.abs(distance - size / 2) > 1e-9
    assert np.array_equal(drawn[clear], (distance <= size / 2)[clear])


def test_erase_takes_away_what_brush_gave():
    drawn = rasterise(
        [
            {"op": "brush", "size": 20, "points": [[5, 20], [60, 20]]},
            {"op": "erase", "size": 10, "points": [[30, 20]]},
        ],
        40,
        64,
    )
    x, y = centres(40, 64)
    assert drawn[20, 10] and not drawn[20, 30]
    assert np.array_equal(~drawn & (np.hypot(x - 30, y - 20) < 5), np.hypot(x - 30, y - 20) < 5)


def test_box_by_centres_and_in_any_direction():
    for corners in (([3.5, 2.4], [10.5, 8.6]), ([10.5, 8.6], [3.5, 2.4]), ([3.5, 8.6], [10.5, 2.4])):
        drawn = rasterise([{"op": "box", "from": corners[0], "to": corners[1]}], 20, 20)
        x, y = centres(20, 20)
        # Centres that lie on the left or right edge may count or not.
        clear = (x != 3.5) & (x != 10.5)
        inside = (x > 3.5) & (x < 10.5) & (y > 2.4) & (y < 8.6)
        assert np.array_equal(drawn[clear], inside[clear])


def test_lasso_winds_nonzero():
    # A pentagram: its middle is wound twice and belongs to the inside.
    angles = np.pi / 2 + 4 * np.pi / 5 * np.arange(5)
    points = np.stack([50 + 40 * np.cos(angles), 50 + 40 * np.sin(angles)], axis=1).tolist()
    drawn = rasterise([{"op": "lasso", "points": points}], 100, 100)
    assert drawn[50, 50] and not drawn[12, 12]
    x, y = centres(100, 100)
    winding = np.zeros((100, 100))
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1]):
        left = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        winding += ((ay <= y) & (by > y) & (left > 0)).astype(int) - ((ay > y) & (by <= y) & (left < 0)).astype(int)
    assert np.array_equal(drawn, winding != 0)


def test_invert_clear_grow_and_mask():
    box = {"op": "box", "from": [10, 10], "to": [20, 20]}
    inverted = rasterise([box, {"op": "invert"}], 30, 30)
    assert inverted.sum() == 900 - 100 and not inverted[10:20, 10:20].any()
    assert not rasterise([box, {"op": "clear"}], 30, 30).any()
    grown = rasterise([box, {"op": "grow", "pixels": 3}], 30, 30)
    assert grown[7:23, 10:20].all() and not grown[6].any() and not grown[7, 7]
    assert np.array_equal(rasterise([box, {"op": "grow", "pixels": -3}], 30, 30).nonzero()[0].min(), 13)
    given = np.zeros((30, 30), bool)
    given[0, 0] = True
    both = rasterise([box, {"op": "mask", "id": "m"}], 30, 30, {"m": given}.__getitem__)
    assert both[0, 0] and both[15, 15] and both.sum() == 101


def test_grow_of_nothing_and_everything_stays():
    assert not grow(np.zeros((5, 5), bool), 3).any()
    assert grow(np.ones((5, 5), bool), -3).all()


@pytest.mark.parametrize(
    "operations,said",
    [
        ({"op": "brush"}, "list of operations"),
        ([{"op": "spray"}], "stroke 1"),
        ([{"op": "clear"}, {"op": "brush", "size": "big", "points": [[1, 2]]}], "stroke 2: size"),
        ([{"op": "brush", "size": 5, "points": []}], "points"),
        ([{"op": "brush", "size": 5, "points": [[1, float("nan")]]}], "within"),
        ([{"op": "brush", "size": 5, "points": [[1, 2], [3]]}], "pairs"),
        ([{"op": "lasso", "points": [[0, 0]] * 200_001}], "at most"),
        ([{"op": "mask", "id": "x"}], "uploaded"),
        (["brush"], "stroke 1"),
        ([{"op": "grow", "pixels": True}], "pixels"),
    ],
)
def test_what_is_no_stroke_is_named(operations, said):
    with pytest.raises(UserError, match=said):
        rasterise(operations, 10, 10)


def test_far_outside_draws_nothing():
    assert not rasterise([{"op": "brush", "size": 9, "points": [[-500, -500], [-400, 90_000]]}], 20, 20).any()


def test_a_long_stroke_on_24_megapixels_is_quick():
    rng = np.random.default_rng(0)
    points = np.cumsum(rng.normal(0, 20, (2000, 2)), axis=0) + [3000, 2000]
    started = time.process_time()
    drawn = rasterise([{"op": "brush", "size": 300, "points": points.tolist()}], 4000, 6000)
    assert drawn.any()
    assert time.process_time() - started < 10
