"""The authors' TensorFlow 1 checkpoints <-> presets.

A checkpoint is a prefix like `snap-0` with an `.index` and a `.data` file next to each other. It holds the generator
under `inpaint_net/`, the critics under `discriminator/`, and in training snapshots optimiser slots and counters.
Variables are matched by name; each one is loaded, kept or named as left, and nothing is guessed from an order.

The generator becomes a preset. Whatever else there is goes along unread into `other_variables.npz`, so the way back
rewrites the whole checkpoint bit for bit.
"""

import dataclasses
import hashlib
import io
import math
import pathlib

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError, reading, reason
from inpaint_tf.files import new_files, regular_bytes
from inpaint_tf.models.presets import (
    assign_weights,
    check_shapes,
    named_variables,
    preset_folder,
    read_config,
    read_weights,
    save_preset,
)
from inpaint_tf.models.registry import build_model
from inpaint_tf.models.weights_file import check_values

_GENERATOR = "inpaint_net/"
_OTHERS = "other_variables.npz"
# The authors read images with OpenCV.
# What the papers' models were trained on: 256x256 with holes of up to 128x128.
AUTHORS_SIDES = {"image": 256, "hole": 128}
AUTHORS_CHANNEL_ORDER = "BGR"


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What `checkpoint_to_preset` did.

    Attributes:
        model: Name of the model in the registry.
        width: Its base width.
        loaded: Number of generator variables.
        kept: Names of the other variables, kept for the way back.
    """

    model: str
    width: int
    loaded: int
    kept: tuple[str, ...]


def authors_name(name: str, upsample: bool) -> str:
    """ "coarse/conv1/kernel" -> "inpaint_net/conv1/kernel"; upsampling layers carry a second level of name."""
    _, layer, kind = name.split("/")
    return f"{_GENERATOR}{layer}/{layer}_conv/{kind}" if upsample else f"{_GENERATOR}{layer}/{kind}"


def authors_names(model: keras.Model) -> dict[str, str]:
    """Name of every variable of a two-stage generator -> the authors' name of it."""
    upsampling = {conv.name for stack in model.network.stacks for conv in stack.convs if conv.upsample}
    return {name: authors_name(name, name.split("/")[1] in upsampling) for name in named_variables(model)}


def checkpoint_to_preset(
    checkpoint: str | pathlib.Path, folder: str | pathlib.Path, dtype: str | None = None
) -> Conversion:
    """Turns an authors' checkpoint into a preset folder.

    Args:
        checkpoint: Prefix (".../snap-0") or the folder that holds one.
        folder: Preset folder to write; must not exist or be empty.
        dtype: Type to store the generator in, e.g. "float16"; None keeps float32.

    Returns:
        A `Conversion`.

    Raises:
        UserError: if there is no such checkpoint, or a generator variable is missing, extra or misshapen.
    """
    prefix = find_checkpoint(checkpoint)
    arrays = _read_checkpoint(prefix)
    shapes = {name: array.shape for name, array in arrays.items()}
    generator = {name for name in shapes if name.startswith(_GENERATOR) and not _is_slot(name)}
    check_values({name: arrays[name] for name in generator}, prefix, "Get the checkpoint again.")
    model_name, width = _recognise(shapes, prefix)
    with reading(prefix, "a generator's checkpoint"):
        model = build_model(model_name, width=width)
    names = authors_names(model)
    expected = {names[name]: tuple(variable.shape) for name, variable in named_variables(model).items()}
    check_shapes(expected, {name: shapes[name] for name in generator}, str(prefix))
    assign_weights(model, {ours: arrays[theirs] for ours, theirs in names.items()}, str(prefix))

    kept = sorted(set(shapes) - generator)
    others = io.BytesIO()
    np.savez(others, allow_pickle=False, **{name: arrays[name] for name in kept})
    save_preset(
        folder,
        model,
        model_name,
        {"width": width},
        AUTHORS_CHANNEL_ORDER,
        source=f"authors' checkpoint {prefix.name}, SHA-256 of its data {_sha256_of_data(prefix)}",
        dtype=dtype,
        trained_on=AUTHORS_SIDES,
        extra_files={_OTHERS: others.getvalue()} if kept else None,
    )
    return Conversion(model_name, width, len(names), tuple(kept))


