"""Presets: a model's weights and everything needed to use them, in one folder.

A preset folder holds `config.json` (model name, constructor arguments, channel order, source, SHA-256 of the weights),
`weights.npz` (one array a variable, under the variable's name) and usually `MODEL_CARD.md`. Variables are matched by
name, never by position, and the weights are checked against the SHA-256 before they are used.
"""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_tf.errors import UserError, name_some, reading
from inpaint_tf.files import regular_bytes, write_folder
from inpaint_tf.models.hub import fetched_folder, is_hub_place
from inpaint_tf.models.registry import MODELS, build_model, open_arguments
from inpaint_tf.models.weights_file import ADVICE, check_values, read_arrays
from inpaint_tf.schema import any_value, either, integer, matching, nullable, one_of, optional, read_json, record, text

if TYPE_CHECKING:
    import keras

    from inpaint_tf.models.generator import Generator

BUNDLED = pathlib.Path(__file__).parent.parent / "weights"
DEFAULT_PRESET = "photos"
CHANNEL_ORDERS = ("RGB", "BGR")
_CONFIG, _WEIGHTS = "config.json", "weights.npz"
# So many variables that do not fit are named.
_MOST_PROBLEMS = 10


@dataclasses.dataclass(frozen=True)
class PresetConfig:
    """What `config.json` says.

    Attributes:
        model: Name in the registry, e.g. "deepfill_v1".
        config: Constructor arguments of the model, e.g. {"width": 32}.
        channel_order: "RGB" or "BGR", the order the weights were trained with.
        source: Where the weights come from.
        sha256: Of `weights.npz`.
        summary: One line for listings: data, terms.
        detail, working_size, blend: What `Inpainter` does with these weights if nobody says otherwise, see there. The
            defaults give the network's own output on the photo as it is, which reproduction needs.
        trained_on: {"image": side, "hole": side} in pixels, of the largest squares that training showed; working size
            "auto" is reckoned from it. None if it is not known.
    """

    model: str
    config: dict[str, Any]
    channel_order: str
    source: str
    sha256: str = ""
    summary: str = ""
    detail: str = "none"
    working_size: str | int = "full"
    blend: str = "none"
    trained_on: dict[str, int] | None = None


# What a field of `config.json` may hold; one without an entry here may hold anything.
_FIELDS = {
    "model": one_of(*sorted(MODELS)),
    "config": record({"width": optional(integer(1, 4096)), "attention_form": optional(text)}, others=True),
    "channel_order": one_of(*CHANNEL_ORDERS),
    "source": text,
    "sha256": matching("[0-9a-f]{64}", "a SHA-256, 64 hexadecimal digits"),
    "summary": optional(text),
    "detail": optional(one_of("none", "patches")),
    "working_size": optional(either(integer(8, 2**16), one_of("auto", "full"))),
    "blend": optional(one_of("none", "poisson")),
    "trained_on": optional(nullable(record({"image": integer(16, 2**16), "hole": integer(1, 2**16)}))),
}
_SCHEMA = record(
    {field.name: _FIELDS.get(field.name, optional(any_value)) for field in dataclasses.fields(PresetConfig)}
)


def bundled_presets() -> list[str]:
    """Names of the presets that ship with the package, sorted."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{_CONFIG}"))


def preset_folder(name_or_folder: str | os.PathLike | None = None) -> pathlib.Path:
    """Finds a preset.

    Args:
        name_or_folder: Name of a bundled preset, a folder, or "hf://organisation/name" (see `models.hub`); None is
            the default preset.

    Returns:
        The preset's folder.

    Raises:
        UserError: if there is none, listing those there are.
    """
    name = DEFAULT_PRESET if name_or_folder is None else name_or_folder
    if is_hub_place(name):
        return fetched_folder(str(name))
    for folder in (BUNDLED / str(name), pathlib.Path(name)):
        if (folder / _CONFIG).is_file():
            return folder
    raise UserError(
        f"preset {str(name)!r} is neither a bundled preset ({', '.join(bundled_presets()) or 'none'}) "
        f"nor a folder with a {_CONFIG}, nor hf://organisation/name."
    )


def read_config(folder: str | os.PathLike) -> PresetConfig:
    """The `PresetConfig` of a preset folder. Raises UserError if it cannot be understood."""
    path = pathlib.Path(folder) / _CONFIG
    config = PresetConfig(**read_json(path, "a preset's configuration", _SCHEMA))
    if unknown := sorted(set(config.config) - open_arguments(config.model)):
        known = ", ".join(sorted(open_arguments(config.model)))
        raise UserError(f"{path}: model {config.model} has no {name_some(unknown, 5)}; config takes {known}.")
    return config


def load_preset(name_or_folder: str | os.PathLike | None = None, **overrides: Any) -> "tuple[Generator, PresetConfig]":
    """Builds a preset's model and loads its weights.

    Args:
        name_or_folder: See `preset_folder`.
        **overrides: Constructor arguments that don't change the weights, e.g. `attention_form`; a model that has no
            such argument is built without.

    Returns:
        The Keras model and its `PresetConfig`.

    Raises:
        UserError: for an unknown preset, a wrong checksum, or a missing, extra or misshapen variable.
    """
    folder = preset_folder(name_or_folder)
    config = read_config(folder)
    arrays = read_weights(folder, config)
    _check_width(config, arrays, folder)
    known = open_arguments(config.model)
    overrides = {name: value for name, value in overrides.items() if name in known}
    with reading(folder / _CONFIG, "a preset's configuration"):
        model = build_model(config.model, **{**config.config, **overrides})
    assign_weights(model, arrays, source=str(folder / _WEIGHTS))
    return model, config


def _check_width(config: PresetConfig, arrays: Mapping[str, np.ndarray], folder: pathlib.Path) -> None:
    """Refuses a width that the weights cannot have before a model of that size is built."""
    widest = max((array.shape[-1] for array in arrays.values() if array.ndim == 4), default=0)
    if (width := config.config.get("width") or 0) > widest:
        raise UserError(f"{folder / _CONFIG} says width {width}, but no layer of {_WEIGHTS} is wider than {widest}.")


def read_weights(folder: str | os.PathLike, config: PresetConfig) -> dict[str, np.ndarray]:
    """Name -> finite float array of a preset's variables, after checking the SHA-256. Raises UserError."""
    path = pathlib.Path(folder) / _WEIGHTS
    with reading(path, "a preset's weights", ADVICE):
        content = regular_bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != config.sha256:
        raise UserError(
            f"{path} is corrupt: its SHA-256 is {found[:12]}..., {_CONFIG} says {config.sha256[:12]}...; "
            "get the preset again."
        )
    return read_arrays(content, path)


