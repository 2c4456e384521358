"""What the attention of one pixel's cell looked at: the heat map of `explain`."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.one_position import position_scores
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.inference.thin_lines import thinned
from inpaint_tf.inference.working_size import plan_windows, reduced
from inpaint_tf.pixels import pad_to_multiple, to_float
from inpaint_tf.visualize.sources import heat_colours

# The network runs in full on what it sees; above this many pixels that is reduced first.
MOST_PIXELS = 1_500_000


class AttentionAt(NamedTuple):
    """What the attention made of one cell.

    Attributes:
        alone: float32 [h, w], scores of every known cell's patch, each for itself.
        propagated: float32 [h, w], after propagation between neighbours.
        weights: float32 [h, w], the attention itself; sums to at most 1.
        valid: bool [h, w], False where a patch touches the hole.
        best: (x, y) in the photo of the middle of the cell with the largest weight.
        place: (top, left, bottom, right) of the part of the photo that the grid covers.
        reduced: Whether the photo was made smaller for this, beyond what the fill itself did.
    """

    alone: np.ndarray
    propagated: np.ndarray
    weights: np.ndarray
    valid: np.ndarray
    best: tuple[int, int]
    place: tuple[int, int, int, int]
    reduced: bool

    def heat(self, name: str) -> np.ndarray:
        """uint8 [h, w, 3]: "attention", "before" or "after" as colours."""
        values = {"attention": self.weights, "before": self.alone, "after": self.propagated}[name]
        return heat_colours(values, self.valid, gamma=0.4 if name == "attention" else 1.0)


class _Seen(Exception):
    """Carries what the attention layer gets out of the network."""

    def __init__(self, features, hole_mask):
        super().__init__()
        self.features, self.hole_mask = features, hole_mask


def attention_at(
    inpainter: Inpainter, image: np.ndarray, hole: np.ndarray, at: tuple[int, int], guide: np.ndarray | None = None
) -> AttentionAt | None:
    """The attention of the cell that a pixel lies in.

    The network runs up to its (last) attention on all of what it sees, so this takes time and memory like a full run;
    above `MOST_PIXELS` the photo is reduced.

    Args:
        inpainter: An `Inpainter`.
        image: uint8 [H, W, 3] RGB.
        hole: bool [H, W].
        at: (x, y) of a hole pixel.
        guide: bool [H, W], True = line; or None.

    Returns:
        None for a network without attention.
    """
    model = inpainter.model
    if not model.network.attentions:
        return None
    node = model.network.attentions[-1]
    window = next(
        window
        for window in plan_windows(hole, inpainter.working_size, inpainter.trained_on)
        if window.holes.top <= at[1] < window.holes.bottom and window.holes.left <= at[0] < window.holes.right
    )
    box = window.box
    height, width = box.height, box.width
    scale = min(window.scale, (MOST_PIXELS / (height * width)) ** 0.5)
    seen, seen_hole = reduced(image[box.slices], hole[box.slices], scale)
    if seen_hole.all():  # As the Inpainter does it.
        scale = 1.0
        seen, seen_hole = image[box.slices], hole[box.slices]
    masks = [seen_hole]
    if model.guided:
        lines = np.zeros_like(hole) if guide is None else guide
        masks.append(thinned(reduced(image[box.slices], lines[box.slices], scale)[1]))
    inputs = to_float(pad_to_multiple(seen))
    if inpainter.channel_order == "BGR":
        inputs = inputs[..., ::-1]
    arrays = [inputs, *(pad_to_multiple(mask)[..., np.newaxis].astype(np.float32) for mask in masks)]

    def stop(features, hole_mask):
        raise _Seen(features, hole_mask)

    try:
        model.run(*(tf.constant(array[None]) for array in arrays), attentions={node.name: stop})
    except _Seen as seen_there:
        features, hole_mask = (tf.cast(x, tf.float32)[0] for x in (seen_there.features, seen_there.hole_mask))
    cell = model.network.scales()[node.reads] * node.settings.rate
    across, down = ((side - first) * size // full for side, first, size, full in (
        (at[0], box.left, seen.shape[1], width), (at[1], box.top, seen.shape[0], height)))  # fmt: skip
    scores = position_scores(features, hole_mask, (down // cell, across // cell), getattr(model, node.name).settings)
    row, column = np.unravel_index(int(scores.weights.argmax()), scores.weights.shape)
    best = (
        min(box.right - 1, box.left + int((column + 0.5) * cell * width / seen.shape[1])),
        min(box.bottom - 1, box.top + int((row + 0.5) * cell * height / seen.shape[0])),
    )
    # The grid covers the padding too; the part that is the photo's counts.
    rows, columns = -(-seen.shape[0] // cell), -(-seen.shape[1] // cell)
    parts = {name: part[:rows, :columns] for name, part in scores._asdict().items()}
    return AttentionAt(
        **parts, best=best, place=(box.top, box.left, box.bottom, box.right), reduced=scale < window.scale
    )
