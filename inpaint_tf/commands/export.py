"""Writes a preset as SavedModel, LiteRT or ONNX files, compared with the Keras model before they are put in place.

  inpaint-tf export --format=saved_model --output=served/inpaint
  inpaint-tf export --preset=photos --format=all --size=256x256,any --output=exported

SavedModels take photos of any size. LiteRT and ONNX files are for one size each (multiples of 8), or for any such size
with --size=any. Files hold the network alone: no patches, no working size, no blending. DIR/export.json says what every
file holds and how far it is from the Keras model.
"""

from absl import flags

from inpaint_tf.errors import UserError
from inpaint_tf.tensorflow_loading import load_tensorflow

SUMMARY = "preset -> SavedModel, LiteRT, ONNX"
FORMATS = ("saved_model", "litert", "onnx", "all")


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("preset", None, "Preset, name or folder; the default one if not given.", flag_values=values)
    flags.DEFINE_enum("format", "saved_model", FORMATS, "What to write.", flag_values=values)
    flags.DEFINE_string("output", None, "Folder to write; must not exist or be empty.", flag_values=values)
    flags.DEFINE_list(
        "size", ["256x256"], "For LiteRT and ONNX: WIDTHxHEIGHT in multiples of 8, or any; several.", flag_values=values
    )
    flags.DEFINE_list(
        "weights", ["float32", "float16", "int8"], "For LiteRT: how weights are stored; several.", flag_values=values
    )
    flags.DEFINE_integer("runs", 5, "Timed runs of each file.", lower_bound=1, flag_values=values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"export takes flags only; got {' '.join(arguments)}.")
    if not options.output:
        raise UserError("export needs --output, the folder to write.")

    load_tensorflow()
    from inpaint_tf.export.exporter import FORMATS as ALL
    from inpaint_tf.export.exporter import ExportOptions, export_preset

    formats = ALL if options.format == "all" else (options.format,)
    wanted = ExportOptions(formats, tuple(options.size), tuple(options.weights), options.runs)
    export_preset(options.preset, options.output, wanted, say=lambda line: print(line, flush=True))
    print(f"{options.output}: checked against the Keras model; export.json has the details.")
    return 0
