"""The planned run against the literal full run, hole by hole."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import inpaint_tf.samples
from inpaint_tf.attention.tuning import Tuning as AttentionTuning
from inpaint_tf.data.image_files import read_photo
from inpaint_tf.errors import OutOfMemory, UserError
from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.models import DeepFillV1
from inpaint_tf.models.presets import bundled_presets, load_preset
from inpaint_tf.pixels import to_float
from inpaint_tf.planned.run import PlannedRun
from inpaint_tf.planned.tuning import Tuning
from tests.planned.random_photos import KINDS, boxes, compare, random_photo, strokes, with_random_weights

WIDTH = 4
SAMPLES = pathlib.Path(inpaint_tf.samples.__file__).parent


def random_model(width=WIDTH, seed=0, **config):
    """A generator whose seeded weights keep differences alive from layer to layer."""
    keras.utils.set_random_seed(seed)
    model = DeepFillV1(width=width, **config)
    model.build(None)
    return with_random_weights(model, seed)


@pytest.fixture(scope="module")
def runs():
    """A planned run and the literal full run with the same weights."""
    model, literal = random_model(), random_model(attention_form="literal")
    return PlannedRun(model), FullRun(literal)


QUICK = "one_pixel", "strokes"


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, id=k.__name__, marks=[] if k.__name__ in QUICK else pytest.mark.slow) for k in KINDS],
)
def test_equals_the_literal_full_run(runs, kind, monkeypatch):
    """210 random photos and holes in all; about a minute on two cores. In every other one attention takes tiles."""
    rng = np.random.default_rng(KINDS.index(kind))
    steps = []
    for case in range(35):
        tuning = Tuning(attention=AttentionTuning(most_whole_scores=case % 2 * 32**4))
        monkeypatch.setattr(runs[0], "tuning", tuning)
        image, hole = random_photo(rng, kind)
        difference, levels = compare(*runs, image, hole)
        assert difference < 1e-4, (image.shape, difference)
        steps.append(levels.reshape(-1))
    steps = np.concatenate(steps)
    assert steps.max() <= 1 and (steps > 0).mean() < 1e-3


@pytest.mark.slow
def test_equals_the_literal_full_run_where_the_margin_matters(runs):
    """Photos larger than the receptive field, so that crops end inside the image on every side."""
    rng = np.random.default_rng(9)
    for top, left in ((216, 240), (0, 300), (400, 0)):
        hole = np.zeros((472, 544), bool)
        hole[top : top + 48, left : left + 56] = True
        image = rng.uniform(-1, 1, (*hole.shape, 3)).astype("float32")
        result = runs[0].plan(hole)
        assert not result.fell_back and result.macs < 0.35 * result.full_macs
        assert compare(*runs, image, hole)[0] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", bundled_presets())
def test_equals_the_literal_full_run_with_bundled_weights(name):
    """Crops of the bundled photo; a few seconds a preset."""
    planned, full = PlannedRun(load_preset(name)[0]), FullRun(load_preset(name, attention_form="literal")[0])
    photo = to_float(read_photo(SAMPLES / "rocket.jpg").rgb)
    rng = np.random.default_rng(5)
    steps = []
    for kind in KINDS * 2:
        height, width = (8 * int(side) for side in rng.integers(8, 33, 2))
        top, left = rng.integers(0, photo.shape[0] - height), rng.integers(0, photo.shape[1] - width)
        hole = np.zeros((height, width), bool)
        kind(rng, hole)
        image = np.ascontiguousarray(photo[top : top + height, left : left + width])
        difference, levels = compare(planned, full, image, hole)
        assert difference < 1e-4, (kind.__name__, image.shape, difference)
        steps.append(levels.reshape(-1))
    steps = np.concatenate(steps)
    assert steps.max() <= 1 and (steps > 0).mean() < 1e-3


def test_budget_does_not_change_the_numbers(runs):
    rng = np.random.default_rng(3)
    image, _ = random_photo(rng, boxes)
    image = np.tile(image[:64, :64], (6, 6, 1))
    hole = np.zeros(image.shape[:2], bool)
    hole[20:200, 100:330] = hole[300:310, 20:30] = True
    mask = hole[..., np.newaxis].astype("float32")
    free = runs[0](image, mask)
    tight = PlannedRun(runs[0].model, memory_budget=70 << 20)(image, mask)
    assert tight["plan"].bytes_needed < free["plan"].bytes_needed
    for stage in ("coarse", "refined"):
        np.testing.assert_allclose(tight[stage], free[stage], atol=1e-5)
    np.testing.assert_array_equal(tight["offsets"], free["offsets"])


def test_baseline_has_a_plan_too():
    model = random_model(attention_branch=False)
    image, hole = random_photo(np.random.default_rng(5), boxes)
    difference, _ = compare(PlannedRun(model), FullRun(model), image, hole)
    assert difference < 1e-4
    assert "offsets" not in PlannedRun(model)(image, hole[..., np.newaxis].astype("float32"))


@pytest.mark.slow
def test_another_width(runs):
    model, literal = random_model(8, seed=1), random_model(8, seed=1, attention_form="literal")
    for kind in (boxes, strokes):
        image, hole = random_photo(np.random.default_rng(6), kind)
        assert compare(PlannedRun(model), FullRun(literal), image, hole)[0] < 1e-4


def test_a_folder_of_sizes_builds_no_new_graphs(runs):
    planned = PlannedRun(runs[0].model)
    rng = np.random.default_rng(7)
    photos = [random_photo(rng, kind, largest=20) for kind in KINDS * 3]
    for image, hole in photos[:6]:
        planned(image, hole[..., np.newaxis].astype("float32"))
    before = planned.traces
    for image, hole in photos[6:]:
        planned(image, hole[..., np.newaxis].astype("float32"))
    # One graph for each way to cut a layer list at its changes of resolution, and five for the attention.
    assert before <= planned.traces <= 20


def test_report_follows_the_arithmetic_and_ends_the_run(runs):
    image, mask = np.zeros((256, 256, 3), "float32"), np.zeros((256, 256, 1), "float32")
    mask[100:140, 100:140] = 1
    shares = []
    runs[0](image, mask, report=shares.append)
    assert shares == sorted(shares) and len(shares) > 5 and 0 < shares[0] < 0.5
    assert shares[-1] == pytest.approx(1, abs=1e-6) and max(shares) <= 1

    def stop(share):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        runs[0](image, mask, report=stop)


# What TensorFlow raises, and what XLA and CUDA do, as another type.
OUT_OF_MEMORY = [
    tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
    tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB on device 0"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["tensorflow", "xla"])
def test_out_of_memory_is_caught_once(runs, monkeypatch, capsys, error):
    planned = runs[0]
    image, hole = np.zeros((256, 256, 3), "float32"), np.zeros((256, 256, 1), "float32")
    hole[100:140, 100:140] = 1
    expected = planned(image, hole)
    run, budgets = planned._run, []

    def failing(plan, *rest):
        budgets.append(plan.bytes_needed)
        if len(budgets) == 1:
            raise error
        return run(plan, *rest)

    monkeypatch.setattr(planned, "_run", failing)
    result = planned(image, hole)
    np.testing.assert_allclose(result["refined"], expected["refined"], atol=1e-5)
    assert budgets[1] <= budgets[0] / 2
    message = capsys.readouterr().err
    assert "memory ran out" in message and message.count("\n") == 1


@pytest.mark.parametrize("error", [MemoryError(), *OUT_OF_MEMORY], ids=["python", "tensorflow", "xla"])
def test_out_of_memory_twice_is_an_error_for_people(runs, monkeypatch, error):
    planned = runs[0]

    def failing(*_):
        raise error

    monkeypatch.setattr(planned, "_run", failing)
    hole = np.zeros((256, 256, 1), "float32")
    hole[100:140, 100:140] = 1
    with pytest.raises(OutOfMemory, match="twice on a photo of 256x256.*smaller --memory_budget"):
        planned(np.zeros((256, 256, 3), "float32"), hole)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["tensorflow", "xla"])
def test_a_full_run_that_does_not_fit_says_what_takes_less(runs, monkeypatch, error):
    full = FullRun(runs[0].model)

    def failing(*_):
        raise error

    monkeypatch.setattr(full, "_graph", failing)
    with pytest.raises(OutOfMemory, match="photo of 256x128 in a full run.*--plan=hole"):
        full(np.zeros((128, 256, 3), "float32"), np.zeros((128, 256, 1), "float32"))


def test_too_small_a_budget_says_what_works(runs):
    hole = np.zeros((256, 256, 1), "float32")
    hole[100:140, 100:140] = 1
    with pytest.raises(UserError, match="the least that works is"):
        PlannedRun(runs[0].model, memory_budget=1 << 20)(np.zeros((256, 256, 3), "float32"), hole)
