"""Networks as data: a tuple of nodes, each with a name and the names of what it reads.

A generator is declared once (`deepfill_v1.NETWORK`, say) and everything else walks over the declaration: the Keras
model that builds and runs it (`generator.Generator`), the plan of what a hole can see and the run along it
(`planned`), estimates of arithmetic and memory, the widening of weights, exported graphs. None of them knows a class
or how the stages are wired, so that a new network is a new declaration and nothing else.

There are three kinds of node. A `View` is what a stage sees: the photo, or the photo with an earlier stage's image in
its hole, and channels that say where the hole is. A `Stack` is a list of convolutions; one with an `image` ends its
stage. An `Attention` rebuilds the features that it reads from those of known pixels.

The smallest network:

    Network(
        View("seen", of=PHOTO, shows=("image", "hole")),
        Stack("layers", (Conv("conv1"), Conv("conv2", channels=3, activation="linear")), reads="seen", image="clip"),
    )
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.models.conv_stack import Conv
from inpaint_tf.pixels import SIZE_MULTIPLE

# What a `View` may be of, apart from the name of a stack that ends in an image.
PHOTO = "photo"
# Channels of what a `View` may show: the image in [-1, 1], a channel of ones, the hole and the sketch inside it (1 =
# hole, 1 = line).
SHOWN_CHANNELS = {"image": 3, "ones": 1, "hole": 1, "guide": 1}
# How a stack's three channels become an image in [-1, 1]; "sigmoid" is scaled to that range.
IMAGE_ENDS = ("clip", "tanh", "sigmoid")
# What the hole of a photo is filled with before a stage sees it; "mean" is the mean colour of the photos trained on.
HOLE_COLOURS = ("grey", "mean")


@dataclasses.dataclass(frozen=True)
class View:
    """What a stage sees, at the image's size.

    Attributes:
        name: Its name.
        of: `PHOTO`, whose hole is filled with one colour, or the name of a stack that ends in an image, which is
            pasted into the photo's hole.
        shows: Of `SHOWN_CHANNELS`, in the order of the channels.
        hole_colour: Of `HOLE_COLOURS`; of no consequence unless `of` is the photo.
    """

    name: str
    of: str
    shows: tuple[str, ...]
    hole_colour: str = "grey"

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the nodes that it reads: the stack whose image it is of, if it is not of the photo."""
        return () if self.of == PHOTO else (self.of,)


@dataclasses.dataclass(frozen=True)
class Stack:
    """A list of convolutions.

    Attributes:
        name: Its name, also that of the Keras layer, so that variables and checkpoints bear it.
        convs: The convolutions, first one first.
        reads: One view, a feature map, or a tuple of feature maps of one size, whose channels are joined in this order.
        image: Of `IMAGE_ENDS` if the stack ends its stage with an image; None if it yields features.
    """

    name: str
    convs: tuple[Conv, ...]
    reads: str | tuple[str, ...]
    image: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the nodes that it reads."""
        return (self.reads,) if isinstance(self.reads, str) else self.reads


@dataclasses.dataclass(frozen=True)
class Attention:
    """Contextual attention of a feature map with itself.

    Attributes:
        name: Its name.
        reads: The feature map.
        settings: Of the arithmetic.
    """

    name: str
    reads: str
    settings: AttentionSettings = dataclasses.field(default_factory=AttentionSettings)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the nodes that it reads: one."""
        return (self.reads,)


Node = View | Stack | Attention


