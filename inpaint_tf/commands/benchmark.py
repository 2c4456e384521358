"""Measures how long things take and how much memory, on this machine.

  inpaint-tf benchmark inference --sizes=512x512,1920x1080 --holes=128,256,strokes --forms=planned,literal --output=DIR
  inpaint-tf benchmark inference --saved_model=exported --tflite=exported/inpaint_256x256_float32.tflite
  inpaint-tf benchmark inference --device=gpu --paper --dilations --xla --precisions=float32,tf32,bfloat16 --output=DIR
  inpaint-tf benchmark train --output=DIR
  inpaint-tf benchmark photos --train_data=photos/ --data_workers=1,2,4,8

`inference`: one photo, by size, hole, form of the run and arithmetic; a table, JSON lines and a plot. With
--saved_model, --tflite or --onnx: exported files next to the Keras model of --preset. `train`: training steps, the
share of time spent waiting for photos, and memory. `photos`: how many training photos a second are decoded.
Close other programs first, or compare ratios only.
"""

from absl import flags

from inpaint_tf.benchmark import exported, inference
from inpaint_tf.commands.device_flag import define_device_flag
from inpaint_tf.commands.sizes import parse_bytes
from inpaint_tf.devices import use_device_in_children
from inpaint_tf.errors import UserError

SUMMARY = "latency, memory, training throughput"


def define_flags(values: flags.FlagValues) -> None:
    from inpaint_tf.benchmark import training

    inference.define_flags(values)
    exported.define_flags(values)
    training.define_flags(values)
    define_device_flag(values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    # What is measured runs in processes of its own.
    use_device_in_children(options.device)
    if arguments == ["inference"] and exported.wanted(options):
        return exported.run(options)
    if arguments == ["inference"]:
        return inference.run(options, parse_bytes(options.memory_budget, "memory_budget"))
    if arguments == ["train"]:
        from inpaint_tf.benchmark import training

        return training.run(options)
    if arguments == ["photos"]:
        from inpaint_tf.benchmark import photos

        return photos.run(options)
    raise UserError(
        f"say what to measure: inpaint-tf benchmark inference, train or photos; got {' '.join(arguments) or 'nothing'}."
    )
