"""Fills the hole of a photo; everything outside the hole stays as it is.

  inpaint-tf inpaint photo.jpg mask.png completed.png
  inpaint-tf inpaint --image=photos/ --mask=masks/ --output=completed/ --resume
  inpaint-tf inpaint --image=list.txt --output=completed/        ("photo<tab>mask" per line, relative to the list)
  inpaint-tf inpaint --image=photo.jpg --mask=painted.jpg --output=completed.jpg --mask_from_difference

The mask is bright where the photo is missing; a mask of two values is understood whatever they are. In folders, mask
and photo have the same name up to the suffix (or photo_mask, mask_photo, which may lie in the photos' own folder); a
single mask file serves all photos. The output's suffix decides its format; JPEG is lossy everywhere, PNG keeps known
pixels bit for bit. docs/formats.md says which files are read and what is kept of them.
"""

import collections
import functools
import os
import sys

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag, define_precision_flag
from inpaint_tf.commands.one_photo import HoleShape, complete, decode
from inpaint_tf.commands.photo_jobs import folder_jobs, glob_jobs, list_jobs, single_job, user_path
from inpaint_tf.commands.ray_engine import RayEngine
from inpaint_tf.commands.sizes import parse_bytes, parse_pixels
from inpaint_tf.commands.workers import Outcome, Workers, memory_share, parse_shard
from inpaint_tf.data.photo_lists import LIST_SUFFIXES
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.inference.hole_shapes import Margins
from inpaint_tf.models.hub import is_hub_place
from inpaint_tf.models.presets import DEFAULT_PRESET, bundled_presets, preset_folder, read_config
from inpaint_tf.models.registry import MODELS
from inpaint_tf.progress import progress

_PATHS = ("image", "mask", "output", "guide", "preset")
# Flag -> name of the picture, see `photo_jobs.EXTRAS`.
_EXTRAS = {"output_coarse": "coarse", "output_flow": "flow", "side_by_side": "side_by_side", "show_plan": "plan"}

SUMMARY = "photo + mask (or folders, or a list) -> completed photo"