@dataclasses.dataclass(frozen=True, init=False)
class Network:
    """A network: its nodes in the order in which they run.

    Args:
        *nodes: Each reads nodes before it. The last one is a stack that ends in an image.

    Raises:
        ValueError: for two nodes of one name, a node that reads what it cannot, maps of different sizes that are
            joined, or a network that needs photos of other sizes than multiples of 8.
    """

    nodes: tuple[Node, ...]

    def __init__(self, *nodes: Node):
        object.__setattr__(self, "nodes", nodes)
        self._check()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def views(self) -> tuple[View, ...]:
        return tuple(node for node in self.nodes if isinstance(node, View))

    @property
    def stacks(self) -> tuple[Stack, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Stack))

    @property
    def attentions(self) -> tuple[Attention, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Attention))

    @property
    def stages(self) -> tuple[tuple[Node, ...], ...]:
        """The nodes of every stage; each stage ends with the stack that yields its image."""
        stages, begin = [], 0
        for end, node in enumerate(self.nodes, 1):
            if isinstance(node, Stack) and node.image:
                stages.append(self.nodes[begin:end])
                begin = end
        return tuple(stages)

    @property
    def guided(self) -> bool:
        """Whether a stage sees a sketch."""
        return any("guide" in view.shows for view in self.views)

    @property
    def inputs(self) -> dict[str, int]:
        """Channels of what the network is given: "image", "mask" and, if it is guided, "guide"."""
        return {"image": 3, "mask": 1, **({"guide": 1} if self.guided else {})}

    @property
    def has_mean_colour(self) -> bool:
        """Whether holes are filled with the mean colour of the photos trained on."""
        return any(view.hole_colour == "mean" for view in self.views)

    def readers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a node."""
        return tuple(node for node in self.nodes if name in node.sources)

    def channels(self, width: int) -> dict[str, int]:
        """Channels that every node yields at a base width.

        Raises:
            ValueError: if a layer's come out fractional.
        """
        channels = {}
        for node in self.nodes:
            match node:
                case View():
                    channels[node.name] = sum(SHOWN_CHANNELS[part] for part in node.shows)
                case Stack():
                    channels[node.name] = node.convs[-1].filters(width)
                case Attention():
                    channels[node.name] = channels[node.sources[0]]
        return channels

    def channels_in(self, width: int) -> dict[str, int]:
        """Channels that every stack and attention reads at a base width."""
        channels = self.channels(width)
        return {
            node.name: sum(channels[name] for name in node.sources) for node in self.nodes if not isinstance(node, View)
        }

    def scales(self) -> dict[str, int]:
        """Pixels of the image, along an axis, to one of what every node yields."""
        scales = {}
        for node in self.nodes:
            match node:
                case View():
                    scales[node.name] = 1
                case Stack():
                    scale = scales[node.sources[0]]
                    for conv in node.convs:
                        if conv.upsample and scale % 2:
                            raise ValueError(f"{node.name} would yield more than the image's size.")
                        scale = scale // 2 if conv.upsample else scale * conv.stride
                    scales[node.name] = scale
                case Attention():
                    scales[node.name] = scales[node.sources[0]]
        return scales

    def sizes(self, size: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """(H, W) of what every node yields for an image of `size` (H, W), multiples of 8."""
        return {name: (size[0] // scale, size[1] // scale) for name, scale in self.scales().items()}

    def grids(self, size: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """(h, w) of the positions of every attention for an image of `size` (H, W), multiples of 8."""
        sizes = self.sizes(size)
        return {
            node.name: (sizes[node.name][0] // node.settings.rate, sizes[node.name][1] // node.settings.rate)
            for node in self.attentions
        }

    def reach(self, name: str) -> int | None:
        """How far, in pixels, the farthest feature of a node lies from a pixel of an image that depends on it.

        Returns:
            The distance; None if every pixel depends on all of the features, because another attention reads them.
        """
        scales, distances = self.scales(), {}
        for node in reversed(self.nodes):
            # The distance to what the node yields, then the one to what it reads.
            seen = [0 if isinstance(reader, View) else distances[reader.name] for reader in self.readers(node.name)]
            distance = None if None in seen else max(seen, default=0)
            if node.name == name:
                return distance
            if isinstance(node, Attention):
                distance = None
            elif isinstance(node, Stack) and distance is not None:
                scale = scales[node.sources[0]]
                for conv in node.convs:
                    distance += scale * (1 if conv.upsample else conv.kernel // 2 * conv.dilation)
                    scale = scale // 2 if conv.upsample else scale * conv.stride
            distances[node.name] = distance
        raise KeyError(name)

    def without(self, *names: str) -> "Network":
        """The network without some of its nodes, which the others then read no more."""
        nodes = []
        for node in self.nodes:
            if node.name not in names:
                if isinstance(node, Stack):
                    node = dataclasses.replace(node, reads=tuple(x for x in node.sources if x not in names))
                nodes.append(node)
        return Network(*nodes)

    def replaced(self, name: str, **changes: Any) -> "Network":
        """The network with some fields of one node changed."""
        return Network(*(dataclasses.replace(node, **changes) if node.name == name else node for node in self.nodes))

    def _check(self) -> None:
        known: dict[str, Node] = {}
        for node in self.nodes:
            if node.name in known or node.name == PHOTO:
                raise ValueError(f"there are two nodes of the name {node.name}.")
            if missing := [name for name in node.sources if name not in known]:
                raise ValueError(f"{node.name} reads {missing[0]}, which is no node before it.")
            _check_node(node, [known[name] for name in node.sources])
            known[node.name] = node
        if not self.nodes or not _yields_image(self.nodes[-1]):
            raise ValueError("the last node must be a stack that ends in an image.")
        scales = self.scales()
        for node in self.nodes:
            if node is not self.nodes[-1] and not self.readers(node.name):
                raise ValueError(f"nothing reads {node.name}.")
            if len({scales[name] for name in node.sources}) > 1:
                raise ValueError(f"{node.name} reads maps of different sizes: {', '.join(node.sources)}.")
            if isinstance(node, Stack) and node.image and scales[node.name] != 1:
                raise ValueError(f"the image that {node.name} yields is not of the photo's size.")
            needed = scales[node.name] * (node.settings.rate if isinstance(node, Attention) else 1)
            if SIZE_MULTIPLE % needed:
                raise ValueError(f"{node.name} needs sides that are multiples of {needed}, not {SIZE_MULTIPLE}.")


def _yields_image(node: Node) -> bool:
    return isinstance(node, Stack) and node.image is not None


def _check_node(node: Node, read: list[Node]) -> None:
    match node:
        case View():
            if unknown := [part for part in node.shows if part not in SHOWN_CHANNELS]:
                raise ValueError(f"{node.name} shows {unknown[0]}; known: {', '.join(SHOWN_CHANNELS)}.")
            if node.hole_colour not in HOLE_COLOURS:
                raise ValueError(f"hole colour {node.hole_colour!r} is unknown; known: {', '.join(HOLE_COLOURS)}.")
            if not all(map(_yields_image, read)):
                raise ValueError(f"{node.name} is of {node.of}, which yields no image.")
        case Stack():
            if not node.convs or (node.image is not None and node.image not in IMAGE_ENDS):
                raise ValueError(f"{node.name} needs layers, and an end of {', '.join(IMAGE_ENDS)} or none.")
            views = sum(isinstance(other, View) for other in read)
            if not read or (views and len(read) > 1) or any(map(_yields_image, read)):
                raise ValueError(f"{node.name} must read one view, or feature maps.")
        case Attention():
            if len(read) != 1 or isinstance(read[0], View) or _yields_image(read[0]):
                raise ValueError(f"{node.name} must read one feature map.")
