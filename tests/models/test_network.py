"""Declarations of networks: what they say of themselves, and which are refused."""

import pytest

from inpaint_tf.models import deepfill_v1, deepfill_v2, glcic
from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.models.network import PHOTO, Attention, Network, Stack, View
from inpaint_tf.models.registry import MODELS, build_model
from inpaint_tf.models.two_stage import variant

VIEW = View("view", of=PHOTO, shows=("image", "hole"))
LAST = Conv("last", channels=3, activation="linear")
DOWN, UP = Conv("down", 2, stride=2), Conv("up", upsample=True)


def test_deepfill_v1_by_hand():
    network = deepfill_v1.NETWORK
    assert [[node.name for node in stage] for stage in network.stages] == [
        ["coarse_input", "coarse"],
        ["refinement_input", "convolution_branch", "attention_encoder", "attention", "attention_decoder", "decoder"],
    ]
    assert network.channels(32)["attention"] == 128 and network.channels(32)["coarse_input"] == 5
    # Two branches of 128 channels.
    assert network.channels_in(32)["decoder"] == 256
    assert network.scales()["attention"] == 4 and network.scales()["decoder"] == 1
    assert network.sizes((64, 96))["convolution_branch"] == (16, 24)
    assert network.grids((64, 96)) == {"attention": (8, 12)}
    assert [node.name for node in network.readers("refinement_input")] == ["convolution_branch", "attention_encoder"]
    assert network.inputs == {"image": 3, "mask": 1} and not network.guided and not network.has_mean_colour


def test_variants():
    network = deepfill_v1.NETWORK
    baseline = variant(network, attention_branch=False, refinement_stage=True, fusion=False)
    assert not baseline.attentions and baseline["decoder"].sources == ("convolution_branch",)
    assert baseline.channels_in(32)["decoder"] == 128
    assert [node.name for node in variant(network, False, False, False)] == ["coarse_input", "coarse"]
    assert not variant(network, True, True, False)["attention"].settings.fuse
    assert variant(network, True, True, True) == network


def test_what_deepfill_v2_and_glcic_see():
    assert deepfill_v2.NETWORK.channels(48)["refinement_input"] == 3
    assert deepfill_v2.GUIDED.channels(48)["coarse_input"] == 6 and deepfill_v2.GUIDED.guided
    assert deepfill_v2.GUIDED.inputs == {"image": 3, "mask": 1, "guide": 1}
    assert {stack.image for stack in deepfill_v2.NETWORK.stacks} == {None, "tanh"}
    assert glcic.NETWORK.has_mean_colour and glcic.NETWORK.channels(64)["completion_input"] == 4


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_its_network(name):
    """Every variable, but for a mean colour, belongs to a convolution of a stack, in the network's order."""
    model = build_model(name, width=4)
    expected = [f"{stack.name}/{conv.name}" for stack in model.network.stacks for conv in stack.convs]
    found = [variable.path.split("/") for variable in model.variables]
    assert list(dict.fromkeys("/".join(path[1:3]) for path in found if len(path) > 2)) == expected
    channels = model.network.channels_in(4)
    for stack in model.network.stacks:
        assert getattr(model, stack.name).blocks[0].kernel.shape[2] == channels[stack.name]


@pytest.mark.parametrize(
    "nodes, words",
    [
        ((), "last node must be a stack that ends in an image"),
        ((VIEW, Stack("a", (DOWN,), "view")), "last node must be"),
        ((VIEW, VIEW), "two nodes of the name view"),
        ((Stack("a", (LAST,), "view", image="clip"), VIEW), "a reads view, which is no node before it"),
        ((VIEW, Stack("a", (DOWN, LAST), "view", image="clip")), "not of the photo's size"),
        ((VIEW, Stack("a", (UP, LAST), "view", image="clip")), "more than the image's size"),
        ((VIEW, Stack("a", (LAST,), "view", image="relu")), "an end of clip, tanh, sigmoid"),
        ((View("view", of=PHOTO, shows=("depth",)), Stack("a", (LAST,), "view", image="clip")), "shows depth"),
        ((View("view", of=PHOTO, shows=("hole",), hole_colour="red"),), "hole colour 'red'"),
        ((VIEW, Attention("a", "view"), Stack("b", (LAST,), "a", image="clip")), "a must read one feature map"),
        (
            (VIEW, Stack("a", (DOWN,), "view"), View("b", of="a", shows=("image",))),
            "b is of a, which yields no image",
        ),
        (
            (VIEW, Stack("a", (LAST,), "view", image="clip"), Stack("b", (LAST,), "a", image="clip")),
            "b must read one view, or feature maps",
        ),
        (
            (VIEW, Stack("a", (DOWN,), "view"), Stack("b", (LAST,), "view", image="clip")),
            "nothing reads a",
        ),
        (
            (
                VIEW,
                Stack("a", (DOWN,), "view"),
                Stack("b", (DOWN, DOWN), "view"),
                Stack("c", (UP, LAST), ("a", "b"), image="clip"),
            ),
            "c reads maps of different sizes: a, b",
        ),
        (
            (
                VIEW,
                Stack("a", (DOWN,) * 3, "view"),
                Attention("b", "a"),
                Stack("c", (UP, UP, UP, LAST), "b", image="clip"),
            ),
            "b needs sides that are multiples of 16",
        ),
    ],
)
def test_what_cannot_be_a_network(nodes, words):
    with pytest.raises(ValueError, match=words):
        Network(*nodes)


def test_reach_of_an_attention():
    # pmconv9-10 and allconv11-12: 1 of 4 px each; allconv13 up: 4; allconv14: 2; allconv15 up: 2; allconv16-17: 1 each.
    assert deepfill_v1.NETWORK.reach("attention") == 4 * 4 + 4 + 2 + 2 + 1 + 1
    with pytest.raises(KeyError):
        deepfill_v1.NETWORK.reach("nothing")
