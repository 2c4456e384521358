"""The flags --device and --precision, the same for every command that computes."""

from absl import flags

from inpaint_tf.models.precision import PRECISIONS


def define_device_flag(values: flags.FlagValues) -> None:
    """Defines --device; `devices.use_device` takes its value."""
    flags.DEFINE_string(
        "device",
        "auto",
        "Where to compute: auto (GPUs if there are any), cpu, gpu (fails without one), or gpu:N.",
        flag_values=values,
    )


def define_precision_flag(values: flags.FlagValues) -> None:
    """Defines --precision, for `Inpainter.from_preset`."""
    flags.DEFINE_enum(
        "precision",
        "float32",
        list(PRECISIONS),
        "Arithmetic of the convolutions. tf32 and bfloat16 are for GPUs (bfloat16 also for processors that have it).",
        flag_values=values,
    )
