"""Presets as this campaign's scripts name them: PRESET[+poisson][+patches]."""

from inpaint_tf.inference.inpainter import Inpainter


def inpainter_named(name):
    """The `Inpainter` of a preset: the network alone, whatever the preset recommends, unless suffixes say more."""
    place, *suffixes = name.split("+")
    return Inpainter.from_preset(
        place,
        blend="poisson" if "poisson" in suffixes else "none",
        detail="patches" if "patches" in suffixes else "none",
        working_size="full",
    )
