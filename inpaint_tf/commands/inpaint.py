"""Fills the hole of a photo; everything outside the hole stays as it is.

  inpaint-tf inpaint --image=photo.jpg --mask=mask.png --output=completed.png
  inpaint-tf inpaint --image=photos/ --mask=masks/ --output=completed/ --resume
  inpaint-tf inpaint --image=list.txt --output=completed/        ("photo<tab>mask" a line, relative to the list)

The mask is bright where the photo is missing. In folders, mask and photo have the same name up to the suffix (or the
mask's ends in _mask); a single mask file serves all photos. The output's suffix decides its format; JPEG is lossy
everywhere, PNG keeps known pixels bit for bit.
"""

import pathlib
import sys

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag
from inpaint_tf.commands.photo_jobs import LIST_SUFFIXES, complete, decode, folder_jobs, list_jobs, single_job
from inpaint_tf.commands.sizes import parse_bytes
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError
from inpaint_tf.progress import progress

SUMMARY = "photo + mask (or folders, or a list) -> completed photo"


def define_flags(values):
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    def boolean(name, text):
        flags.DEFINE_boolean(name, False, text, flag_values=values)

    string("preset", "Preset: a bundled name (inpaint-tf presets lists them) or a folder. Default: the default preset.")
    string("image", "Photo, folder of photos, or list file.")
    string("mask", "Mask, or folder of masks. Bright is hole.")
    string("output", "Completed photo, or folder.")
    string("output_coarse", "Also write the coarse network's result: file, or folder for many.")
    string("output_flow", "Also write the attention flow (Middlebury colours): file, or folder for many.")
    string("side_by_side", "Also write input, result and flow side by side: file, or folder for many.")
    string("show_plan", "Also write a picture of what was computed: file, or folder for many.")
    string("guide", "Sketch that leads a guided model, bright lines on dark; or folder of sketches, by name.")
    define_device_flag(values)
    boolean("overwrite", "Replace outputs that exist.")
    boolean("resume", "Keep outputs that exist and do the others.")
    boolean("invert_mask", "Dark is hole.")
    boolean("resize_mask", "Resize a mask of another size to the photo's.")
    boolean("alpha_as_mask", "Take the hole from the photo's own transparency instead of --mask.")
    boolean("deterministic", "Bit-identical results from run to run, a little slower.")
    string("memory_budget", "Working memory to keep within, e.g. 1.5GiB. Default: a share of what is free.")
    flags.DEFINE_enum("attention", "fast", ["fast", "literal"], "Form of the attention.", flag_values=values)
    flags.DEFINE_enum("blend", "none", ["none", "poisson"], "How the fill meets what surrounds it.", flag_values=values)
    flags.DEFINE_enum(
        "plan",
        "hole",
        ["hole", "full"],
        "Compute what the hole can see, or the whole network on the whole photo: same numbers, other cost.",
        flag_values=values,
    )


def run(options, arguments):
    if arguments:
        raise UserError(f"inpaint takes flags only; got {' '.join(arguments)}.")
    jobs, failed, many = _jobs(options)
    jobs, kept = _without_existing(jobs, options)
    inpainter = None
    for job in progress(jobs, len(jobs) if many else 1, "photo"):
        try:
            decoded = decode(job, invert_mask=options.invert_mask, fit_mask=options.resize_mask)
        except UserError as error:
            if not many:
                raise
            failed[job.photo] = str(error)
            continue
        inpainter = inpainter or _inpainter(options)
        try:
            for note in complete(job, decoded, inpainter):
                print(f"{job.photo}: {note}", file=sys.stderr)
        except UserError as error:
            if not many:
                raise
            failed[job.photo] = str(error)
    if not many:
        print(f"{kept[0]} exists already and was kept." if kept else jobs[0].output)
        return 0
    for photo, reason in failed.items():
        print(f"failed: {photo}: {reason}", file=sys.stderr)
    done = len(jobs) - sum(job.photo in failed for job in jobs)
    print(f"{done} completed, {len(kept)} kept, {len(failed)} failed; results in {options.output}.")
    return 1 if failed else 0


def _jobs(options):
    """The jobs, those that failed already (photo -> reason), and whether there may be many."""
    for name in ("image", "output"):
        if getattr(options, name) is None:
            raise UserError(f"inpaint needs --{name}; inpaint-tf inpaint --help shows the whole call.")
    if options.overwrite and options.resume:
        raise UserError("--overwrite and --resume contradict each other; give one.")
    image = pathlib.Path(options.image)
    if not image.exists():
        raise UserError(f"{image} does not exist.")
    is_list = image.suffix.lower() in LIST_SUFFIXES and image.is_file()
    if options.alpha_as_mask and (options.mask is not None or is_list):
        raise UserError("--alpha_as_mask replaces --mask and the masks of a list; give one.")
    if options.mask is None and not options.alpha_as_mask and not is_list:
        raise UserError("inpaint needs --mask (or --alpha_as_mask); bright pixels of the mask are filled.")
    if options.mask is not None and is_list:
        raise UserError(f"the list {image} names the masks; leave out --mask.")
    extras = {
        "coarse": options.output_coarse,
        "flow": options.output_flow,
        "side_by_side": options.side_by_side,
        "plan": options.show_plan,
    }
    extras = {name: path for name, path in extras.items() if path is not None}
    if is_list and options.guide is not None:
        raise UserError(f"--guide goes with a photo or a folder of photos, not with the list {image}.")
    if is_list:
        return *list_jobs(image, options.output, extras), True
    if image.is_dir():
        if options.mask is not None and not pathlib.Path(options.mask).exists():
            raise UserError(f"{options.mask} does not exist.")
        return *folder_jobs(image, options.mask, options.output, extras, options.guide), True
    return [single_job(image, options.mask, options.output, extras, options.guide)], {}, False


def _without_existing(jobs, options):
    """Jobs left to do, and outputs that exist and are kept. Raises UserError if it is not said what to do with them."""
    if options.overwrite:
        return jobs, []
    existing = [path for job in jobs for path in job.outputs() if path.exists()]
    if existing and not options.resume:
        others = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UserError(
            f"{existing[0]}{others} exists already; --overwrite replaces what exists, --resume keeps it and does the "
            "rest."
        )
    todo = [job for job in jobs if not all(path.exists() for path in job.outputs())]
    return todo, [job.output for job in jobs if job not in todo]


def _inpainter(options):
    use_device(options.device)
    from inpaint_tf.inference.inpainter import Inpainter

    if options.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    return Inpainter.from_preset(
        options.preset,
        attention=options.attention,
        plan=options.plan,
        memory_budget=parse_bytes(options.memory_budget, "memory_budget"),
        blend=options.blend,
    )
