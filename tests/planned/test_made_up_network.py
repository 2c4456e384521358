"""A network that exists nowhere else: three stages, two attentions, branches of other kinds and depths.

It is declared here and nothing knows it, yet it is built, run, planned, estimated, exported and widened right.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.attention.tuning import GraphTuning
from inpaint_tf.export.graph import InpaintingGraph
from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.generator import Generator
from inpaint_tf.models.network import PHOTO, Attention, Network, Stack, View
from inpaint_tf.models.presets import assign_weights, named_variables
from inpaint_tf.planned.macs import dense_macs, literal_macs
from inpaint_tf.planned.memory import resident_bytes
from inpaint_tf.planned.plan import make_plan
from inpaint_tf.planned.run import PlannedRun
from inpaint_tf.training.estimate import activation_elements
from inpaint_tf.training.widening import can_be_widened, widened
from inpaint_tf.visualize.plan_picture import plan_picture
from tests.planned.random_photos import KINDS, compare, random_photo, with_random_weights


def image_conv(name):
    return Conv(name, channels=3, activation="linear")


MADE_UP = Network(
    View("first_view", of=PHOTO, shows=("hole", "image"), hole_colour="mean"),
    Stack(
        "first",
        (Conv("a1", 2, stride=2), Conv("a2", 2, dilation=3), Conv("a3", upsample=True), image_conv("a4")),
        reads="first_view",
        image="tanh",
    ),
    View("second_view", of="first", shows=("image", "guide")),
    Stack("encoder", (Conv("b1", kernel=5, stride=2), Conv("b2", 3, stride=2, activation="relu")), reads="second_view"),
    Attention("copy", reads="encoder"),
    # The encoder has two readers, and the attention is not the last of them.
    Stack("mixer", (Conv("c1", 2), Conv("c2", 2, dilation=2)), reads=("copy", "encoder")),
    Stack(
        "second",
        (Conv("d1", upsample=True), Conv("d2", upsample=True), image_conv("d3")),
        reads="mixer",
        image="clip",
    ),
    View("third_view", of="second", shows=("image", "ones", "hole")),
    # This attention works at half the size.
    Stack("fine", (Conv("e1", 2, stride=2, activation="relu"),), reads="third_view"),
    Attention("fine_copy", reads="fine", settings=AttentionSettings(softmax_scale=8.0)),
    Stack(
        "third", (Conv("f1", upsample=True, kernel=4), image_conv("f2")), reads=("fine", "fine_copy"), image="sigmoid"
    ),
)
WIDTH = 4


def made_up(width=WIDTH, seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = Generator(MADE_UP, width, **options)
    model.build()
    return with_random_weights(model, seed)


@pytest.fixture(scope="module")
def runs():
    return PlannedRun(made_up()), FullRun(made_up(attention_form="literal"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_planned_run_equals_the_literal_full_run(runs, kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(6):
        image, hole = random_photo(rng, kind, largest=16)
        difference, levels = compare(*runs, image, hole)
        assert difference < 1e-4 and levels.max() <= 1


def test_a_guide_that_the_second_stage_sees(runs):
    rng = np.random.default_rng(3)
    image, guide = rng.uniform(-1, 1, (96, 128, 3)).astype(np.float32), np.zeros((96, 128, 1), np.float32)
    mask = np.zeros((96, 128, 1), np.float32)
    mask[30:60, 40:80] = guide[44:46] = 1
    found, expected = (run(image, mask, guide) for run in runs)
    free = runs[1](image, mask)
    inside = mask[..., 0] > 0
    np.testing.assert_allclose(found["refined"][inside], expected["refined"][inside], atol=1e-4)
    np.testing.assert_array_equal(free["coarse"], expected["coarse"])
    assert np.abs(free["refined"] - expected["refined"])[inside].max() > 1e-3


def test_costs_by_hand():
    # Area x taps x channels in x out, layer by layer; width 4, 64 x 32 pixels.
    area = 64 * 32
    first = area // 4 * 9 * (4 * 8 + 8 * 8) + area * (9 * 8 * 4 + 9 * 4 * 3)
    encoder = area // 4 * 25 * 4 * 4 + area // 16 * 9 * 4 * 12
    mixer = area // 16 * 9 * (24 * 8 + 8 * 8)
    second = area // 4 * 9 * 8 * 4 + area * (9 * 4 * 4 + 9 * 4 * 3)
    fine, third = area // 4 * 9 * 5 * 8, area * (4 * 16 * 4 + 9 * 4 * 3)
    convolutions = first + encoder + mixer + second + fine + third
    attentions = 25 * ((area // 64) ** 2 * 12 + (area // 16) ** 2 * 8)
    assert literal_macs(MADE_UP, WIDTH, (64, 32)) == convolutions + attentions
    nearest = area * 9 * 8 * 4 + area // 4 * 9 * 8 * 4 + area * 9 * 4 * 4
    assert dense_macs(MADE_UP, WIDTH, (64, 32)) == convolutions - nearest * 5 // 9


def test_memory_and_training_by_hand():
    size, seen = (64, 32), 0.5
    # Photo, mask and three images; of each stage's attention 2.25 + 2 * 0.5 maps; the larger stage counts.
    assert resident_bytes(size, seen, MADE_UP, WIDTH) == 4 * (13 * 2048 + max(3.25 * 128 * 12, 3.25 * 512 * 8))
    first = 1024 * (8 + 8) + 4096 * (4 + 3)
    encoder, mixer, second = 1024 * 4 + 256 * 12, 256 * 16, 1024 * 4 + 4096 * 7
    fine, third = 1024 * 8, 4096 * 7
    scores = 12 * (64**2 + 256**2)
    assert activation_elements(made_up(), 64) == 2 * (first + encoder + mixer + second + fine + third) + scores


def test_the_plan_follows_the_hole_and_the_budget():
    hole = np.zeros((512, 512), bool)
    hole[200:240, 200:240] = True
    plan = make_plan(MADE_UP, WIDTH, hole)
    assert not plan.fell_back and plan.macs < 0.4 * plan.full_macs
    share = {name: segments[-1].area / np.prod(segments[-1].size_out) for name, segments in plan.segments.items()}
    # What attentions read is computed everywhere, what only the hole sees is not.
    assert share["encoder"] == share["fine"] == 1
    assert max(share[name] for name in ("first", "mixer", "second", "third")) < 0.1
    assert plan.attentions["copy"].grid == (64, 64) and plan.attentions["fine_copy"].grid == (128, 128)
    tight = make_plan(MADE_UP, WIDTH, hole, memory_budget=plan.bytes_needed // 2)
    assert tight.bytes_needed <= plan.bytes_needed // 2
    picture = plan_picture(plan, np.zeros((512, 512, 3), np.uint8), hole)
    assert picture.shape[0] == 512 and "fine_copy: " in plan.summary()


def test_reach_by_hand():
    # c1 and c2 at 4 px: 1 and 2; d1 up from 4: 4; d2 up from 2: 2; d3: 1.
    assert MADE_UP.reach("copy") == 4 * 1 + 4 * 2 + 4 + 2 + 1
    assert MADE_UP.reach("fine_copy") == 2 + 1
    # Other attentions read these.
    assert MADE_UP.reach("encoder") is None and MADE_UP.reach("fine") is None


@pytest.mark.slow
def test_an_exported_graph_in_tiles(runs):
    rng = np.random.default_rng(5)
    image = rng.uniform(-1, 1, (1, 96, 64, 3)).astype(np.float32)
    mask = np.zeros((1, 96, 64, 1), np.float32)
    mask[:, 40:60, 20:36] = 1
    graph = InpaintingGraph(runs[0].model, "RGB", tuning=GraphTuning(most_whole_scores=0, tile_scores=8 * 8 * 400))
    inside = mask[0, ..., 0] > 0
    expected = runs[1](image[0], mask[0])
    outputs = graph.run(tf.constant(image), tf.constant(mask))
    np.testing.assert_allclose(outputs["refined"][0].numpy()[inside], expected["refined"][inside], atol=1e-4)
    assert (outputs["offsets"].numpy() < 0).any()


def test_a_wider_one_computes_the_same(rng):
    narrow, wide = made_up(2), made_up(5, seed=1)
    assert can_be_widened(wide)
    arrays = {name: variable.numpy() for name, variable in named_variables(narrow).items()}
    assign_weights(wide, widened(arrays, narrow, wide, rng), "widened")
    image = tf.constant(rng.uniform(-1, 1, (1, 64, 48, 3)), tf.float32)
    mask = np.zeros((1, 64, 48, 1), np.float32)
    mask[:, 16:40, 16:40] = 1
    expected, found = narrow(image, mask), wide(image, mask)
    np.testing.assert_allclose(found["refined"], expected["refined"], atol=1e-4)
    np.testing.assert_array_equal(found["offsets"], expected["offsets"])


def test_the_inpainter_takes_it(rng):
    inpainter = Inpainter(made_up(), blend="poisson")
    image, mask = rng.integers(0, 256, (61, 83, 3), dtype=np.uint8), np.zeros((61, 83), bool)
    mask[20:30, 30:50] = True
    result = inpainter.run(image, mask)
    np.testing.assert_array_equal(result.completed[~mask], image[~mask])
    assert list(result.plan.attentions) == ["copy", "fine_copy"]
    assert result.offsets.shape == (16, 22, 2)


def test_gradients_reach_all_stages(rng):
    model = made_up()
    image = tf.constant(rng.uniform(-1, 1, (1, 32, 32, 3)), tf.float32)
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:20, 8:20] = 1
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.abs(model(image, mask, training=True)["refined"] - image))
    for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        assert np.abs(gradient).max() > 0, variable.path
    first = model(image, mask, stages=1)
    np.testing.assert_array_equal(first["coarse"], first["refined"])
    assert {v.path.split("/")[1] for v in model.first_stage_variables} == {"first"}
