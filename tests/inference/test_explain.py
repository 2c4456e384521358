import json

import numpy as np
import pytest
from PIL import Image

import inpaint_tf
from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.inference.explain import pixel_sources
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def model():
    return build_model("deepfill_v1", width=8)


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 256, (12, 15, 3)), np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def hole():
    hole = np.zeros((96, 120), bool)
    hole[40:72, 48:88] = True
    return hole


@pytest.fixture(scope="module")
def explanation(model, image, hole):
    return inpaint_tf.explain(image, hole, at=(60, 50), inpainter=Inpainter(model, detail="patches"))


def test_the_attention_at_a_pixel_is_the_runs_own(explanation):
    row, column = explanation.result.offsets[50 // 8, 60 // 8]
    assert explanation.attention.best == (column * 8 + 4, row * 8 + 4)
    assert explanation.attention.weights.shape == (12, 15) == explanation.attention.valid.shape
    assert not explanation.attention.valid[5:9, 6:11].any() and explanation.attention.valid[0, 0]
    assert not explanation.attention.reduced


def test_source_of_the_pixel_is_exact(explanation):
    row, column = explanation.result.sources[50, 60]
    assert explanation.source == ((column, row) if row >= 0 else None)
    assert any("60,50" in sentence for sentence in explanation.sentences())


def test_all_files_are_written_and_can_be_read(explanation, image, tmp_path):
    files = {path.name for path in explanation.write(tmp_path / "a" / "b")}
    pictures = ["completed", "coarse", "network", "flow", "patch_flow", "arrows"]
    pictures += ["attention", "scores_before", "scores_after"]
    expected = {f"{name}.png" for name in pictures} | {"animation.webp", "sources.npy", "explanation.json"}
    assert expected <= files
    folder = tmp_path / "a" / "b"
    assert np.array_equal(np.load(folder / "sources.npy"), explanation.result.sources)
    assert np.array_equal(np.array(Image.open(folder / "completed.png")), explanation.result.completed)
    said = json.loads((folder / "explanation.json").read_text())
    assert said["at"] == [60, 50] and said["sentences"]
    film = Image.open(folder / "animation.webp")
    assert film.n_frames > 20
    assert np.array(Image.open(folder / "flow.png")).shape[1] == image.shape[1] + 150


def test_without_patches_sources_are_the_attentions(model, image, hole):
    explanation = inpaint_tf.explain(image, hole, inpainter=Inpainter(model))
    sources = pixel_sources(explanation.result, hole)
    row, column = explanation.result.offsets[5, 6]
    assert sources[41, 50].tolist() == [row * 8 + 1, column * 8 + 2]
    assert (sources[~hole] == -1).all()
    assert "patch_flow" not in explanation.pictures() and "arrows" in explanation.pictures()


def test_at_a_working_size_the_map_lies_on_the_window(model, image, hole):
    inpainter = Inpainter(model, working_size="auto", trained_on={"image": 32, "hole": 16})
    explanation = inpaint_tf.explain(image, hole, at=(60, 50), inpainter=inpainter)
    top, left, bottom, right = explanation.attention.place
    assert top < 40 and left < 48 and bottom > 72 and right > 88
    x, y = explanation.attention.best
    assert top <= y < bottom and left <= x < right and not hole[y, x]
    assert explanation.attention.weights.shape[0] < 12


def test_a_network_without_attention_has_no_map(image, hole):
    inpainter = Inpainter(build_model("deepfill_v1_baseline", width=8))
    explanation = inpaint_tf.explain(image, hole, at=(60, 50), inpainter=inpainter)
    assert explanation.attention is None
    assert set(explanation.pictures()) == {"completed", "coarse", "network"}
    assert explanation.animation(".gif")[:3] == b"GIF"


@pytest.mark.parametrize(
    "at,said", [((0, 0), "nearest that was is 48,40"), ((200, 0), "outside"), ((-1, 5), "outside")]
)
def test_a_pixel_that_was_not_filled_is_named(model, image, hole, at, said):
    with pytest.raises(UserError, match=said):
        inpaint_tf.explain(image, hole, at=at, inpainter=Inpainter(model))


def test_nothing_to_explain(model, image):
    with pytest.raises(UserError, match="no hole"):
        inpaint_tf.explain(image, np.zeros((96, 120), bool), inpainter=Inpainter(model))


@pytest.mark.parametrize("working_size", ["full", 60])
def test_a_sketch_in_grey_levels_is_seen_as_the_fill_saw_it(image, hole, working_size):
    inpainter = Inpainter(build_model("deepfill_v2_guided", width=8), working_size=working_size)
    grey = np.full(hole.shape, 100, np.uint8)  # Dark enough to be no line.
    grey[52:55] = 255
    levels, lines = (
        inpaint_tf.explain(image, hole, at=(60, 50), inpainter=inpainter, guide=guide) for guide in (grey, grey > 153)
    )
    assert np.array_equal(levels.result.refined, lines.result.refined)
    assert np.array_equal(levels.attention.alone, lines.attention.alone)
