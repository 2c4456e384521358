"""The flags of `inpaint-tf inpaint`; a worker process reads the same ones."""

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag, define_precision_flag


def define_flags(values: flags.FlagValues) -> None:
    """Defines them on `values`."""

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
