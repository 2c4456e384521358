"""The one way to write: aside under a hidden name, then renamed, so that nothing half-written is ever seen.

What is written aside bears the `owners.token` of its process. A process that was killed leaves such a file or folder
behind; the next one that writes in the same folder removes it. Of a process that may still live nothing is touched.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping

from inpaint_tf import owners
from inpaint_tf.errors import UserError

_PREFIX = ".inpaint_tf-"
# Leftovers of another machine, or of one that has started anew since, whose process cannot be asked.
_FOREIGN_AGE_SECONDS = 7 * 24 * 3600
# Below an aside folder: what `replace_folder` moved out of the way.
_REPLACED = "replaced"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2

_swept: set[tuple[int, str]] = set()
_count = 0


def regular_bytes(path: str | os.PathLike, most: int = 4 * 2**30) -> bytes:
    """The content of a regular file; a pipe, a device or a folder, which could block or never end, is not opened.

    Raises:
        OSError: if it is missing, no regular file, or has more than `most` bytes.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size >> 20} MiB, more than {most >> 20}", str(path))
    return pathlib.Path(path).read_bytes()


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes a file aside, then renames it; through a link to what it points to, straight into a pipe or device.

    Raises:
        UserError: if that fails; nothing half-written stays, and what was there before is as it was.
    """
    path = pathlib.Path(path)
    with _clear_errors(path):
        target = pathlib.Path(os.path.realpath(path)) if path.is_symlink() else path
        if _is_special(target):
            target.write_bytes(content)
            return
        with aside(target.parent, folder=False) as partial:
            # Made here, so that the user's umask decides on the mode.
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
                file.write(content)
            os.replace(partial, target)


def write_folder(folder: str | os.PathLike, files: Mapping[str, bytes]) -> None:
    """Writes name -> bytes as a new folder, aside and then renamed. Raises UserError if it is there and not empty."""
    with new_folder(folder) as partial:
        for name, content in files.items():
            (partial / name).write_bytes(content)


@contextlib.contextmanager
def new_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Context with a folder to write into; it becomes `folder` at the end, or vanishes if an exception ends it.

    Raises:
        UserError: if `folder` is there and not empty, or cannot be written.
    """
    folder = pathlib.Path(folder)
    with _clear_errors(folder):
        check_free(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with aside(folder.parent) as partial:
            made = partial / folder.name
            made.mkdir()
            yield made
            os.replace(made, folder)


@contextlib.contextmanager
def new_files(folder: str | os.PathLike, last: str = "") -> Iterator[pathlib.Path]:
    """Context with a folder to write files into; they move into `folder`, made if missing, together at the end.

    Args:
        folder: Where the files go; others of the same name are replaced.
        last: Suffix of the file that says that all are there; it moves last.

    Raises:
        UserError: if something cannot be written.
    """
    folder = pathlib.Path(folder)
    with _clear_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with aside(folder) as partial:
            yield partial
            for file in sorted(partial.iterdir(), key=lambda file: (bool(last) and file.suffix == last, file.name)):
                os.replace(file, folder / file.name)


def make_folder(folder: str | os.PathLike) -> None:
    """Makes a folder, and those above it, if they are missing. Raises UserError if that cannot be."""
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror or error}.") from error


def replace_folder(folder: str | os.PathLike, make: Callable[[pathlib.Path], None]) -> None:
    """Makes or renews a folder: `make(path)` writes it aside, then it takes the old one's place.

    Where the system can exchange two names at once there is always one of the two; elsewhere the old folder comes back
    when the next process writes there, should this one be killed between two renames.

    Raises:
        UserError: if it cannot be written; the old folder is there then.
    """
    folder = pathlib.Path(folder)
    with _clear_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with aside(folder.parent) as partial:
            made, old = partial / folder.name, partial / _REPLACED / folder.name
            make(made)
            if not folder.exists():
                os.replace(made, folder)
            elif not _exchange(made, folder):
                old.parent.mkdir()
                os.replace(folder, old)
                try:
                    os.replace(made, folder)
                except BaseException:
                    os.replace(old, folder)
                    raise


@contextlib.contextmanager
def aside(parent: str | os.PathLike, folder: bool = True) -> Iterator[pathlib.Path]:
    """Context with a hidden path in `parent`, a new folder or nothing yet; what is there at the end is removed."""
    global _count
    parent = pathlib.Path(parent)
    if (os.getpid(), str(parent)) not in _swept:
        sweep(parent)
        _swept.add((os.getpid(), str(parent)))
    _count += 1
    path = parent / f"{_PREFIX}{owners.token()}-{_count}-{os.urandom(3).hex()}"
    if folder:
        path.mkdir()
    try:
        yield path
    finally:
        _remove(path)


def sweep(folder: str | os.PathLike) -> None:
    """Removes what killed processes left aside in a folder, and puts back what they had moved out of the way."""
    folder = pathlib.Path(folder)
    try:
        leftovers = [pathlib.Path(entry.path) for entry in os.scandir(folder) if entry.name.startswith(_PREFIX)]
    except OSError:
        return
    for path in leftovers:
        if not _is_abandoned(path):
            continue
        for old in (path / _REPLACED).glob("*"):
            if not (folder / old.name).exists():
                with contextlib.suppress(OSError):
                    os.replace(old, folder / old.name)
        _remove(path)


def is_aside(path: str | os.PathLike) -> bool:
    """Whether a path bears a name that this module gives to what is not finished."""
    return pathlib.Path(path).name.startswith(_PREFIX)


def check_free(folder: str | os.PathLike) -> None:
    """Raises UserError if there is something at `folder` that is not an empty folder."""
    folder = pathlib.Path(folder)
    with _clear_errors(folder):
        if folder.is_dir():
            sweep(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} exists and is not empty; name another folder.")


def _is_abandoned(path):
    dead = owners.is_dead("-".join(path.name.removeprefix(_PREFIX).split("-")[:3]))
    if dead is not None:
        return dead
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > _FOREIGN_AGE_SECONDS
    return False


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _is_special(path):
    """Whether there is something that is neither a file nor a folder: a pipe, a terminal, /dev/null."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _exchange(one, other):
    """Exchanges two names at once. Returns False, with nothing done, where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    return rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0


@contextlib.contextmanager
def _clear_errors(path):
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error
