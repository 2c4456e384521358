import numpy as np
import pytest

import inpaint_tf
from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def guided():
    return build_model("deepfill_v2_guided", width=8)


@pytest.fixture
def case(rng):
    image = rng.integers(0, 256, (44, 60, 3), dtype=np.uint8)
    hole = np.zeros((44, 60), bool)
    hole[10:30, 15:45] = True
    sketch = np.zeros((44, 60), np.uint8)
    sketch[20, :] = 255
    return image, hole, sketch


@pytest.mark.parametrize("plan", ["hole", "full"])
def test_a_sketch_changes_the_hole_and_nothing_else(guided, case, plan):
    image, hole, sketch = case
    inpainter = Inpainter(guided, plan=plan)
    free, led = inpainter.run(image, hole), inpainter.run(image, hole, sketch)
    assert np.array_equal(led.completed[~hole], image[~hole])
    assert np.max(np.abs(led.refined - free.refined)[hole]) > 1e-5
    # Lines outside the hole play no part, and 0.6 of 255 is 153.
    outside = np.where(hole, 0, 255).astype(np.uint8)
    assert np.array_equal(inpainter.run(image, hole, outside).refined, free.refined)
    assert np.array_equal(inpainter.run(image, hole, np.minimum(sketch, 153)).refined, free.refined)
    assert np.array_equal(inpainter.run(image, hole, np.minimum(sketch, 154)).refined, led.refined)
    assert np.array_equal(inpainter.run(image, hole, sketch > 0).refined, led.refined)


def test_guides_are_taken_as_masks_are(guided, case):
    image, hole, sketch = case
    inpainter = Inpainter(guided)
    led = inpainter(image, hole, sketch)
    red = np.zeros_like(image)
    red[..., 0] = sketch
    for guide in (sketch // 255, sketch[..., None], sketch[..., None] > 0, np.dstack([sketch] * 3), red):
        assert np.array_equal(inpainter(image, hole, guide), led)
    explained = inpaint_tf.explain(image, hole, (20, 15), inpainter=inpainter, guide=red)
    assert np.array_equal(explained.result.completed, led)
    with pytest.raises(UserError, match=r"guide must be \[height, width\].* got uint8 \[44, 60, 4\]"):
        inpainter(image, hole, np.dstack([sketch] * 4))


def test_plans_agree_under_guidance(guided, case):
    image, hole, sketch = case
    planned, full = (Inpainter(guided, plan=plan).run(image, hole, sketch) for plan in ("hole", "full"))
    assert np.max(np.abs(planned.refined - full.refined)[hole]) < 1e-4


def test_a_model_without_guidance_takes_none(case):
    image, hole, sketch = case
    with pytest.raises(UserError, match="takes no guide"):
        Inpainter(build_model("deepfill_v2", width=8))(image, hole, sketch)


def test_a_guide_of_another_size_is_named_with_both(guided, case):
    image, hole, sketch = case
    with pytest.raises(UserError, match="the image is 60x44, the guide 60x40"):
        Inpainter(guided)(image, hole, sketch[:40])
    with pytest.raises(UserError, match="guide must be"):
        Inpainter(guided)(image, hole, sketch.astype(float))


class Drawing:
    """An engine whose fill is the known pixels' mean with dark lines where the sketch has some."""

    def __call__(self, image, hole_mask, guide=None, report=None):
        hole, filled = hole_mask[..., 0] > 0, image.copy()
        filled[hole] = image[~hole].mean()
        if guide is not None:
            filled[hole & (guide[..., 0] > 0)] = -0.6
        return {"coarse": filled, "refined": filled}


@pytest.fixture
def drawing(guided):
    """options -> an `Inpainter` that draws what is sketched."""

    def make(**options):
        inpainter = Inpainter(guided, **options)
        inpainter._engine = Drawing()
        return inpainter

    return make


@pytest.fixture
def sky():
    """A plain photo with two holes, and a line through the first."""
    image, hole, lines = np.full((96, 160, 3), 200, np.uint8), np.zeros((96, 160), bool), np.zeros((96, 160), bool)
    hole[24:72, 24:72] = hole[24:72, 104:136] = lines[24:72, 46:49] = True
    return image, hole, lines


def test_limits_leave_a_sketched_line_across_a_plain_sky(drawing, sky):
    image, hole, lines = sky
    completed = drawing(blend="poisson")(image, hole, lines)
    assert completed[lines & hole].max() < 70
    # Other holes keep their limits.
    assert np.array_equal(completed[:, 100:], image[:, 100:])


@pytest.mark.parametrize("blend", ["none", "poisson"])
@pytest.mark.parametrize("grain", [0, 6])
def test_patches_leave_a_line_that_the_photo_has_nowhere(drawing, sky, rng, grain, blend):
    image, hole, lines = sky
    image = np.clip(image + rng.normal(0, grain, image.shape), 0, 255).astype(np.uint8)
    result = drawing(detail="patches", blend=blend).run(image, hole, lines)
    inside = lines & hole
    assert result.completed[inside].mean() < 60 and (result.sources[inside] == -1).all()
    # Beside the line, and in the other hole, there are copies, no darker for it.
    beside = hole.copy()
    beside[:, 38:57] = False
    assert (result.sources[beside][:, 0] >= 0).all()
    assert abs(result.completed[hole & ~inside].mean() - 200) < 2
    assert np.array_equal(result.completed[~hole], image[~hole])


def test_patches_give_a_line_that_the_photo_has(drawing, sky):
    image, hole, lines = sky
    image[:, 46:49] = 51
    result = drawing(detail="patches", blend="poisson").run(image, hole, lines)
    inside = lines & hole
    assert result.completed[inside].mean() < 60 and (result.sources[inside][:, 0] >= 0).mean() > 0.9
