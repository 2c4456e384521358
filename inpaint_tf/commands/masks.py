"""Makes mask sets and looks at them.

  inpaint-tf masks make --protocol=free_form --images=photos/ --output=maskset/
  inpaint-tf masks make --kind=brush --count=100 --height=512 --width=512 --area=0.1:0.3 --seed=7 --output=maskset/
  inpaint-tf masks show maskset/ --output=contact.png

A set is a folder of PNG files (255 = hole) and a manifest with their hashes. A protocol's set belongs to its images and
serves `inpaint-tf evaluate --masks`; a set of a kind stands for itself.
"""

import pathlib

import numpy as np
from absl import flags

from inpaint_tf.data.image_files import check_writable, write_image
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.protocols import ImageSource, prepare, protocol_named
from inpaint_tf.masks.manifest import (
    Manifest,
    check_mask_files,
    mask_entry,
    read_hole,
    read_manifest,
    write_mask_set,
)
from inpaint_tf.masks.sets import KINDS, area_bin, brush_hole
from inpaint_tf.visualize.grids import comparison_grid, thumbnail

SUMMARY = "make and look at mask sets: masks make, masks show"
_COLUMNS, _MOST_SHOWN, _SIDE = 8, 64, 128


def define_flags(values: flags.FlagValues) -> None:
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    def integer(name, default, text):
        flags.DEFINE_integer(name, default, text, lower_bound=0, flag_values=values)

    string("output", "make: folder of the set. show: picture to write.")
    string("protocol", "make: an evaluation protocol; needs --images.")
    string("images", "make: folder or list of images for the protocol.")
    flags.DEFINE_enum("kind", None, list(KINDS), "make: kind of masks without images.", flag_values=values)
    integer("count", 100, "make --kind: number of masks.")
    integer("height", 256, "make --kind: height in pixels.")
    integer("width", 256, "make --kind: width in pixels.")
    integer("seed", 0, "make --kind: seed of all draws.")
    string("area", "make --kind=brush: range for the share of the area, for example 0.1:0.2.")


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments[:1] == ["make"] and len(arguments) == 1:
        return _make(options)
    if arguments[:1] == ["show"] and len(arguments) == 2:
        return _show(pathlib.Path(arguments[1]), options)
    raise UserError("masks needs one of: masks make --output=FOLDER ..., masks show FOLDER [--output=PICTURE].")


def _make(options):
    if options.output is None:
        raise UserError("masks make needs --output, the folder of the set.")
    if (options.protocol is None) == (options.kind is None):
        raise UserError(f"masks make needs either --protocol with --images, or --kind ({', '.join(KINDS)}).")
    if options.protocol is not None:
        if options.images is None:
            raise UserError(f"protocol {options.protocol} needs --images, a folder or list of images.")
        manifest, holes = prepare(protocol_named(options.protocol), ImageSource(options.images))
    else:
        manifest, holes = _of_kind(options)
    write_mask_set(options.output, manifest, holes)
    print(f"{len(holes)} masks of {manifest.name}, manifest {manifest.hash}, in {options.output}")
    return 0


def _of_kind(options):
    if min(options.count, options.height, options.width) < 1:
        raise UserError("--count, --height and --width must be at least 1.")
    make, settings = KINDS[options.kind], {}
    if options.area is not None:
        if options.kind != "brush":
            raise UserError("--area is for --kind=brush.")
        settings["area"] = _range(options.area)

        def make(height, width, random):
            return brush_hole(height, width, random, settings["area"])

    holes = [
        make(options.height, options.width, np.random.default_rng((options.seed, number)))
        for number in range(options.count)
    ]
    entries = tuple(mask_entry(number, hole) for number, hole in enumerate(holes))
    return Manifest(options.kind, options.seed, settings, entries), holes


def _show(folder, options):
    if options.output is not None:
        check_writable(options.output)
    manifest = read_manifest(folder)
    check_mask_files(folder, manifest)
    areas = np.array([entry.area for entry in manifest.entries])
    print(f"{manifest.name}: {len(areas)} masks, seed {manifest.seed}, manifest {manifest.hash}")
    if not len(areas):
        return 0
    print(f"area: mean {areas.mean():.3f}, least {areas.min():.3f}, most {areas.max():.3f}")
    bins, counts = np.unique([area_bin(area) for area in areas], return_counts=True)
    for name, count in zip(bins, counts, strict=True):
        print(f"  {name}: {count}")
    # Reading checks every file against its hash.
    holes = [read_hole(folder, entry) for entry in manifest.entries]
    if options.output is not None:
        write_image(options.output, _contact_sheet(holes[:_MOST_SHOWN]))
        print(f"{min(len(holes), _MOST_SHOWN)} masks drawn: {options.output}")
    return 0


def _contact_sheet(holes):
    tiles = []
    for hole in holes:
        tile = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
        mask = thumbnail(np.repeat(hole.pixels.astype(np.uint8)[..., np.newaxis] * 255, 3, axis=-1), _SIDE)
        tile[: mask.shape[0], : mask.shape[1]] = mask
        tiles.append(tile)
    columns = min(_COLUMNS, len(tiles))
    tiles += [None] * (-len(tiles) % columns)
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return comparison_grid([""] * columns, rows)


def _range(text):
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise UserError(f"--area={text} is no range; give for example --area=0.1:0.2.") from None
    if not 0 <= low < high <= 1:
        raise UserError(f"--area={text}: shares must obey 0 <= low < high <= 1.")
    return [low, high]
