"""Reads `weights.npz` as what it should be: finite floats under names, no more than fits, or one line that says why."""

import io
import os
import zipfile
from collections.abc import Mapping

import numpy as np

from inpaint_tf.errors import UserError, name_some, reading

# All arrays of a file together; the widest model known here has 0.1 GB.
MOST_BYTES = 8 * 2**30
ADVICE = "Get the preset again."


def read_arrays(content: bytes, path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file.

    Args:
        content: The file's bytes.
        path: What to call it in an error.

    Returns:
        Name -> float16, float32 or float64 array, all values finite.

    Raises:
        UserError: if it is no such file, damaged, or holds other types, NaN or infinity.
    """
    with reading(path, "a preset's weights", ADVICE):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise ValueError(f"unpacked it has more than {MOST_BYTES >> 30} GiB")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    check_values(arrays, path)
    return arrays


def check_values(arrays: Mapping[str, np.ndarray], path: str | os.PathLike, advice: str = ADVICE) -> None:
    """Raises UserError unless all arrays are floats and finite, naming those that are not."""
    others = [f"{name} ({array.dtype})" for name, array in arrays.items() if array.dtype.kind != "f"]
    if others:
        raise UserError(f"{path} holds other values than floats: {name_some(others, 3)}. {advice}")
    with np.errstate(over="ignore"):  # As float32, which models compute in.
        broken = [name for name, array in arrays.items() if not np.isfinite(array.astype(np.float32)).all()]
    if broken:
        raise UserError(f"{path} holds NaN or infinity in {name_some(broken, 3)}: these weights are broken. {advice}")
