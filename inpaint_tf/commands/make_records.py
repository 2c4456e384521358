"""Packs training photos into TFRecord shards for `inpaint-tf train --train_data=FOLDER`.

inpaint-tf make_records --train_data=places2.txt --output=records/ --shards=128
inpaint-tf make_records --train_data=photos/ --output=records/ --shards=8 --short_side=256
inpaint-tf make_records --train_data="other/train.tfrecord-*" --output=records/ --compression=gzip

Shards are called photos-00000-of-00008.tfrecord (.gz), hold tf.train.Example with image/encoded and image/filename, and
are read by tf.data.TFRecordDataset and whatever reads these. Photos of another writer's shards, compressed or not, are
found under the keys that docs/formats.md lists.
"""

from absl import flags

from inpaint_tf.errors import UserError
from inpaint_tf.tensorflow_loading import load_tensorflow

SUMMARY = "pack training photos into TFRecord shards"


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "train_data",
        None,
        "Photos: a list (one path a line), a folder, a glob, or TFRecord shards of any writer.",
        flag_values=values,
    )
    flags.DEFINE_string("data_root", "", "Folder that relative paths of a list start from.", flag_values=values)
    flags.DEFINE_string("output", None, "Folder for the shards; must not exist or be empty.", flag_values=values)
    flags.DEFINE_integer("shards", 16, "Number of shards.", lower_bound=1, upper_bound=99_999, flag_values=values)
    flags.DEFINE_integer(
        "short_side",
        0,
        "Scale larger photos down to this shorter side (JPEG, quality 95); 0 keeps all as they are.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "compression",
        "none",
        ["none", "gzip"],
        "Of the shards. gzip is for tools that want it: encoded photos get no smaller, and training unpacks first.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "check_data", "decode", ["header", "decode", "off"], "How photos are checked first.", flag_values=values
    )
    flags.DEFINE_float(
        "bad_data_limit",
        0.01,
        "Largest share of unusable photos; fewer are left out.",
        lower_bound=0,
        upper_bound=1,
        flag_values=values,
    )


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"make_records takes flags only; got {' '.join(arguments)}.")
    if not options.train_data or not options.output:
        raise UserError("make_records needs --train_data, the photos, and --output, the folder for the shards.")
    load_tensorflow()
    from inpaint_tf.data.check import check_source
    from inpaint_tf.data.records import write_records
    from inpaint_tf.data.sources import open_source

    source = open_source(options.train_data, options.data_root)
    for note in source.notes:
        print(note)
    report = check_source(source, options.check_data, 1, options.bad_data_limit)
    if report.bad:
        print(f"{report.summary(source)}; left out")
        source = source.subset(report.good)
    paths = write_records(source, options.output, options.shards, options.short_side, options.compression)
    print(f"{len(source)} photos in {len(paths)} shards in {options.output}")
    return 0
