"""What `inpaint-tf inpaint` is asked to do: its jobs, and what is refused before anything is loaded or computed."""

import os
import pathlib
from collections.abc import Sequence

from absl import flags

from inpaint_tf.commands.inpaint_work import hole_shape, preset_of
from inpaint_tf.commands.photo_jobs import Batch, Job, folder_jobs, glob_jobs, list_jobs, single_job, user_path
from inpaint_tf.data.photo_lists import LIST_SUFFIXES
from inpaint_tf.errors import UserError, printable
from inpaint_tf.models.hub import is_hub_place
from inpaint_tf.models.presets import DEFAULT_PRESET, bundled_presets, preset_folder, read_config
from inpaint_tf.models.registry import MODELS

_PATHS = ("image", "mask", "output", "guide", "preset")
# Flag -> name of the picture, see `photo_jobs.EXTRAS`.
_EXTRAS = {"output_coarse": "coarse", "output_flow": "flow", "side_by_side": "side_by_side", "show_plan": "plan"}


def jobs_of(options: flags.FlagValues, arguments: Sequence[str]) -> Batch:
    """What there is to do, by flags and PHOTO MASK OUTPUT. Raises UserError for paths and flags that cannot be used."""
    _take_positional(options, arguments)
    for name in ("image", "output"):
        if getattr(options, name) is None:
            raise UserError(f"inpaint needs --{name}; inpaint-tf inpaint --help shows the whole call.")
    if options.overwrite and options.resume:
        raise UserError("--overwrite and --resume contradict each other; give one.")
    if options.mask_from_difference and (options.invert_mask or options.resize_mask or options.alpha_as_mask):
        raise UserError("--mask_from_difference goes without --invert_mask, --resize_mask and --alpha_as_mask.")
    paths = {}
    for name in (*_PATHS, *_EXTRAS):
        value = getattr(options, name)
        paths[name] = None if value is None or is_hub_place(value) else user_path(value, name)
    image, mask, guide = paths["image"], paths["mask"], paths["guide"]
    # A final "/" says that it is a folder, and a path forgets it.
    output = os.path.expanduser(options.output)
    extras = {key: paths[name] for name, key in _EXTRAS.items() if paths[name] is not None}
    is_pattern = not os.path.lexists(image) and any(mark in str(image) for mark in "*?[")
    if not os.path.lexists(image) and not is_pattern:
        raise UserError(f"{printable(image)} does not exist.")
    is_list = image.suffix.lower() in LIST_SUFFIXES and image.is_file()
    if options.alpha_as_mask and (mask is not None or is_list):
        raise UserError("--alpha_as_mask replaces --mask and the masks of a list; give one.")
    hole_shape(options)  # An --extend that cannot be read is told here, not with the first photo.
    if mask is None and not options.alpha_as_mask and not is_list and options.extend is None:
        raise UserError("inpaint needs --mask (or --alpha_as_mask, or --extend); bright pixels of the mask are filled.")
    if mask is not None and not os.path.lexists(mask):
        raise UserError(f"{printable(mask)} does not exist.")
    if (is_list or is_pattern) and guide is not None:
        raise UserError(f"--guide goes with a photo or a folder of photos, not with {printable(image)}.")
    if is_list:
        return list_jobs(image, output, extras, mask)
    if is_pattern:
        return glob_jobs(str(image), mask, output, extras)
    if image.is_dir():
        return folder_jobs(image, mask, output, extras, guide, options.recursive)
    return single_job(image, mask, output, extras, guide)


def without_existing(jobs: Sequence[Job], options: flags.FlagValues) -> tuple[list[Job], list[pathlib.Path]]:
    """Jobs left to do, and outputs that exist and are kept. Raises UserError if it is not said what to do with them."""
    if options.overwrite:
        return list(jobs), []
    existing = [path for job in jobs for path in job.outputs() if path.exists()]
    if existing and not options.resume:
        others = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UserError(
            f"{printable(existing[0])}{others} exists already; --overwrite replaces what exists, "
            "--resume keeps it and does the rest."
        )
    there = [all(path.exists() for path in job.outputs()) for job in jobs]
    todo = [job for job, done in zip(jobs, there) if not done]
    return todo, [job.output for job, done in zip(jobs, there) if done]


def check_preset(options: flags.FlagValues) -> None:
    """Raises UserError if the preset cannot do what --guide or --show_plan ask for."""
    if options.guide is not None:
        _check_is_guided(options)
    if options.show_plan is not None:
        _check_there_will_be_a_plan(options)


def _take_positional(options, arguments):
    """PHOTO MASK OUTPUT (PHOTO OUTPUT with --alpha_as_mask) as if they were flags."""
    names = ("image", "output") if options.alpha_as_mask else ("image", "mask", "output")
    if not arguments:
        return
    if options.extend is not None and len(arguments) == 2:
        names = ("image", "output")
    if len(arguments) != len(names):
        raise UserError(
            f"inpaint takes {' '.join(names).upper()}, or flags; got {len(arguments)} of them: "
            f"{printable(' '.join(arguments))}."
        )
    for name, value in zip(names, arguments):
        if getattr(options, name) is not None:
            raise UserError(f"{printable(value)} and --{name} name the same thing; give one.")
        options[name].value = value


def _check_is_guided(options):
    """Raises UserError if the preset cannot follow a sketch."""
    config = read_config(preset_folder(preset_of(options)))
    if not MODELS[config.model].guided:
        bundled = {name: read_config(preset_folder(name)).model for name in bundled_presets()}
        guided = [name for name, model in bundled.items() if MODELS[model].guided]
        raise UserError(
            f"--guide is for guided presets; {printable(options.preset or DEFAULT_PRESET)} is of model {config.model}. "
            f"Leave it out, or take --preset={' or '.join(guided) or 'FOLDER'} (deepfill_v2_guided)."
        )


def _check_there_will_be_a_plan(options):
    """Raises UserError if --show_plan cannot have what it asks for."""
    size = options.working_size or read_config(preset_folder(preset_of(options))).working_size
    if options.plan == "full" or options.attention == "literal" or size != "full":
        raise UserError(
            "--show_plan shows what a run in parts computes at the photo's own size; add --plan=hole "
            "--attention=fast --working_size=full, or leave it out."
        )