def define_flags(values: flags.FlagValues) -> None:
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    def boolean(name, text):
        flags.DEFINE_boolean(name, False, text, flag_values=values)

    string("preset", "Preset: a bundled name (inpaint-tf presets lists them) or a folder. Default: the default preset.")
    string("image", "Photo, folder of photos, pattern like photos/*.jpg, or list file.")
    string("mask", "Mask, or folder of masks. Bright is hole.")
    string("output", "Completed photo, or folder.")
    string("output_coarse", "Also write the coarse network's result: file, or folder for many.")
    string("output_flow", "Also write where the fill was copied from (Middlebury colours): file, or folder for many.")
    string("side_by_side", "Also write input, result and flow side by side: file, or folder for many.")
    string("show_plan", "Also write a picture of what was computed: file, or folder for many.")
    string(
        "guide",
        "Sketch that leads a guided model, bright lines on dark, of the photo's size or that of --extend; or folder of "
        "sketches, by name.",
    )
    define_device_flag(values)
    define_precision_flag(values)
    boolean("overwrite", "Replace outputs that exist.")
    boolean("resume", "Keep outputs that exist and do the others.")
    boolean("invert_mask", "Dark is hole.")
    boolean("resize_mask", "Resize a mask of another size to the photo's.")
    boolean("mask_from_difference", "The mask is a copy of the photo; the hole is where something is painted on it.")
    boolean("recursive", "Also take the photos of folders in the folder; the output keeps their places.")
    boolean("alpha_as_mask", "Take the hole from the photo's own transparency instead of --mask.")
    flags.DEFINE_integer(
        "workers",
        1,
        "Processes for many photos, each with its share of processors and memory.",
        lower_bound=1,
        upper_bound=1024,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "engine",
        "process",
        ["process", "ray"],
        "Where --workers run: processes of this machine, or actors of a Ray cluster (RAY_ADDRESS).",
        flag_values=values,
    )
    string("shard", "I/N: do the I-th of N parts of the photos, for several machines; goes well with --resume.")
    for name, text in (
        ("grow_mask", "Widen the hole by this many pixels; a tight mask leaves a halo of what it removes."),
        ("feather", "Let the fill fade into the photo over this many pixels around the hole."),
    ):
        flags.DEFINE_integer(name, 0, text, lower_bound=0, upper_bound=1000, flag_values=values)
    string("extend", "LEFT,TOP,RIGHT,BOTTOM: make the photo larger by this many pixels and fill the new borders.")
    boolean("deterministic", "Bit-identical results from run to run, a little slower.")
    flags.DEFINE_integer(
        "quality",
        None,
        "Quality of JPEG and WebP outputs. Default: JPEG has that of its input, WebP is lossless.",
        lower_bound=1,
        upper_bound=100,
        flag_values=values,
    )
    string(
        "max_pixels", "Photos of more pixels are refused, e.g. 200M. Default: what free memory allows, at least 64M."
    )
    string("memory_budget", "Working memory to keep within, e.g. 1.5GiB. Default: a share of what is free.")
    flags.DEFINE_enum("attention", "fast", ["fast", "literal"], "Form of the attention.", flag_values=values)
    string("working_size", "Size the network works at: auto (from the hole), full, or PIXELS of the longer side.")
    for name, known, text in (
        ("detail", ["none", "patches"], "The network's fill alone, or copies of known pixels that it leads."),
        ("blend", ["none", "poisson"], "How the fill's colours meet those around."),
    ):
        flags.DEFINE_enum(name, None, known, f"{text} Default: what the preset recommends.", flag_values=values)
    flags.DEFINE_enum(
        "plan",
        "hole",
        ["hole", "full"],
        "Compute what the hole can see, or the whole network on the whole photo: same numbers, other cost.",
        flag_values=values,
    )


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    _take_positional(options, arguments)
    batch = _jobs(options)
    part, parts = parse_shard(options.shard)
    if not batch.many and (parts > 1 or options.workers > 1 or options.engine == "ray"):
        raise UserError("--shard, --workers and --engine are for many photos: a folder, a pattern or a list.")
    if options.engine == "ray" and parts > 1:
        raise UserError("--engine=ray shares photos out itself; leave out --shard.")
    if options.guide is not None:
        _check_preset_is_guided(options)
    if options.show_plan is not None:
        _check_there_will_be_a_plan(options)
    jobs, kept = _without_existing(batch.jobs[part - 1 :: parts], options)
    if part > 1:
        batch.failed.clear()  # The first part names them.
    for note in batch.notes:
        print(note, file=sys.stderr)
    if not batch.many:
        return _run_one(jobs, kept, options)
    return _run_many(jobs, kept, batch.failed, options)


def _run_one(jobs, kept, options):
    for job in jobs:
        for note in complete(job, _decoded(job, options), _inpainter(options), options.quality):
            print(f"{printable(job.photo)}: {note}", file=sys.stderr)
    print(f"{printable(kept[0])} exists already and was kept." if kept else printable(jobs[0].output))
    return 0


def _run_many(jobs, kept, failed, options):
    """Every photo by itself: whatever happens to one, the others are done, and the summary says how many are which."""
    failures, done, kinds = list(failed.items()), 0, collections.Counter()
    for job, outcome in progress(_outcomes(jobs, options), len(jobs), "photo"):
        if outcome.error is not None:
            failures.append((str(job.photo), outcome.error))
            continue
        done += 1
        kinds.update(set(outcome.kinds))
        for note in outcome.notes:
            print(f"{printable(job.photo)}: {note}", file=sys.stderr)
    for photo, why in failures:
        named = "" if why.startswith(printable(photo)) else f"{printable(photo)}: "
        print(f"failed: {named}{why}", file=sys.stderr)
    summary = f"{done} completed, {len(kept)} kept, {len(failures)} failed; results in {printable(options.output)}."
    if kinds:
        counts = ", ".join(f"{count} with {kind}" for kind, count in sorted(kinds.items()))
        summary += f" Masks worth a look: {counts}."
    print(summary)
    return 1 if failures else 0


