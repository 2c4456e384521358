"""The plan, without weights: what it covers, what it costs, what it says."""

import re

import numpy as np
import pytest

from inpaint_tf.attention.tiled.layout import QueryTile, plan_attention, wrapped_column, wrapped_row
from inpaint_tf.errors import UserError
from inpaint_tf.machine_memory import free_memory
from inpaint_tf.models import glcic
from inpaint_tf.models.deepfill_v1 import COARSE, NETWORK
from inpaint_tf.models.two_stage import ATTENTION_BRANCH
from inpaint_tf.planned.chains import cut_where_resolution_changes
from inpaint_tf.planned.macs import literal_macs
from inpaint_tf.planned.plan import make_plan
from inpaint_tf.planned.tuning import TUNING, Tuning
from inpaint_tf.regions import Rect, bounding_rect, coarsened, cover, painted


def hole_of(size, *rects):
    return painted([Rect(*rect) for rect in rects], size)


def centre(size, side):
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    return hole_of(size, (top, left, top + side, left + side))


def test_cover_is_disjoint_and_complete(rng):
    for _ in range(200):
        mask = rng.random(tuple(rng.integers(1, 30, 2))) < rng.choice([0.01, 0.1, 0.5])
        overhead = float(rng.choice([0, 5, 500]))
        lines = [None, lambda axis, length, too_large: range(1 + axis, length, 3 - too_large)][int(rng.integers(2))]

        def cost(rect):
            return (rect.height + 4) * (rect.width + 4) + overhead

        rects = cover(mask, cost, lambda rect: rect.area <= 100, lines)
        painted_twice = np.zeros(mask.shape, int)
        for rect in rects:
            painted_twice[rect.slices] += 1
            assert rect.area <= 100
        assert painted_twice.max(initial=0) <= 1
        assert (painted_twice[mask] == 1).all()


def test_bounding_rect_and_cells():
    assert bounding_rect(np.zeros((3, 4), bool)) is None
    mask = hole_of((10, 10), (2, 3, 5, 9))
    assert bounding_rect(mask) == Rect(2, 3, 5, 9)
    assert coarsened(mask, 4).tolist() == [[True, True, True], [True, True, True], [False, False, False]]


def test_cuts_lie_where_the_resolution_changes():
    names = [[layer.name for layer in COARSE[a:b]] for a, b in cut_where_resolution_changes(COARSE)]
    assert [part[0] for part in names] == ["conv1", "conv5", "conv13_upsample"]
    assert names[1][-1] == "conv12"


def test_macs_of_the_full_network():
    # 22.4 GMAC of convolutions and 3.4 of attention at 256 x 256.
    assert literal_macs(NETWORK, 32, (256, 256)) / 1e9 == pytest.approx(25.8, abs=0.05)


