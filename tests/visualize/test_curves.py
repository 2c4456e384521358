"""Curves of training runs."""

import numpy as np

from inpaint_tf.visualize.curves import draw_runs, in_a_row

BLUE, ORANGE, GREY = (0, 114, 178), (213, 94, 0), (170, 170, 170)


def records(values, term="l1", **others):
    return [{"step": 10 * (i + 1), term: value, **others} for i, value in enumerate(values)]


def places(picture, colour):
    return np.argwhere((picture == colour).all(axis=-1))


def test_a_line_falls_with_its_values_and_each_run_has_its_own():
    picture = draw_runs({"one": records([3, 2, 1]), "two": records([1, 2, 3])}, ["l1"])
    falling, rising = (places(picture[60:], colour) for colour in (BLUE, ORANGE))
    assert falling[falling[:, 1].argmin(), 0] < falling[falling[:, 1].argmax(), 0]
    assert rising[rising[:, 1].argmin(), 0] > rising[rising[:, 1].argmax(), 0]


def test_a_panel_for_every_term_that_there_is():
    runs = {"run": records([1, 2]) + records([5, 4], term="known")}
    one = draw_runs(runs, ["l1", "missing"])
    assert draw_runs(runs, ["l1", "known"]).shape == (one.shape[0], 2 * one.shape[1], 3)
    assert draw_runs({"run": [*records([1]), *records([1], "b"), *records([1], "c"), *records([1], "d")]},
                     ["l1", "b", "c", "d"]).shape == (2 * one.shape[0], 3 * one.shape[1], 3)  # fmt: skip
    assert draw_runs(runs, ["missing"]) is None


def test_a_change_of_phase_is_a_line():
    lines = [{"step": 1, "l1": 1.0, "phase": "warm_up"}, {"step": 2, "l1": 2.0, "phase": "joint"}]
    assert len(places(draw_runs({"run": lines}, ["l1"]), GREY)) > 100
    lines[1]["phase"] = "warm_up"
    assert len(places(draw_runs({"run": lines}, ["l1"]), GREY)) < 20


def test_parts_of_a_run_are_counted_through():
    joined = in_a_row([records([1, 2]), records([3])])
    assert [(record["step"], record["l1"]) for record in joined] == [(10, 1), (20, 2), (30, 3)]
