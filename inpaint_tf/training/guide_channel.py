"""An unguided model's weights for its guided form, which computes the same where nothing is sketched.

The kernels that read the sketch's channel start at random, as large as the others are: from zero they took a thousand
steps to a tenth of that.
"""

from collections.abc import Mapping

import numpy as np

from inpaint_tf.models.network import SHOWN_CHANNELS, Network, Stack, View


def is_guided_form(guided: Network, plain: Network) -> bool:
    """Whether two networks differ only in that views of the first show a sketch."""
    if not guided.guided or plain.guided or len(guided.nodes) != len(plain.nodes):
        return False
    return all(
        own == other
        or (
            isinstance(own, View)
            and isinstance(other, View)
            and (own.name, own.of, own.hole_colour) == (other.name, other.of, other.hole_colour)
            and _without_guide(own) == other.shows
        )
        for own, other in zip(guided, plain)
    )


def with_guide_channel(
    arrays: Mapping[str, np.ndarray], guided: Network, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Weights of the guided form.

    Args:
        arrays: Variable name -> array, of the unguided model.
        guided: The guided network; see `is_guided_form`.
        rng: For what the sketch is read with.

    Returns:
        Variable name -> array, for every variable of the guided model.
    """
    result = dict(arrays)
    for view in (view for view in guided.views if "guide" in view.shows):
        # Where the sketch lies among the channels that the view's readers see.
        channel = sum(SHOWN_CHANNELS[shown] for shown in view.shows[: view.shows.index("guide")])
        for stack in guided.readers(view.name):
            assert isinstance(stack, Stack)
            name = f"{stack.name}/{stack.convs[0].name}/kernel"
            kernel = arrays[name]
            own = rng.normal(0, np.std(kernel, dtype=np.float64), (*kernel.shape[:2], kernel.shape[3]))
            result[name] = np.insert(kernel, channel, own, axis=2)
    return result


def _without_guide(view: View) -> tuple[str, ...]:
    return tuple(shown for shown in view.shows if shown != "guide")