def test_centre_hole_costs_what_it_should():
    # A hole of half the side: a little more than half the work at 256, two fifths at 512.
    for side, share in ((256, 0.56), (512, 0.40), (1024, 0.20)):
        plan = make_plan(NETWORK, 32, centre((side, side), side // 2))
        assert not plan.fell_back
        assert plan.macs < share * plan.full_macs


def test_cost_follows_the_hole_not_the_photo():
    small, large = (make_plan(NETWORK, 32, centre(size, 128)) for size in ((1024, 1024), (2048, 2048)))
    for stack in ("coarse", "convolution_branch", "attention_decoder", "decoder"):
        costs = [sum(segment.macs for segment in plan.segments[stack]) for plan in (small, large)]
        assert costs[1] == pytest.approx(costs[0], rel=0.05)
    assert small.attentions["attention"].queries == large.attentions["attention"].queries


def test_tiles_cover_the_hole_and_what_it_sees():
    hole = hole_of((256, 640), (10, 20, 50, 90), (200, 600, 240, 640))
    plan = make_plan(NETWORK, 32, hole)
    for stack in ("coarse", "decoder"):
        last = plan.segments[stack][-1]
        assert painted((tile.output for tile in last.tiles), last.size_out)[hole].all()
    for segments in plan.segments.values():
        for before, after in zip(segments, segments[1:]):
            computed = painted((tile.output for tile in before.tiles), before.size_out)
            read = painted((tile.source for tile in after.tiles), before.size_out)
            assert computed[read].all()


def test_holes_far_apart_are_tiles_of_their_own():
    far = make_plan(NETWORK, 32, hole_of((1024, 2048), (0, 0, 64, 64), (900, 1900, 964, 1964)))
    assert [len(segment.tiles) for segment in far.segments["coarse"]] == [2] * len(far.segments["coarse"])
    near = make_plan(NETWORK, 32, hole_of((1024, 2048), (400, 400, 464, 464), (400, 480, 464, 544)))
    assert [len(segment.tiles) for segment in near.segments["coarse"]] == [1] * len(near.segments["coarse"])


def test_falls_back_where_a_crop_would_not_pay():
    hole = np.ones((128, 128), bool)
    hole[60, 60] = False
    plan = make_plan(NETWORK, 32, hole)
    assert plan.fell_back and "would not pay" in plan.summary()
    for segments in plan.segments.values():
        assert painted((tile.output for tile in segments[-1].tiles), segments[-1].size_out).all()


def test_plan_without_attention():
    plan = make_plan(NETWORK.without(*ATTENTION_BRANCH), 32, centre((256, 256), 64))
    assert not plan.attentions and list(plan.segments) == ["coarse", "convolution_branch", "decoder"]
    # Nothing is set aside for scores, which take 24 MiB at least.
    assert plan.bytes_needed < make_plan(NETWORK, 32, centre((256, 256), 64)).bytes_needed


def test_single_stage_is_planned():
    plan = make_plan(glcic.NETWORK, 32, centre((1024, 1024), 64))
    assert list(plan.segments) == ["completion"] and plan.macs < 0.15 * plan.full_macs
    # A learnt 4x4 transposed convolution has four taps to an output pixel in the paper's form too.
    assert sum(
        segment.macs for segment in make_plan(glcic.NETWORK, 32, ~centre((64, 64), 8)).segments["completion"]
    ) == (literal_macs(glcic.NETWORK, 32, (64, 64)))


def test_another_tuning_makes_other_tiles():
    hole = hole_of((512, 1024), (0, 0, 64, 64), (400, 900, 464, 964))
    free, dear = make_plan(NETWORK, 8, hole), make_plan(NETWORK, 8, hole, tuning=Tuning(tile_overhead_macs=1e12))
    assert len(free.segments["coarse"][-1].tiles) == 2 and len(dear.segments["coarse"][-1].tiles) == 1


@pytest.mark.slow
def test_budget_makes_tiles_smaller_and_names_the_least_that_works():
    hole = centre((1024, 1024), 512)
    free = make_plan(NETWORK, 32, hole)
    with pytest.raises(UserError, match=r"20 MiB is too small .* 1024x1024.* least that works is \d+ MiB") as error:
        make_plan(NETWORK, 32, hole, memory_budget=20 << 20)
    least = int(re.search(r"works is (\d+) MiB", str(error.value))[1]) << 20
    tight = make_plan(NETWORK, 32, hole, memory_budget=least)
    assert tight.bytes_needed <= least < free.bytes_needed
    assert len(tight.attentions["attention"].tiles) > len(free.attentions["attention"].tiles)
    with pytest.raises(UserError):
        make_plan(NETWORK, 32, hole, memory_budget=least - (2 << 20))


def test_large_photo_is_planned_within_its_budget():
    hole = np.zeros((6000, 8400), bool)
    hole[3000:3200, 4000:4300] = True
    plan = make_plan(NETWORK, 32, hole, memory_budget=8 << 30)
    assert plan.bytes_needed <= 8 << 30
    assert plan.macs < 0.01 * plan.full_macs


def test_free_memory_is_plausible():
    assert 1 << 20 < free_memory() < 1 << 50


def test_no_hole_and_odd_sizes_are_refused():
    for hole in (np.zeros((64, 64), bool), np.ones((60, 64), bool)):
        with pytest.raises(ValueError, match="multiples of 8"):
            make_plan(NETWORK, 32, hole)


def test_layout_is_aligned(rng):
    for _ in range(200):
        rect = Rect(0, 0, *rng.integers(1, 300, 2).tolist())
        tile = QueryTile.of(rect)
        assert tile.query_slots % 16 == 15 and tile.query_stride % 16 == 0
        assert tile.query_stride >= rect.width + 4 and tile.query_slots > tile.query_stride * (rect.height + 4)


def test_tiles_add_little_to_a_square_of_queries():
    hole, wanted = centre((2160, 3840), 512), centre((540, 960), 140)
    most = max(TUNING.best_scores_bytes)
    plan = plan_attention(hole, (540, 960), 128, wanted, most)
    assert plan.queries == 72**2
    assert painted((tile.rect for tile in plan.tiles), plan.grid).sum() == plan.queries
    assert sum(tile.query_slots for tile in plan.tiles) < 1.3 * plan.queries
    assert plan.score_bytes <= most


def test_strips_hold_the_rows_that_valid_keys_touch(rng):
    """Every such row lies in one strip; strips that follow each other without a gap are full."""
    counts = set()
    for _ in range(100):
        height, width = rng.integers(1, 90, 2).tolist()
        hole = np.zeros((8 * height, 8 * width), bool)
        for _ in range(int(rng.integers(1, 3))):
            top = int(rng.integers(0, 8 * height))
            hole[top : top + int(rng.integers(1, 8 * height + 1))] = True
        plan = plan_attention(hole, (2 * height, 2 * width), 4, np.ones((2 * height, 2 * width), bool), 1 << 28)
        strips, touched = plan.strips, np.pad(plan.valid.any(axis=1), 1)
        rows = np.flatnonzero(touched[:-2] | touched[1:-1] | touched[2:]).tolist()
        counts.add(len(strips.starts))
        found = [row for start, stop in zip(strips.starts, strips.stops) for row in range(start, stop)]
        assert found == rows
        for start, stop, following in zip(strips.starts, strips.stops, (*strips.starts[1:], -1)):
            assert stop - start == strips.height if stop == following else stop - start <= strips.height
        assert strips.pasted_slots % 16 == 0 and strips.pasted_slots >= len(strips.starts) * (width + 2) - 1
    assert {0, 1, 2, 3} <= counts


def test_valid_keys_by_the_aligned_corner_rule():
    # 256 -> 64 takes rows ..., 36, 40, 45, 49, ..., and 64 -> 32 every second of those up here: 40 and 49.
    hole = np.zeros((256, 256), bool)
    hole[41:49] = True
    nothing = np.zeros((64, 64), bool)
    assert plan_attention(hole, (64, 64), 4, nothing, 1 << 28).valid.all()
    hole[40, 49] = True
    valid = plan_attention(hole, (64, 64), 4, nothing, 1 << 28).valid
    assert (~valid).sum() == 9 and not valid[5, 6]


def test_what_runs_over_the_ends():
    grid = (3, 4)
    y, x = np.array([0, 0, 1, 2]), np.array([-1, 4, -1, 4])
    assert wrapped_row(y, x, grid).tolist() == [-1, 4, 3, -1]
    y, x = np.array([-1, -1, 3, 3]), np.array([0, 2, 0, 3])
    assert wrapped_column(y, x, grid).tolist() == [-1, 9, 1, -1]
