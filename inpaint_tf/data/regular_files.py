"""Regular files only: a folder, a pipe, a device or a link to nowhere is told apart before anything is opened."""

import os
import pathlib
import stat

from inpaint_tf.errors import UserError, printable

# Larger files are no photos.
MAX_FILE_BYTES = 1 << 32


def read_file(path: str | os.PathLike, most: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file.

    Raises:
        UserError: if there is none, or it is a folder, a pipe, a device, or larger than `most` bytes.
    """
    check_regular(path, most)
    try:
        return pathlib.Path(path).read_bytes()
    except (OSError, MemoryError) as error:
        raise UserError(f"{printable(path)} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def check_regular(path: str | os.PathLike, most: int = MAX_FILE_BYTES) -> None:
    """Raises UserError unless a path is a regular file of at most so many bytes. Never opens it."""
    name = printable(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise UserError(f"{name} is a link to {printable(os.readlink(path))}, which does not exist.") from None
        raise UserError(f"{name} does not exist.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if stat.S_ISDIR(found.st_mode):
        raise UserError(f"{name} is a folder, not an image file.")
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{name} is a pipe or device; only regular files are read, so save it as one first.")
    if found.st_size == 0:
        raise UserError(f"{name} is not an image that can be read: it is empty.")
    if found.st_size > most:
        raise UserError(f"{name} has {found.st_size / 2**30:.1f} GiB; at most {most / 2**30:.1f} GiB are read.")
