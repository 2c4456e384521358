"""The authors' TensorFlow 1 checkpoint becomes a preset folder, or a preset goes back into their layout.

inpaint-tf convert --checkpoint=snap-0 --output=places2_authors
inpaint-tf convert --preset=places2_authors --output_checkpoint=back/snap-0
"""

from absl import flags

from inpaint_tf.errors import UserError
from inpaint_tf.tensorflow_loading import load_tensorflow

SUMMARY = "the authors' checkpoint -> preset folder, and back"


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("checkpoint", None, "Prefix of the authors' checkpoint, or its folder.", flag_values=values)
    flags.DEFINE_string("output", None, "Preset folder to write.", flag_values=values)
    flags.DEFINE_enum(
        "dtype", "float32", ["float32", "float16"], "Type to store the preset's weights in.", flag_values=values
    )
    flags.DEFINE_string("preset", None, "Preset (name or folder) to write as a checkpoint.", flag_values=values)
    flags.DEFINE_string("output_checkpoint", None, "Checkpoint prefix to write.", flag_values=values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"convert takes flags only; got {' '.join(arguments)}.")
    there, back = (options.checkpoint, options.output), (options.preset, options.output_checkpoint)
    if (None in there) == (None in back):
        raise UserError("convert needs either --checkpoint and --output, or --preset and --output_checkpoint.")

    load_tensorflow()
    from inpaint_tf.convert.authors_checkpoint import checkpoint_to_preset, preset_to_checkpoint

    if None not in there:
        done = checkpoint_to_preset(*there, options.dtype)
        print(f"{options.output}: {done.model}, width {done.width}, {done.loaded} variables.")
        if done.kept:
            print(f"Not part of the generator, kept for the way back: {', '.join(done.kept)}.")
    else:
        names = preset_to_checkpoint(*back)
        print(f"{options.output_checkpoint}: {len(names)} variables in the authors' layout.")
    return 0