def _outcomes(jobs, options):
    """Pairs of job and `Outcome`, in this process or in several."""
    if options.engine == "process" and (options.workers == 1 or len(jobs) < 2):
        do = _PhotoWork(options)
        return ((job, do(job)) for job in jobs)
    words = [word for word in options.flags_into_string().splitlines() if not word.startswith("--flagfile")]
    if options.memory_budget is None and options.plan == "hole" and options.attention == "fast":
        words.append(f"--memory_budget={memory_share(options.workers)}")
    make = functools.partial(_work_of, words)
    if options.engine == "ray":
        return RayEngine(options.workers, make, skip_done=options.resume)(jobs)
    return Workers(min(options.workers, len(jobs)), make)(jobs)


def _work_of(words):
    """What a worker process does with a job, for the flags in words."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("traceback", False, "", flag_values=values)
    define_flags(values)
    values(["inpaint", *words])
    work = _PhotoWork(values)

    def do(job):
        try:
            return work(job)
        except UserError as error:
            return Outcome(error=str(error))

    return do


class _PhotoWork:
    """From a job to its `Outcome`; the weights are loaded for the first photo that can be read."""

    def __init__(self, options):
        self._options, self._inpainter = options, None

    def __call__(self, job):
        try:
            decoded = _decoded(job, self._options)
        except Exception as error:
            return self._failed(error)
        # Weights that cannot be loaded are the trouble of no photo: they end the batch.
        self._inpainter = self._inpainter or _inpainter(self._options)
        try:
            notes = complete(job, decoded, self._inpainter, self._options.quality)
        except Exception as error:
            return self._failed(error)
        return Outcome(tuple(notes), tuple(decoded.kinds))

    def _failed(self, error):
        if isinstance(error, UserError):
            return Outcome(error=str(error))
        if self._options.traceback:
            raise error
        return Outcome(error=f"could not be completed: {type(error).__name__}: {reason(error)}.")


def _decoded(job, options):
    return decode(
        job,
        invert_mask=options.invert_mask,
        fit_mask=options.resize_mask,
        mask_from_difference=options.mask_from_difference,
        max_pixels=parse_pixels(options.max_pixels, "max_pixels"),
        shape=_hole_shape(options),
        takes_alpha=options.alpha_as_mask,
    )


def _hole_shape(options):
    extend = None if options.extend is None else Margins.parse(options.extend)
    return HoleShape(options.grow_mask, options.feather, extend)


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


def _jobs(options):
    """What there is to do. Raises UserError for paths and flags that cannot be used."""
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
    _hole_shape(options)
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


def _without_existing(jobs, options):
    """Jobs left to do, and outputs that exist and are kept. Raises UserError if it is not said what to do with them."""
    if options.overwrite:
        return jobs, []
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


def _check_preset_is_guided(options):
    """Raises UserError, before anything is loaded, if the preset cannot follow a sketch."""
    config = read_config(preset_folder(_preset(options)))
    if not MODELS[config.model].guided:
        bundled = {name: read_config(preset_folder(name)).model for name in bundled_presets()}
        guided = [name for name, model in bundled.items() if MODELS[model].guided]
        raise UserError(
            f"--guide is for guided presets; {printable(options.preset or DEFAULT_PRESET)} is of model {config.model}. "
            f"Leave it out, or take --preset={' or '.join(guided) or 'FOLDER'} (deepfill_v2_guided)."
        )


def _check_there_will_be_a_plan(options):
    """Raises UserError, before anything is computed, if --show_plan cannot have what it asks for."""
    size = options.working_size or read_config(preset_folder(_preset(options))).working_size
    if options.plan == "full" or options.attention == "literal" or size != "full":
        raise UserError(
            "--show_plan shows what a run in parts computes at the photo's own size; add --plan=hole "
            "--attention=fast --working_size=full, or leave it out."
        )


def _preset(options):
    return None if options.preset is None else os.path.expanduser(options.preset)


def _inpainter(options):
    use_device(options.device)
    from inpaint_tf.inference.inpainter import Inpainter

    if options.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    return Inpainter.from_preset(
        _preset(options),
        attention=options.attention,
        plan=options.plan,
        memory_budget=parse_bytes(options.memory_budget, "memory_budget"),
        detail=options.detail,
        working_size=options.working_size,
        blend=options.blend,
        precision=options.precision,
    )
