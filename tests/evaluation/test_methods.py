"""Methods by name: presets as people get them, and names that are none."""

import numpy as np
import pytest

from inpaint_tf import Inpainter
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.methods import method_named, methods_named
from inpaint_tf.masks.sets import center_hole
from inpaint_tf.models.presets import bundled_presets

HOLE = center_hole(48, 64, side=20).pixels


@pytest.mark.slow
def test_presets_go_through_the_inpainter(rng):
    method = method_named(f"preset:{bundled_presets()[0]}")
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    completion = method.run(image, HOLE)
    assert np.array_equal(completion.pixels[~HOLE], image[~HOLE]) and method.warm_up
    assert completion.offsets is None or completion.offsets.shape == (6, 8, 2)
    blended = method_named(f"preset:{bundled_presets()[0]}+poisson")
    assert not np.array_equal(blended.run(image, HOLE).pixels, completion.pixels)
    assert blended.fingerprint != method.fingerprint


@pytest.mark.slow
def test_a_preset_is_measured_as_its_name_says_whatever_it_recommends(rng):
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    alone = Inpainter.from_preset("photos_small", detail="none", working_size="full", blend="none")(image, HOLE)
    assert np.array_equal(method_named("preset:photos_small")(image, HOLE), alone)
    assert not np.array_equal(Inpainter.from_preset("photos_small")(image, HOLE), alone)


def test_unknown_methods_name_the_known_ones():
    with pytest.raises(UserError, match="telea.*patchmatch.*preset:NAME"):
        method_named("magic")
    with pytest.raises(UserError, match="preset 'nowhere'"):
        method_named("preset:nowhere")
    with pytest.raises(UserError, match="no methods"):
        methods_named([])
    with pytest.raises(UserError, match="twice: ns"):
        methods_named(["ns", "telea", "ns"])


@pytest.mark.slow
def test_a_presets_variants_override_what_it_recommends(rng):
    image, hole = rng.integers(0, 256, (64, 72, 3), dtype=np.uint8), np.zeros((64, 72), bool)
    hole[20:40, 20:44] = True
    plain, poisson, patches = (method_named(f"preset:open_small{suffix}") for suffix in ("", "+poisson", "+patches"))
    assert len({method.fingerprint for method in (plain, poisson, patches)}) == 3
    expected = Inpainter.from_preset("open_small", detail="none", working_size="full", blend="none")
    assert np.array_equal(plain(image, hole), expected(image, hole))
    # Every known colour of the noise is somewhere; a network's blur is nowhere.
    copies = Inpainter.from_preset("open_small", detail="patches", working_size="auto", blend="none")(image, hole)
    known = {tuple(colour) for colour in image[~hole]}
    assert all(tuple(colour) in known for colour in copies[hole])
    assert not np.array_equal(patches(image, hole), poisson(image, hole))
