"""The flag --device, the same for every command that computes."""

from absl import flags


def define_device_flag(values: flags.FlagValues) -> None:
    """Defines --device; `devices.use_device` takes its value."""
    flags.DEFINE_string(
        "device",
        "auto",
        "Where to compute: auto (GPUs if there are any), cpu, gpu (fails without one), or gpu:N.",
        flag_values=values,
    )
