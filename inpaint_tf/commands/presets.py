"""Lists the presets that ship with the package, shows one, or shares one on the Hugging Face hub.

  inpaint-tf presets                                                  (or: presets list)
  inpaint-tf presets show photos
  inpaint-tf presets show hf://organisation/name
  inpaint-tf presets push runs/mine/preset hf://organisation/name     (needs `hf auth login` once)

Every --preset takes hf://organisation/name, too; what was fetched is kept, and HF_HUB_OFFLINE=1 uses that alone.
"""

import pathlib

from absl import flags

from inpaint_tf.errors import UserError

SUMMARY = "list the bundled presets, show one, push one"


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_boolean("private", False, "push: make a new repository private.", flag_values=values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    match arguments:
        case [] | ["list"]:
            return _list()
        case ["show", name]:
            return _show(name)
        case ["push", folder, place]:
            return _push(folder, place, options.private)
    raise UserError(
        "presets takes list (or no word), show PRESET, or push FOLDER hf://organisation/name; got "
        f"{' '.join(arguments)}."
    )


def _list() -> int:
    from inpaint_tf.models.presets import BUNDLED, DEFAULT_PRESET, bundled_presets

    for name in bundled_presets():
        print(_line(BUNDLED / name, name + (" (default)" if name == DEFAULT_PRESET else "")))
    return 0


def _show(name: str) -> int:
    from inpaint_tf.models.presets import preset_folder

    folder = preset_folder(name)
    print(_line(folder, name))
    card = folder / "MODEL_CARD.md"
    print("\n" + card.read_text(encoding="utf-8", errors="replace").rstrip() if card.is_file() else "It has no card.")
    return 0


def _push(folder: str, place: str, private: bool) -> int:
    from inpaint_tf.models.hub import push
    from inpaint_tf.models.presets import preset_folder, read_config, read_weights

    found = preset_folder(folder)
    read_weights(found, read_config(found))
    print(push(found, place, private))
    return 0


def _line(folder: pathlib.Path, name: str) -> str:
    from inpaint_tf.models.presets import read_config

    config = read_config(folder)
    size = (folder / "weights.npz").stat().st_size / 1e6
    settings = ", ".join(f"{key} {value}" for key, value in config.config.items())
    return f"{name}: {config.model}, {settings}, {size:.1f} MB\n    {config.summary or config.source}"
