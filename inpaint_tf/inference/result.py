"""What a run of the Inpainter gave."""

import dataclasses
from typing import NamedTuple

import numpy as np

from inpaint_tf.inference.guided_patches import PatchFill
from inpaint_tf.inference.working_size import Window, enlarged
from inpaint_tf.pixels import to_float
from inpaint_tf.planned.plan import Plan

# Side in pixels of the squares that the attention's offsets are about.
ATTENTION_CELL = 8


class WindowOutputs(NamedTuple):
    """What the network gave for one window.

    Attributes:
        window: The window.
        hole: bool [h, w]: the pixels of the photo's window that it fills.
        coarse, refined: float32 [h', w', 3] RGB in [-1, 1], at the size that the network worked at.
        offsets: int32 [ceil(h'/8), ceil(w'/8), 2] or None, see `Result.offsets`; of this window alone.
    """

    window: Window
    hole: np.ndarray
    coarse: np.ndarray
    refined: np.ndarray
    offsets: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run gave.

    Attributes:
        completed: uint8 [H, W, 3] RGB: the photo, bit-identical outside the hole.
        network: uint8 [H, W, 3] RGB: the same before patches; `completed` itself with detail "none".
        plan: What was computed; None for a full run, a network that worked on less than the whole photo at its full
            size, or a photo without a hole.
        seconds: Wall-clock time of the run.
        notes: What the user should know, a sentence each.
        windows: What the network gave, window by window.
        fills: What the patches gave, part by part; None with detail "none".

    Large arrays that few ask for are put together when they are: `coarse`, `refined`, `offsets`, `sources`.
    """

    completed: np.ndarray
    network: np.ndarray
    plan: Plan | None
    seconds: float
    notes: tuple[str, ...] = ()
    windows: tuple[WindowOutputs, ...] = ()
    fills: tuple[PatchFill, ...] | None = None

    @property
    def coarse(self) -> np.ndarray:
        """float32 [H, W, 3] RGB in [-1, 1], output of the first stage; to be looked at inside the hole only."""
        return self._pasted("coarse")

    @property
    def refined(self) -> np.ndarray:
        """float32 [H, W, 3] RGB in [-1, 1], output of the second stage, likewise."""
        return self._pasted("refined")

    @property
    def sources(self) -> np.ndarray | None:
        """int32 [H, W, 2]: (row, column) of the known pixel that each pixel of the hole was copied from.

        -1 where it was not copied: outside the hole, or kept from the network. Before blending, a filled pixel equals
        the photo at its source. None with detail "none".
        """
        if self.fills is None:
            return None
        sources = np.full((*self.completed.shape[:2], 2), -1, np.int32)
        for fill in self.fills:
            part = sources[fill.box.slices]
            part[fill.sources[..., 0] >= 0] = fill.sources[fill.sources[..., 0] >= 0]
        return sources

    @property
    def offsets(self) -> np.ndarray | None:
        """int32 [ceil(H/8), ceil(W/8), 2]: (row, column) on that grid of what the attention copied to each position.

        -1 where it was not computed. Where the network worked at a smaller size, several positions share one of its
        own. None for a model without attention or a photo without a hole.
        """
        if not self.windows or self.windows[0].offsets is None:
            return None
        shape = [-(-side // ATTENTION_CELL) for side in self.completed.shape[:2]]
        if self._whole():
            return self.windows[0].offsets
        offsets = np.full((*shape, 2), -1, np.int32)
        for outputs in self.windows:
            _paste_offsets(offsets, outputs)
        return offsets

    def _whole(self):
        (height, width), outputs = self.completed.shape[:2], self.windows[0]
        return len(self.windows) == 1 and outputs.window.scale == 1 and outputs.window.box == (0, 0, height, width)

    def _pasted(self, stage):
        if self.windows and self._whole():
            return getattr(self.windows[0], stage)
        whole = to_float(self.completed)
        for outputs in self.windows:
            box = outputs.window.box
            part = enlarged(getattr(outputs, stage), outputs.hole.shape)
            whole[box.slices][outputs.hole] = part[outputs.hole]
        return whole


def _paste_offsets(offsets, outputs):
    """Brings a window's offsets to the photo's grid."""
    (_, box, scale), small = outputs.window, outputs.offsets
    first = np.array([box.top, box.left]) // ATTENTION_CELL
    count = [-(-side // ATTENTION_CELL) for side in outputs.hole.shape]
    rows, columns = (
        np.minimum(((np.arange(number) + 0.5) * scale).astype(int), side - 1)
        for number, side in zip(count, small.shape[:2])
    )
    own = small[np.ix_(rows, columns)]
    # The middle of a position on the small grid, on the large one.
    large = np.minimum(((own + 0.5) / scale).astype(np.int32), np.array(count, np.int32) - 1) + first
    target = offsets[first[0] : first[0] + count[0], first[1] : first[1] + count[1]]
    known = (own[..., 0] >= 0) & (target[..., 0] < 0)
    target[known] = large[known]
