"""The Inpainter with patches, and what a preset recommends."""

import json
import shutil

import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import BUNDLED, bundled_presets, read_config
from inpaint_tf.models.registry import MODELS, build_model


def photo_and_hole(height=72, width=96, seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    hole = np.zeros((height, width), bool)
    hole[20:52, 30:66] = True
    return image, hole


@pytest.mark.parametrize("name", ["deepfill_v1", "deepfill_v1_baseline", "deepfill_v2_guided", "glcic"])
def test_patches_follow_any_model(name):
    assert name in MODELS
    image, hole = photo_and_hole()
    result = Inpainter(build_model(name, width=4), detail="patches").run(image, hole)
    rows, columns = result.sources[hole].T
    assert np.array_equal(result.completed[hole], image[rows, columns]) and not hole[rows, columns].any()
    assert (result.sources[~hole] == -1).all()
    assert np.array_equal(result.completed[~hole], image[~hole])
    assert not np.array_equal(result.network[hole], result.completed[hole])


@pytest.fixture(scope="module")
def model():
    return build_model("deepfill_v1", width=4)


def test_the_networks_completion_is_kept(model):
    image, hole = photo_and_hole()
    alone = Inpainter(model).run(image, hole)
    patches = Inpainter(model, detail="patches").run(image, hole)
    assert np.array_equal(patches.network, alone.completed)
    assert alone.network is alone.completed and alone.sources is None
    nothing = Inpainter(model, detail="patches").run(image, np.zeros_like(hole))
    assert np.array_equal(nothing.completed, image) and (nothing.sources == -1).all()


def test_blending_moves_the_copies_colours(model):
    image, hole = photo_and_hole()
    copies, blended = (Inpainter(model, detail="patches", blend=b).run(image, hole) for b in ("none", "poisson"))
    assert np.array_equal(copies.completed[~hole], blended.completed[~hole])
    network = blended.network[hole].mean(axis=0)
    assert np.abs(blended.completed[hole].mean(axis=0) - network).max() < 3


def test_report_tells_stages_and_what_it_raises_ends_the_run(model):
    image, hole = photo_and_hole()
    inpainter, seen = Inpainter(model, detail="patches"), []
    result = inpainter.run(image, hole, report=lambda stage, share: seen.append((stage, share)))
    stages = [stage for stage, _ in seen]
    assert stages == sorted(stages) and set(stages) == {"network", "patches"}
    for stage in set(stages):
        shares = [share for name, share in seen if name == stage]
        assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == pytest.approx(1)
    assert np.array_equal(result.completed, inpainter(image, hole))
    for stop_at in ("network", "patches"):

        def stop(stage, share, stop_at=stop_at):
            if stage == stop_at:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            inpainter.run(image, hole, report=stop)


def test_unknown_details_are_named(model):
    with pytest.raises(UserError, match="detail 'more' is unknown; known: none, patches"):
        Inpainter(model, detail="more")


@pytest.mark.parametrize("budget", ["1GiB", True])
def test_a_memory_budget_is_a_number_of_bytes(model, budget):
    with pytest.raises(UserError, match="memory_budget must be a number of bytes"):
        Inpainter(model, memory_budget=budget)


def test_bundled_presets_recommend_and_others_do_not(tmp_path):
    for name in bundled_presets():
        config = read_config(BUNDLED / name)
        assert (config.detail, config.working_size, config.blend) == ("patches", "auto", "poisson")
        side = 128 if name == "open_guided" else 256
        assert config.trained_on == {"image": side, "hole": side // 2}
    # What was written before presets recommended anything.
    old = tmp_path / "old"
    shutil.copytree(BUNDLED / "open_small", old)
    config = json.loads((old / "config.json").read_text())
    for name in ("detail", "working_size", "blend", "trained_on"):
        del config[name]
    (old / "config.json").write_text(json.dumps(config))
    inpainter = Inpainter.from_preset(old)
    assert (inpainter.detail, inpainter.working_size, inpainter.blend) == ("none", "full", "none")
    inpainter = Inpainter.from_preset("open_small", detail="none", working_size=64, blend="none")
    assert (inpainter.detail, inpainter.working_size, inpainter.blend) == ("none", 64, "none")
    assert Inpainter.from_preset("open_small").detail == "patches"
