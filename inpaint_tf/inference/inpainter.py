"""The predictor: a photo with a hole goes in, a completed photo comes out. Everything that inpaints uses this class."""

import numbers
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from inpaint_tf.data.mask_files import hole_from_array
from inpaint_tf.errors import UserError
from inpaint_tf.inference.blending import continued, poisson_blend
from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.inference.guards import check_fill, check_process
from inpaint_tf.inference.guided_patches import fill_with_patches
from inpaint_tf.inference.limits import within_surroundings
from inpaint_tf.inference.result import Result, WindowOutputs
from inpaint_tf.inference.thin_lines import thinned
from inpaint_tf.inference.working_size import check_working_size, enlarged, plan_windows, reduced
from inpaint_tf.models.precision import building_with
from inpaint_tf.models.presets import load_preset
from inpaint_tf.pixels import composite, is_line, pad_to_multiple, to_float
from inpaint_tf.planned.run import PlannedRun

PLANS = ("hole", "full")
DETAILS = ("none", "patches")
BLENDS = ("none", "poisson")
Report = Callable[[str, float], None]


class Inpainter:
    """Completes photos of any size with a generator.

    Args:
        model: A `Generator`.
        channel_order: "RGB" or "BGR", what the weights were trained with. Images here are RGB all the same.
        plan: "hole" computes what the hole can see, in tiles that keep within the memory budget; "full" runs the whole
            network on the whole photo. Same numbers up to rounding. Models whose attention has the literal form, which
            is there as the reference, always run in full.
        memory_budget: Bytes of working memory under plan "hole"; None takes a share of what is free.
        detail: "none" gives the network's completion; "patches" replaces it by copies of known pixels that it leads
            (`inference.guided_patches`).
        working_size: "full" runs the network on the photo as it is; a number on the photo with its longer side brought
            down to that many pixels; "auto" on a window around the hole, at the size that the weights know
            (`inference.working_size`).
        blend: "none", or "poisson" to fit the network's colours to those around the hole (`inference.blending`) and
            keep them within the range of what is there (`inference.limits`), unless a sketch asks for more. With
            patches, anything but "none" also fits the copies' colours to the network's.
        trained_on: See `PresetConfig`; for working size "auto".

    Raises:
        UserError: for an unknown plan, detail, working size or blend, or a memory budget that is no number or for a
            full run.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf import Inpainter
        >>> image = np.full((40, 50, 3), 128, np.uint8)
        >>> mask = np.zeros((40, 50), bool)
        >>> mask[10:20, 10:20] = True
        >>> Inpainter.from_preset()(image, mask).shape
        (40, 50, 3)
    """

    def __init__(
        self,
        model,
        channel_order: str = "RGB",
        *,
        plan: str = "hole",
        memory_budget: int | None = None,
        detail: str = "none",
        working_size: str | int = "full",
        blend: str = "none",
        trained_on: dict[str, int] | None = None,
    ):
        check_process()
        for name, value, known in (("plan", plan, PLANS), ("detail", detail, DETAILS), ("blend", blend, BLENDS)):
            if value not in known:
                raise UserError(f"{name} {value!r} is unknown; known: {', '.join(known)}.")
        if memory_budget is not None and (
            isinstance(memory_budget, bool) or not isinstance(memory_budget, numbers.Real)
        ):
            raise UserError(f"memory_budget must be a number of bytes, for example 2**30; got {memory_budget!r}.")
        planned = plan == "hole" and PlannedRun.supports(model)
        if memory_budget is not None and not planned:
            raise UserError("a memory budget needs plan 'hole' and the fast attention: a full run takes what it takes.")
        self.model = model
        self.channel_order = channel_order
        self.detail = detail
        self.working_size = check_working_size(working_size)
        self.blend = blend
        self.trained_on = trained_on
        self._engine = PlannedRun(model, memory_budget) if planned else FullRun(model)

    @classmethod
    def from_preset(
        cls,
        name_or_folder=None,
        *,
        attention: str = "fast",
        plan: str = "hole",
        memory_budget: int | None = None,
        detail: str | None = None,
        working_size: str | int | None = None,
        blend: str | None = None,
        precision: str = "float32",
    ) -> "Inpainter":
        """An inpainter with a preset's weights.

        Args:
            name_or_folder: Name of a bundled preset or a preset folder; None is the default preset.
            attention: "fast" or "literal", see `ContextualAttention`.
            plan: "hole" or "full", see the class.
            memory_budget: Bytes, see the class.
            detail: "none" or "patches", see the class; None takes what the preset recommends.
            working_size: "auto", "full" or pixels, likewise.
            blend: "none" or "poisson", likewise.
            precision: "float32", "tf32" or "bfloat16", arithmetic of the convolutions (`models.precision`).

        Raises:
            UserError: for an unknown preset or precision, or weights that do not fit or are corrupt.
        """
        with building_with(precision):
            model, config = load_preset(name_or_folder, attention_form=attention)
        return cls(
            model,
            config.channel_order,
            plan=plan,
            memory_budget=memory_budget,
            detail=config.detail if detail is None else detail,
            working_size=config.working_size if working_size is None else working_size,
            blend=config.blend if blend is None else blend,
            trained_on=config.trained_on,
        )

    def __call__(self, image, mask, guide=None):
        """uint8 [H, W, 3] RGB, mask[, guide] -> completed uint8 [H, W, 3] RGB; see `run`."""
        return self.run(image, mask, guide).completed

    def run(self, image, mask, guide=None, *, report: Report | None = None) -> Result:
        """Completes one photo.

        Args:
            image: uint8 [H, W, 3] RGB, any size from 1 px up.
            mask: [H, W], [H, W, 1], or [H, W, 3] as OpenCV reads masks; bool (True = hole) or uint8 (above 127 =
                hole; where all is below, as 0 and 1, what `data.mask_files.hole_from_array` finds).
            guide: For a guided model, a sketch of what the hole should hold: [H, W], [H, W, 1], or [H, W, 3]; bool
                (True = line) or uint8 (above 153 in any channel = line; of 0 and 1, 1). Lines outside the hole play no
                part; of thick strokes the middle counts (`inference.thin_lines`).
            report: Called during the work with the stage, "network" or "patches", and its finished share in [0, 1].
                What it raises ends the run.

        Returns:
            A `Result`. Without a hole, `completed` is a copy of the image.

        Raises:
            UserError: for another type, shape or size, a mask that leaves no known pixel, a guide for a model without
                guidance, a fill that is no number (naming broken weights), or in a process that was forked after use.
        """
        check_process()
        started = time.perf_counter()
        hole = check_image_and_mask(image, mask)
        lines = None if guide is None else check_guide(guide, image, self.model)
        report = report or (lambda stage, share: None)
        network, windows, plan, fills, notes = image.copy(), [], None, (), ()
        if hole.any():
            network, windows, plan = self._run_network(image, hole, lines, report)
        completed = network
        if self.detail == "patches" and hole.any():
            filled = fill_with_patches(
                network,
                hole,
                blend=self.blend != "none",
                scale=lambda part: min(w.window.scale for w in windows if w.window.holes.meets(part)),
                lines=lines,
                report=lambda share: report("patches", share),
            )
            completed, fills = filled.completed, filled.fills
            if filled.without:
                notes = (_without_patches(filled.without, len(fills)),)
        seconds = time.perf_counter() - started
        fills = None if self.detail == "none" else fills
        return Result(completed, network, plan, seconds, notes, tuple(windows), fills)

    def _run_network(self, image, hole, lines, report):
        """The network's completion uint8 [H, W, 3], a `WindowOutputs` for every window, and the plan."""
        completed, done, plan = image.copy(), [], None
        windows = plan_windows(hole, self.working_size, self.trained_on)
        for number, window in enumerate(windows):
            report("network", number / len(windows))
            place = window.box.slices
            part, part_hole = image[place], hole[place]
            small, small_hole = reduced(part, part_hole, window.scale)
            small_lines = None if lines is None else reduced(part, lines[place], window.scale)[1]
            # Reduced holes grow; where nothing would stay known, the photo is left at its size.
            if small_hole.all():
                window = window._replace(scale=1.0)
                small, small_hole, small_lines = part, part_hole, None if lines is None else lines[place]

            def of_window(share: float, number: int = number) -> None:
                report("network", (number + share) / len(windows))

            small_lines = None if small_lines is None else thinned(small_lines)
            outputs, filled = self._run_window(small, small_hole, small_lines, of_window)
            own = np.zeros_like(part_hole)
            inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(window.holes.slices, place))
            own[inner] = part_hole[inner]
            completed[place][own] = enlarged(filled, part_hole.shape)[own]
            done.append(WindowOutputs(window, own, outputs["coarse"], outputs["refined"], outputs.get("offsets")))
            if len(windows) == 1 and window.scale == 1 and window.box == (0, 0, *hole.shape):
                plan = outputs.get("plan")
        report("network", 1.0)
        return completed, done, plan

    def _run_window(self, image, hole, lines, report):
        """The engine's outputs at the image's size in RGB, and the completed uint8 [h, w, 3]."""
        masks: list[Any] = [
            x if x is None else pad_to_multiple(x)[..., np.newaxis].astype(np.float32) for x in (hole, lines)
        ]
        padded: Any = self._swap(to_float(pad_to_multiple(image)))
        outputs: dict[str, Any] = dict(self._engine(padded, *masks, report=report))
        height, width = hole.shape
        for stage in ("coarse", "refined"):
            outputs[stage] = self._swap(outputs[stage])[:height, :width]
        filled = outputs["refined"]
        check_fill(filled, hole, self.model)
        if self.blend == "poisson":
            photo = to_float(image)
            filled = poisson_blend(photo, hole, continued(photo, hole, filled, lines))
            filled = within_surroundings(image, hole, filled, lines)
        return outputs, composite(image, hole, filled)

    @property
    def traces(self):
        """How many graphs were built so far; it does not grow with the number of sizes."""
        return self._engine.traces

    def _swap(self, image):
        """RGB <-> the model's channel order."""
        return image[..., ::-1] if self.channel_order == "BGR" else image


