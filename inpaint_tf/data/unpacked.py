"""Compressed TFRecord shards: found by their first bytes, whatever they are called, and unpacked once into a cache.

Training reads photos in an order of its own, at any place of a shard, which gzip does not allow. So a shard is unpacked
when it is first opened, into $XDG_CACHE_HOME/inpaint_tf/records (~/.cache without that), under a name made of its path,
size and time of change; the next run finds it there. The folder may be removed whenever no run reads from it.
"""

import gzip
import hashlib
import os
import pathlib
import shutil
import zlib

from inpaint_tf.data import tfrecords
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.files import aside, make_folder

_MAGIC = b"\x1f\x8b\x08"
_BLOCK_BYTES = 4 << 20


def is_compressed(path: str | os.PathLike) -> bool:
    """Whether a file is gzip. Raises OSError.

    A plain shard whose first record has 0x088b1f bytes begins with the same three; its header's checksum tells.
    """
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC and not tfrecords.begins_with_record(path)


def cache_folder() -> pathlib.Path:
    """Where unpacked shards are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(home) / "inpaint_tf" / "records"


def unpacked(path: str | os.PathLike) -> pathlib.Path:
    """The unpacked copy of a compressed shard, made if it is not there.

    Raises:
        UserError: if the shard is damaged or cut off, or there is no room for it; nothing half-written stays.
        OSError: if the shard cannot be read.
    """
    found = os.stat(path)
    what = f"{os.path.realpath(path)} {found.st_size} {found.st_mtime_ns}"
    folder = cache_folder()
    target = folder / f"{hashlib.sha256(os.fsencode(what)).hexdigest()[:24]}.tfrecord"
    if target.exists():
        return target
    make_folder(folder)
    with aside(folder, folder=False) as partial, open(path, "rb") as packed:
        try:
            with gzip.GzipFile(fileobj=packed) as content, open(partial, "xb") as file:
                shutil.copyfileobj(content, file, _BLOCK_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UserError(
                f"{printable(path)} is damaged or cut off: it cannot be unpacked ({reason(error)})."
            ) from error
        except OSError as error:
            raise UserError(
                f"{printable(path)} cannot be unpacked into {printable(folder)}: {reason(error)}; XDG_CACHE_HOME names "
                "another place, or unpack it with gunzip."
            ) from error
        os.replace(partial, target)
    return target
