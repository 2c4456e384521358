"""The one way to write: aside under a hidden name, then renamed, so that nothing half-written is ever seen."""

import os
import pathlib
import shutil
import tempfile

from inpaint_tf.errors import UserError


def write_bytes(path, content):
    """Writes a file aside, then renames it. Raises UserError if that fails; nothing half-written stays."""
    path = pathlib.Path(path)
    partial = None
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except OSError as error:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_folder(folder, files):
    """Writes name -> bytes as a new folder, aside and then renamed. Raises UserError if it is there and not empty."""
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists and is not empty; name another folder.")
    partial = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        for name, content in files.items():
            (partial / name).write_bytes(content)
        partial.chmod(0o755)
        os.replace(partial, folder)
    except OSError as error:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {folder}: {error.strerror or error}.") from error