def preset_to_checkpoint(preset: str | pathlib.Path | None, prefix: str | pathlib.Path) -> list[str]:
    """Writes a preset in the authors' layout.

    Args:
        preset: Name of a bundled preset, or a folder.
        prefix: Checkpoint prefix to write, e.g. "out/snap-0".

    Returns:
        Names of the variables written.

    Raises:
        UserError: if the preset cannot be loaded, has another channel order than the authors' checkpoints, or the
            checkpoint exists already or cannot be written.
    """
    prefix = pathlib.Path(prefix)
    if _index(prefix).exists():
        raise UserError(f"checkpoint {prefix} exists already; name another prefix.")
    folder = preset_folder(preset)
    config = read_config(folder)
    if config.channel_order != AUTHORS_CHANNEL_ORDER:
        raise UserError(
            f"preset {folder} was trained on {config.channel_order} images, the authors' code feeds "
            f"{AUTHORS_CHANNEL_ORDER}: its weights would be used wrongly there. Only presets with channel_order "
            f"{AUTHORS_CHANNEL_ORDER} can be written in their layout."
        )
    model = build_model(config.model, **config.config)
    if len(model.network.stages) != 2:
        raise UserError(f"the authors' code has no {config.model}; its layout is for two-stage generators.")
    names = authors_names(model)
    weights = read_weights(folder, config)
    arrays = {names[name]: array.astype(np.float32) for name, array in weights.items()}
    if (folder / _OTHERS).exists():
        with (
            reading(folder / _OTHERS, "a checkpoint's other variables"),
            np.load(io.BytesIO(regular_bytes(folder / _OTHERS)), allow_pickle=False) as others,
        ):
            arrays |= {name: others[name] for name in others.files}
    _write_checkpoint(prefix, arrays)
    return sorted(arrays)


def find_checkpoint(checkpoint: str | pathlib.Path) -> pathlib.Path:
    """Prefix of the checkpoint that a prefix, one of its files or a folder stands for. Raises UserError if none."""
    path = pathlib.Path(checkpoint)
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) == 1:
            return found[0].with_suffix("")
        with reading(path / "checkpoint", "TensorFlow's list of checkpoints", "Name a checkpoint by its prefix."):
            latest = tf.train.latest_checkpoint(str(path)) if found else None
        # The list may name any place; what was given is this folder.
        if latest is not None and pathlib.Path(latest).parent.resolve() == path.resolve():
            return pathlib.Path(latest)
        raise UserError(
            f"{path} holds {len(found)} checkpoints{''.join(f' {p.stem}' for p in found)}; "
            + ("name one by its prefix." if found else "a checkpoint has an .index and a .data file.")
        )
    prefix = path.with_suffix("") if path.suffix == ".index" or ".data-" in path.name else path
    if not _index(prefix).exists():
        raise UserError(f"there is no checkpoint {prefix}: {_index(prefix)} does not exist.")
    if not list(prefix.parent.glob(f"{prefix.name}.data-*")):
        raise UserError(f"checkpoint {prefix} is incomplete: its .data file is missing.")
    return prefix


def _recognise(shapes, prefix):
    """Model name and width from the variables that tell them.

    The first layer's channels are the width in every version. DeepFill v2 gates: its second layer reads half of them.
    A guided model's first layer reads one channel more.
    """
    first = shapes.get(f"{_GENERATOR}conv1/kernel")
    if first is None or len(first) != 4:
        raise UserError(f"{prefix} is no generator checkpoint: {_GENERATOR}conv1/kernel is missing.")
    second = shapes.get(f"{_GENERATOR}conv2_downsample/kernel", ())
    if len(second) == 4 and 2 * second[2] == first[-1]:
        return ("deepfill_v2_guided" if first[2] == 6 else "deepfill_v2"), first[-1]
    has_attention = any(name.startswith(f"{_GENERATOR}pmconv") for name in shapes)
    return ("deepfill_v1" if has_attention else "deepfill_v1_baseline"), first[-1]


def _is_slot(name):
    """Whether a name is that of an optimiser's or an averager's slot: <variable>/<optimiser>."""
    return name.split("/")[-1] not in ("kernel", "bias")


def _read_checkpoint(prefix):
    """Name -> array of all variables. Raises UserError for a checkpoint that is damaged or none."""
    size = sum(path.stat().st_size for path in prefix.parent.glob(f"{prefix.name}.data-*"))
    with reading(prefix, "a TensorFlow checkpoint", "Get it again."):
        for path in prefix.parent.glob(f"{prefix.name}.*"):
            if not path.is_file():
                raise ValueError(f"{path.name} is no regular file")
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
        # A damaged index may ask for more than there is, and for more than memory.
        if sum(math.prod(shape) for shape in shapes.values()) > size:
            raise ValueError("its index names more values than its data can hold")
        return {name: np.asarray(reader.get_tensor(name)) for name in shapes}


def _write_checkpoint(prefix, arrays):
    names = sorted(arrays)
    tensors = [tf.constant(arrays[name]) for name in names]
    try:
        # The index goes last: it is what makes a checkpoint one.
        with new_files(prefix.parent, last=".index") as partial:
            tf.raw_ops.SaveV2(
                prefix=str(partial / prefix.name),
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=tensors,
            )
    except tf.errors.OpError as error:
        raise UserError(f"cannot write checkpoint {prefix}: {reason(error)}.") from error


def _index(prefix):
    return prefix.parent / f"{prefix.name}.index"


def _sha256_of_data(prefix):
    digest = hashlib.sha256()
    for path in sorted(prefix.parent.glob(f"{prefix.name}.data-*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