def _without_patches(without, others):
    if not others:
        return "the hole leaves no patch of the photo to copy from; this is the network's completion alone."
    return f"{without} of {without + others} parts of the hole had no patch to copy from and are the network's alone."


def check_image_and_mask(image, mask):
    """Checks what a user gave and returns the hole as bool [H, W]. Raises UserError; see `Inpainter.run`."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise UserError(f"the image must be a uint8 RGB array [height, width, 3]; got {_describe(image)}.")
    if not isinstance(mask, np.ndarray) or mask.dtype not in (np.uint8, np.bool_):
        raise UserError(
            f"the mask must be a uint8 or bool array [height, width] or [height, width, 3]; got {_describe(mask)}."
        )
    if mask.ndim not in (2, 3) or mask.shape[:2] != image.shape[:2] or mask.shape[2:] not in ((), (1,), (3,)):
        raise UserError(
            f"the mask must have the image's size; the image is {size_text(image)}, the mask {size_text(mask)}."
        )
    if 0 in mask.shape:
        raise UserError(f"the image and its mask are empty, {size_text(image)}; give some pixels.")
    hole = hole_from_array(mask)
    if hole.all():
        raise UserError("the mask covers the whole image; some pixels must be known to fill the others from.")
    return hole


def check_guide(guide, image, model):
    """Checks a user's sketch and returns its lines as bool [H, W]. Raises UserError; see `Inpainter.run`."""
    if not model.guided:
        raise UserError("this model takes no guide; leave it out, or choose a guided model (deepfill_v2_guided).")
    if not isinstance(guide, np.ndarray) or guide.dtype not in (np.uint8, np.bool_):
        raise UserError(
            f"the guide must be a uint8 or bool array [height, width] or [height, width, 3]; got {_describe(guide)}."
        )
    if guide.ndim not in (2, 3) or guide.shape[2:] not in ((), (1,), (3,)):
        raise UserError(f"the guide must be [height, width] or [height, width, 3]; got {_describe(guide)}.")
    if guide.shape[:2] != image.shape[:2]:
        raise UserError(
            f"the guide must have the image's size; the image is {size_text(image)}, the guide {size_text(guide)}."
        )
    lines = guide > 0 if guide.dtype == np.uint8 and guide.max() == 1 else is_line(guide)
    return np.any(lines, axis=-1) if lines.ndim == 3 else lines


def size_text(image):
    """ "640x480" of an array [H, W, ...]: width first, as people say it."""
    return "x".join(str(side) for side in image.shape[1::-1])


def _describe(x):
    return f"{x.dtype} {list(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
