"""The predictor: a photo with a hole goes in, a completed photo comes out. Everything that inpaints uses this class."""

import dataclasses
import time

import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.inference.blending import poisson_blend
from inpaint_tf.inference.full_run import FullRun
from inpaint_tf.inference.guards import check_fill, check_process
from inpaint_tf.models.presets import load_preset
from inpaint_tf.pixels import composite, is_hole, is_line, pad_to_multiple, to_float
from inpaint_tf.planned.plan import Plan
from inpaint_tf.planned.run import PlannedRun


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run gave.

    Attributes:
        completed: uint8 [H, W, 3] RGB: the photo, bit-identical outside the hole.
        coarse: float32 [H, W, 3] RGB in [-1, 1], output of the first stage; to be looked at inside the hole only.
        refined: float32 [H, W, 3] RGB in [-1, 1], output of the second stage, likewise.
        offsets: int32 [ceil(H/8), ceil(W/8), 2], absolute (row, column) on that grid of what every position was
            copied from, -1 where the plan did not compute it; None for a model without attention or a photo without
            a hole.
        plan: What was computed; None for a full run or a photo without a hole.
        seconds: Wall-clock time of the run.
    """

    completed: np.ndarray
    coarse: np.ndarray
    refined: np.ndarray
    offsets: np.ndarray | None
    plan: Plan | None
    seconds: float


PLANS = ("hole", "full")
BLENDS = ("none", "poisson")


class Inpainter:
    """Completes photos of any size with a two-stage generator.

    Args:
        model: A `TwoStageGenerator`.
        channel_order: "RGB" or "BGR", what the weights were trained with. Images here are RGB all the same.
        plan: "hole" computes what the hole can see, in tiles that keep within the memory budget; "full" runs the whole
            network on the whole photo. Same numbers up to rounding. Models whose attention has the literal form, which
            is there as the reference, always run in full.
        memory_budget: Bytes of working memory under plan "hole"; None takes a share of what is free.
        blend: "none", or "poisson" to fit the fill's colours to those around the hole (`inference.blending`).

    Raises:
        UserError: for an unknown plan or blend, or a memory budget for a full run.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf import Inpainter
        >>> image = np.full((40, 50, 3), 128, np.uint8)
        >>> mask = np.zeros((40, 50), bool)
        >>> mask[10:20, 10:20] = True
        >>> Inpainter.from_preset()(image, mask).shape
        (40, 50, 3)
    """

    def __init__(self, model, channel_order="RGB", *, plan="hole", memory_budget=None, blend="none"):
        check_process()
        if plan not in PLANS:
            raise UserError(f"plan {plan!r} is unknown; known: {', '.join(PLANS)}.")
        if blend not in BLENDS:
            raise UserError(f"blend {blend!r} is unknown; known: {', '.join(BLENDS)}.")
        planned = plan == "hole" and PlannedRun.supports(model)
        if memory_budget is not None and not planned:
            raise UserError("a memory budget needs plan 'hole' and the fast attention: a full run takes what it takes.")
        self.model = model
        self.channel_order = channel_order
        self.blend = blend
        # Blending looks at the network's output next to the hole too.
        border = 1 if blend == "poisson" else 0
        self._engine = PlannedRun(model, memory_budget, border) if planned else FullRun(model)

    @classmethod
    def from_preset(cls, name_or_folder=None, *, attention="fast", plan="hole", memory_budget=None, blend="none"):
        """An inpainter with a preset's weights.

        Args:
            name_or_folder: Name of a bundled preset or a preset folder; None is the default preset.
            attention: "fast" or "literal", see `ContextualAttention`.
            plan: "hole" or "full", see the class.
            memory_budget: Bytes, see the class.
            blend: "none" or "poisson", see the class.

        Raises:
            UserError: for an unknown preset or weights that do not fit or are corrupt.
        """
        model, config = load_preset(name_or_folder, attention_form=attention)
        return cls(model, config.channel_order, plan=plan, memory_budget=memory_budget, blend=blend)

    def __call__(self, image, mask, guide=None):
        """uint8 [H, W, 3] RGB, mask[, guide] -> completed uint8 [H, W, 3] RGB; see `run`."""
        return self.run(image, mask, guide).completed

    def run(self, image, mask, guide=None):
        """Completes one photo.

        Args:
            image: uint8 [H, W, 3] RGB, any size from 1 px up.
            mask: [H, W] or [H, W, 1], bool (True = hole) or uint8 (above 127 = hole).
            guide: For a guided model, a sketch of what the hole should hold: [H, W], bool (True = line) or uint8
                (above 153 = line). Lines outside the hole play no part.

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
        if not hole.any():
            unchanged = to_float(image)
            return Result(image.copy(), unchanged, unchanged, None, None, time.perf_counter() - started)
        masks = [x if x is None else pad_to_multiple(x)[..., np.newaxis].astype(np.float32) for x in (hole, lines)]
        outputs = self._engine(self._swap(to_float(pad_to_multiple(image))), *masks)
        height, width = hole.shape
        coarse, refined = (self._swap(outputs[stage])[:height, :width] for stage in ("coarse", "refined"))
        check_fill(refined, hole, self.model)
        filled = poisson_blend(to_float(image), hole, refined) if self.blend == "poisson" else refined
        return Result(
            composite(image, hole, filled),
            coarse,
            refined,
            outputs.get("offsets"),
            outputs.get("plan"),
            time.perf_counter() - started,
        )

    @property
    def traces(self):
        """How many graphs were built so far; it does not grow with the number of sizes."""
        return self._engine.traces

    def _swap(self, image):
        """RGB <-> the model's channel order."""
        return image[..., ::-1] if self.channel_order == "BGR" else image


def check_image_and_mask(image, mask):
    """Checks what a user gave and returns the hole as bool [H, W]. Raises UserError; see `Inpainter.run`."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise UserError(f"the image must be a uint8 RGB array [height, width, 3]; got {_describe(image)}.")
    if not isinstance(mask, np.ndarray) or mask.dtype not in (np.uint8, np.bool_):
        raise UserError(f"the mask must be a uint8 or bool array [height, width]; got {_describe(mask)}.")
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.shape != image.shape[:2] or 0 in mask.shape:
        raise UserError(
            f"the mask must have the image's size; the image is {size_text(image)}, the mask {size_text(mask)}."
        )
    hole = is_hole(mask)
    if hole.all():
        raise UserError("the mask covers the whole image; some pixels must be known to fill the others from.")
    return hole


def check_guide(guide, image, model):
    """Checks a user's sketch and returns its lines as bool [H, W]. Raises UserError; see `Inpainter.run`."""
    if not model.guided:
        raise UserError("this model takes no guide; leave it out, or choose a guided model (deepfill_v2_guided).")
    if not isinstance(guide, np.ndarray) or guide.dtype not in (np.uint8, np.bool_):
        raise UserError(f"the guide must be a uint8 or bool array [height, width]; got {_describe(guide)}.")
    if guide.shape != image.shape[:2]:
        raise UserError(
            f"the guide must have the image's size; the image is {size_text(image)}, the guide {size_text(guide)}."
        )
    return is_line(guide)


def size_text(image):
    """ "640x480" of an array [H, W, ...]: width first, as people say it."""
    return "x".join(str(side) for side in image.shape[1::-1])


def _describe(x):
    return f"{x.dtype} {list(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