def named_variables(model: "keras.Model") -> "dict[str, keras.Variable]":
    """Name -> Keras variable of a model, e.g. "coarse/conv1/kernel": the path inside the model."""
    return {variable.path.split("/", 1)[1]: variable for variable in model.variables}


def assign_weights(model: "keras.Model", arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Gives a model its weights by name.

    Args:
        model: A built Keras model.
        arrays: Name -> array.
        source: What to call the arrays in an error.

    Raises:
        UserError: naming every missing, extra or misshapen variable; the model is then unchanged.
    """
    variables = named_variables(model)
    check_shapes(
        {name: tuple(variable.shape) for name, variable in variables.items()},
        {name: array.shape for name, array in arrays.items()},
        source,
    )
    for name, variable in variables.items():
        variable.assign(arrays[name].astype(np.float32))


def check_shapes(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Compares name -> shape of what a model needs with what a file holds. Raises UserError naming the differences."""
    problems = [f"{name} {expected[name]} is missing" for name in sorted(set(expected) - set(found))]
    problems += [f"{name} {found[name]} is not of this model" for name in sorted(set(found) - set(expected))]
    problems += [
        f"{name} has shape {tuple(found[name])}, the model needs {tuple(expected[name])}"
        for name in sorted(set(expected) & set(found))
        if tuple(expected[name]) != tuple(found[name])
    ]
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise UserError(f"{source} does not fit the model: {'; '.join(problems[:_MOST_PROBLEMS])}{more}.")


def save_preset(
    folder: str | os.PathLike,
    model: "keras.Model",
    model_name: str,
    model_config: dict[str, Any],
    channel_order: str,
    source: str,
    *,
    summary: str = "",
    dtype: str | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    extra_files: Mapping[str, bytes] | None = None,
    trained_on: dict[str, int] | None = None,
    recommended: Mapping[str, Any] | None = None,
) -> None:
    """Writes a preset folder, aside first and then renamed.

    Args:
        folder: Where to; must not exist or be empty.
        model: The built Keras model.
        model_name: Its name in the registry.
        model_config: Its constructor arguments beyond those that the name fixes.
        channel_order: "RGB" or "BGR".
        source: Where the weights come from, one line.
        summary: One line for listings.
        dtype: Type to store floats in, e.g. "float16"; None keeps float32.
        weights: Name -> array to store instead of the model's own values (averaged weights, say).
        extra_files: File name -> bytes that go into the folder too.
        trained_on: See `PresetConfig`.
        recommended: "detail", "working_size" and "blend" of `PresetConfig`, as far as they aren't the defaults.

    Raises:
        UserError: if the folder is not empty or cannot be written, or `weights` doesn't fit the model.
    """
    folder = pathlib.Path(folder)
    variables = named_variables(model)
    if weights is None:
        weights = {name: variable.numpy() for name, variable in variables.items()}
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    check_shapes(shapes, {name: array.shape for name, array in weights.items()}, "weights")
    check_values(weights, f"the model for {folder}", "Nothing was written.")
    content = io.BytesIO()
    stored = {name: array.astype(dtype or array.dtype) for name, array in weights.items()}
    np.savez_compressed(content, **stored)  # pyright: ignore[reportArgumentType]
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    config = PresetConfig(
        model_name, model_config, channel_order, source, digest, summary, trained_on=trained_on, **(recommended or {})
    )
    files = {
        _WEIGHTS: content.getvalue(),
        _CONFIG: (json.dumps(dataclasses.asdict(config), indent=2) + "\n").encode(),
        **(extra_files or {}),
    }
    write_folder(folder, files)
