"""What the queue's thread does: a photo, a hole and options go in, a `Version` comes out."""

import collections
import pathlib
import threading
from collections.abc import Callable

import numpy as np

from inpaint_tf.data.mask_files import sketch_remarks
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import preset_folder, read_config
from inpaint_tf.regions import bounding_rect
from inpaint_tf.serve.jobs import Report
from inpaint_tf.serve.sessions import Version
from inpaint_tf.serve.settings import FillOptions
from inpaint_tf.tensorflow_loading import load_tensorflow

# Inpainters that stay loaded; the longest unused one goes first.
_LOADED = 4


def public_name(preset: str) -> str:
    """What clients call a preset: the last part, so that no path of this machine shows."""
    return pathlib.PurePath(preset).name or preset


class Inpainters:
    """Loads inpainters when they are first asked for, and keeps a few.

    Args:
        presets: Names or folders.
        memory_budget: See `Inpainter`.

    Raises:
        UserError: if two presets have the same name.
    """

    def __init__(self, presets: tuple[str, ...], memory_budget: int | None = None):
        self.names = tuple(public_name(preset) for preset in presets)
        for name in self.names:
            if self.names.count(name) > 1:
                raise UserError(
                    f"two presets are called {name!r}; clients tell them apart by name, so rename a folder."
                )
        self._presets = dict(zip(self.names, presets))
        self._memory_budget = memory_budget
        self._loaded = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, options: FillOptions):
        """The `Inpainter` for some options."""
        with self._lock:
            if options in self._loaded:
                self._loaded.move_to_end(options)
                return self._loaded[options]
            # TensorFlow takes seconds, and the page should be there at once.
            load_tensorflow()
            from inpaint_tf.inference.inpainter import Inpainter

            inpainter = Inpainter.from_preset(
                self._presets[options.preset],
                memory_budget=self._memory_budget,
                detail=options.detail,
                working_size=options.working_size,
                blend=options.blend,
            )
            self._loaded[options] = inpainter
            while len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
            return inpainter

    def describe(self) -> list[dict]:
        """What a client may want to know of each preset. Raises UserError if one cannot be read."""
        described = []
        for name, preset in self._presets.items():
            config = read_config(preset_folder(preset))
            described.append(
                {
                    "name": name,
                    "model": config.model,
                    "summary": config.summary,
                    "guided": config.model.endswith("guided"),
                    "detail": config.detail,
                    "working_size": str(config.working_size),
                    "blend": config.blend,
                }
            )
        return described


def fill(
    inpainters: Inpainters,
    picture: Callable[[], np.ndarray],
    hole: np.ndarray,
    options: FillOptions,
    *,
    base: int = 0,
    guide: np.ndarray | None = None,
    report: Report,
) -> Version:
    """Fills one hole.

    Args:
        inpainters: `Inpainters`.
        picture: Gives the uint8 [H, W, 3] picture when the fill starts, not while it waits.
        hole: bool [H, W], with a pixel.
        options: `FillOptions`.
        base: Number of the version that the picture is.
        guide: bool [H, W], True = line; for guided presets.
        report: See `Job.report`.

    Raises:
        UserError: for a hole that covers everything, a guide that the preset does not take.
    """
    from inpaint_tf.pixels import composite
    from inpaint_tf.visualize.flow import draw_hole_flow, longest_offset
    from inpaint_tf.visualize.sources import longest_source, source_flow

    report("loading", 0.0)
    inpainter = inpainters.get(options)
    image = picture()
    report("network", 0.0)
    result = inpainter.run(image, hole, guide, report=report)
    report("pictures", 0.0)

    box = bounding_rect(hole)
    assert box is not None  # Callers see to it that something is marked.
    place = np.s_[box.top : box.bottom, box.left : box.right]
    inside, part = hole[place], image[place]
    sources = result.sources
    views = {
        "completed": result.completed[place].copy(),
        "coarse": composite(part, inside, result.coarse[place]),
    }
    ranges = {}
    if sources is not None:
        views["network"] = result.network[place].copy()
    offsets = result.offsets
    if offsets is not None:
        views["flow"] = draw_hole_flow(offsets, hole)[place].copy()
        ranges["flow"] = longest_offset(offsets, hole)
    if sources is not None:
        sources = sources[place].copy()
        relative = np.where(sources >= 0, sources - [box.top, box.left], -1)
        # Sources may lie outside the rectangle, so negative ones are not those that were not copied.
        copied = inside & (sources[..., 0] >= 0)
        views["patch_flow"], ranges["patch_flow"] = source_flow(relative, copied), longest_source(relative, copied)
    return Version(
        base=base,
        top=box.top,
        left=box.left,
        hole=inside.copy(),
        views=views,
        sources=sources,
        offsets=offsets,
        plan=result.plan,
        seconds=result.seconds,
        options=options,
        flow_range=ranges,
        guide=guide,
        notes=(*([] if guide is None else sketch_remarks(guide, hole)), *result.notes),
    )
