"""What `inpaint-tf inpaint` does with one job, as its flags say, in its own process or in a worker's."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from absl import flags

from inpaint_tf.commands.inpaint_flags import define_flags
from inpaint_tf.commands.one_photo import Decoded, HoleShape, complete, decode
from inpaint_tf.commands.photo_jobs import Job
from inpaint_tf.commands.sizes import parse_bytes, parse_pixels
from inpaint_tf.commands.workers import Outcome
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError, reason
from inpaint_tf.inference.hole_shapes import Margins

if TYPE_CHECKING:
    from inpaint_tf.inference.inpainter import Inpainter


def complete_one(job: Job, options: flags.FlagValues) -> list[str]:
    """Completes one photo and returns what is to be noted about it. Raises UserError for whatever is wrong with it."""
    return complete(job, _decoded(job, options), _inpainter(options), options.quality)


class PhotoWork:
    """From a job to its `Outcome`; the weights are loaded for the first photo that can be read."""

    def __init__(self, options: flags.FlagValues):
        self._options = options
        self._inpainter: Inpainter | None = None

    def __call__(self, job: Job) -> Outcome:
        try:
            read = _decoded(job, self._options)
        except Exception as error:
            return self._failed(error)
        # Weights that cannot be loaded are the trouble of no photo: they end the batch.
        self._inpainter = self._inpainter or _inpainter(self._options)
        try:
            notes = complete(job, read, self._inpainter, self._options.quality)
        except Exception as error:
            return self._failed(error)
        return Outcome(tuple(notes), tuple(read.kinds))

    def _failed(self, error: Exception) -> Outcome:
        if isinstance(error, UserError):
            return Outcome(error=str(error))
        if self._options.traceback:
            raise error
        return Outcome(error=f"could not be completed: {type(error).__name__}: {reason(error)}.")


def work_of(words: Sequence[str]) -> Callable[[Job], Outcome]:
    """What a worker process does with a job, for the flags in `words`."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("traceback", False, "", flag_values=values)
    define_flags(values)
    values(["inpaint", *words])
    work = PhotoWork(values)

    def do(job):
        try:
            return work(job)
        except UserError as error:
            return Outcome(error=str(error))

    return do


def hole_shape(options: flags.FlagValues) -> HoleShape:
    """What is done to a mask's hole. Raises UserError for an --extend that cannot be read."""
    extend = None if options.extend is None else Margins.parse(options.extend)
    return HoleShape(options.grow_mask, options.feather, extend)


def preset_of(options: flags.FlagValues) -> str | None:
    """The preset's name or folder; None is the default preset."""
    return None if options.preset is None else os.path.expanduser(options.preset)


def _decoded(job: Job, options: flags.FlagValues) -> Decoded:
    """Photo, mask and sketch of a job. Raises UserError for files that cannot be used."""
    return decode(
        job,
        invert_mask=options.invert_mask,
        fit_mask=options.resize_mask,
        mask_from_difference=options.mask_from_difference,
        max_pixels=parse_pixels(options.max_pixels, "max_pixels"),
        shape=hole_shape(options),
        takes_alpha=options.alpha_as_mask,
    )


def _inpainter(options: flags.FlagValues) -> "Inpainter":
    """The preset's `Inpainter` on the device that is asked for. TensorFlow is loaded here, not before."""
    use_device(options.device)
    from inpaint_tf.inference.inpainter import Inpainter

    if options.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    return Inpainter.from_preset(
        preset_of(options),
        attention=options.attention,
        plan=options.plan,
        memory_budget=parse_bytes(options.memory_budget, "memory_budget"),
        detail=options.detail,
        working_size=options.working_size,
        blend=options.blend,
        precision=options.precision,
    )
