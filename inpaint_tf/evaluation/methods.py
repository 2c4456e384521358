"""The methods that an evaluation compares, by name, with one interface (`evaluation.method.Method`).

Classical methods go by their names (`evaluation.classical.CLASSICAL`); "preset:NAME_OR_FOLDER" is a model's own output
through the same `Inpainter` that people use; with "+poisson" after it the same with Poisson blending, with "+patches"
what people get from the bundled presets (`VARIANTS`); "folder:" and "command:" are results from outside
(`evaluation.outside`).
"""

from collections.abc import Sequence
from typing import Any

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.classical import CLASSICAL
from inpaint_tf.evaluation.method import Completion, Method
from inpaint_tf.evaluation.outside import COMMAND, FOLDER, outside_method

PRESET = "preset:"
# What may follow a preset's name -> how its Inpainter is made. Without, it is the network's own output, whatever the
# preset recommends.
VARIANTS = {
    "+poisson": {"detail": "none", "working_size": "full", "blend": "poisson"},
    "+patches": {"detail": "patches", "working_size": "auto", "blend": "poisson"},
}
PLAIN = {"detail": "none", "working_size": "full", "blend": "none"}


def method_named(name: str, precision: str = "float32") -> Method:
    """The `Method` of a name.

    Args:
        name: A key of `CLASSICAL`, or "preset:" and a bundled preset's name or a preset folder[, and a key of
            `VARIANTS`].
        precision: Arithmetic of presets, see `models.precision`.

    Raises:
        UserError: for an unknown name or preset, or a method whose package is not installed.
    """
    if name.startswith(PRESET):
        return _preset(name, precision)
    if name.startswith((FOLDER, COMMAND)):
        return outside_method(name)
    if name not in CLASSICAL:
        raise UserError(
            f"unknown method {name!r}; known: {', '.join(CLASSICAL)}, preset:NAME, preset:FOLDER, "
            "folder:NAME=PATH, command:NAME=WORDS."
        )
    classical = CLASSICAL[name]
    return Method(name, classical.version(), lambda image, hole: Completion(classical.complete(image, hole)))


def methods_named(names: Sequence[str], precision: str = "float32") -> list[Method]:
    """The `Method`s of a list of names, all checked before any runs. Raises UserError also for a name given twice."""
    if not names:
        raise UserError(f"no methods given; known: {', '.join(CLASSICAL)}, preset:NAME, preset:FOLDER.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"methods given twice: {', '.join(twice)}.")
    return [method_named(name, precision) for name in names]


def _preset(name, precision):
    # Imported here: a comparison of classical methods needs no model.
    from inpaint_tf.inference.inpainter import Inpainter
    from inpaint_tf.models.presets import preset_folder, read_config

    suffix = next((suffix for suffix in VARIANTS if name.endswith(suffix)), "")
    place = name[len(PRESET) :].removesuffix(suffix) or None
    settings: dict[str, Any] = VARIANTS.get(suffix, PLAIN)
    config = read_config(preset_folder(place))
    inpainter = Inpainter.from_preset(place, precision=precision, **settings)

    def run(image, hole):
        result = inpainter.run(image, hole)
        return Completion(result.completed, result.offsets)

    fingerprint = f"{config.model} {config.sha256}"
    if settings["blend"] != "none":
        from inpaint_tf.inference import blending, limits

        fingerprint += f" blend={settings['blend']}, {blending.DESCRIPTION}, {limits.DESCRIPTION}"
    if settings["detail"] == "patches":
        from inpaint_tf.inference import guided_patches

        fingerprint += f" working_size=auto patches {guided_patches.fingerprint()}"
    if precision != "float32":
        fingerprint += f" {precision}"
    return Method(name, fingerprint, run, warm_up=True)
