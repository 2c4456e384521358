"""Lists the presets that ship with the package; one of them is the default of every command."""

from inpaint_tf.errors import UserError

SUMMARY = "list the bundled presets"


def define_flags(values):
    """No flags of its own."""


def run(options, arguments):
    from inpaint_tf.models.presets import BUNDLED, DEFAULT_PRESET, bundled_presets, read_config

    if arguments:
        raise UserError(f"presets takes no words; got {' '.join(arguments)}.")
    for name in bundled_presets():
        config = read_config(BUNDLED / name)
        size = (BUNDLED / name / "weights.npz").stat().st_size / 1e6
        settings = ", ".join(f"{key} {value}" for key, value in config.config.items())
        default = " (default)" if name == DEFAULT_PRESET else ""
        print(f"{name}{default}: {config.model}, {settings}, {size:.1f} MB\n    {config.summary}")
    return 0
