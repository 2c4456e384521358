"""Diagrams of matplotlib: what is in them, and what is said without it."""

import re

import numpy as np
import pytest

from inpaint_tf.errors import UserError
from inpaint_tf.visualize import plots


def test_points_with_intervals_as_svg():
    series = {"one": [(1, 0.5, 2), None], "$two_$": [(3, 2, 4), (2, 1, 3)], "none": [None, None]}
    text = plots.interval_plot("l1 <%>", ["a", "b"], series)
    assert text.startswith("<svg") and "l1 &lt;%&gt;" in text and ">$two_$<" in text and ">none<" not in text
    assert text == plots.interval_plot("l1 <%>", ["a", "b"], series)
    assert not re.search(r"<\?xml|<!DOCTYPE", text)
    assert plots.interval_plot("nothing", ["a"], {"one": [None]}) == ""


def test_a_figure_has_the_pixels_that_were_asked_for():
    picture = plots.as_picture(plots.new_figure(321, 123))
    assert picture.shape == (123, 321, 3) and picture.dtype == np.uint8 and (picture == 255).all()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(plots, "can_draw", lambda: False)
    with pytest.raises(UserError, match=r"pip install \"inpaint_tf\[evaluation\]\""):
        plots.new_figure(10, 10)
