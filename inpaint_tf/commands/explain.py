"""Completes a photo and shows where every pixel came from.

  inpaint-tf explain --image=photo.jpg --mask=mask.png --output=why/
  inpaint-tf explain --image=photo.jpg --mask=mask.png --at=420,310 --output=why/

The folder gets the fill and its stages (coarse, network, completed), flow pictures with their colour wheel, arrows
from sources to pixels, an animation, and sources.npy: the row and column that every pixel was copied from. With --at, a
pixel of the hole as column,row: the same for it, and what the network's attention compared it with: weights, and scores
before and after propagation between neighbours.
"""

import pathlib

from absl import flags

from inpaint_tf.data.image_files import read_hole, read_photo
from inpaint_tf.data.mask_layout import laid_on_photo
from inpaint_tf.errors import UserError
from inpaint_tf.pixels import LINE_THRESHOLD
from inpaint_tf.tensorflow_loading import load_tensorflow

SUMMARY = "where every filled pixel came from: pictures, heat maps, an animation"


def define_flags(values: flags.FlagValues) -> None:
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    string("preset", "Preset: a bundled name (inpaint-tf presets lists them) or a folder. Default: the default preset.")
    string("image", "Photo.")
    string("mask", "Mask of the photo's size. Bright is hole.")
    string("guide", "Sketch that leads a guided model, bright lines on dark.")
    string("at", "A pixel of the hole to ask about: column,row.")
    string("output", "Folder for the pictures; made if it is missing.")
    string("working_size", "auto, full, or pixels: see inpaint-tf inpaint. Default: the preset's word.")
    flags.DEFINE_enum(
        "detail",
        None,
        ["none", "patches"],
        "Fine detail: the network's, or copied. Default: the preset's word.",
        flag_values=values,
    )
    flags.DEFINE_enum("blend", None, ["none", "poisson"], "How the fill meets what surrounds it.", flag_values=values)
    for name, text in (("invert_mask", "Dark is hole."), ("overwrite", "Write into a folder that is not empty.")):
        flags.DEFINE_boolean(name, False, text, flag_values=values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"explain takes flags only; got {' '.join(arguments)}.")
    for name in ("image", "mask", "output"):
        if getattr(options, name) is None:
            raise UserError(f"explain needs --{name}; inpaint-tf explain --help shows the whole call.")
    output = pathlib.Path(options.output)
    if output.is_dir() and any(output.iterdir()) and not options.overwrite:
        raise UserError(f"{output} is not empty; name another folder, or --overwrite replaces what has the same name.")
    at = _pixel(options.at)
    photo = read_photo(options.image)
    hole, notes = laid_on_photo(read_hole(options.mask, options.invert_mask), photo, f"mask {options.mask}")
    guide = None
    if options.guide is not None:
        lines = read_hole(options.guide, threshold=LINE_THRESHOLD)
        guide, more = laid_on_photo(lines, photo, f"guide {options.guide}")
        notes += more
    load_tensorflow()
    from inpaint_tf.inference.explain import check_pixel, explain
    from inpaint_tf.inference.inpainter import Inpainter

    check_pixel(at, hole)
    inpainter = Inpainter.from_preset(
        options.preset, detail=options.detail, working_size=options.working_size, blend=options.blend
    )
    explanation = explain(photo.rgb, hole, at, inpainter=inpainter, guide=guide)
    for path in explanation.write(output):
        print(path)
    for sentence in (*notes, *explanation.sentences()):
        print(sentence)
    return 0


def _pixel(word):
    """ "420,310" -> (420, 310); None stays None. Raises UserError."""
    if word is None:
        return None
    parts = [part.strip() for part in word.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise UserError(f"--at must be column,row, for example 420,310; got {word!r}.")
    return int(parts[0]), int(parts[1])
