"""Where training photos come from: files or TFRecord shards, both as numbered, encoded images.

Random access by number is what lets a run resume exactly where it stopped: which photo comes at which position is pure
arithmetic (see `pipeline`), so nothing has to be replayed. TFRecord shards get it by an index of their records, made
by hopping from header to header.
"""

import dataclasses
import glob
import hashlib
import os
import pathlib
import re
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from inpaint_tf.data import tfrecords, unpacked
from inpaint_tf.data.image_files import READABLE
from inpaint_tf.data.photo_lists import is_run_folder, read_list, scan_folder
from inpaint_tf.data.regular_files import check_regular
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.progress import progress

IMAGE_KEY, NAME_KEY = "image/encoded", "image/filename"
# Where other writers of records put the encoded photo, TensorFlow Datasets first.
IMAGE_KEYS = (IMAGE_KEY, "image", "image_raw", "jpeg", "png", "encoded", "image_bytes")
# "x.tfrecord", "x.tfrecord-00000-of-00002", "train-00000-of-01024", each perhaps with .gz.
_SHARD_NAME = re.compile(r".*(\.tfrecords?(-\d+-of-\d+)?|-\d{5}-of-\d{5})(\.gz)?", re.IGNORECASE)
_SHARDS = ".tfrecord, -00000-of-00001"


class Fingerprint(str):
    """A hash of what the training data is: names, sizes and order of the files, wherever they lie.

    Attributes:
        earlier: The hash that earlier versions took, of whole paths.
    """

    earlier: str

    def __new__(cls, content: str, earlier: str) -> "Fingerprint":
        made = super().__new__(cls, content)
        made.earlier = earlier
        return made

    def matches(self, known: str) -> bool:
        """Whether a run's record of its data, by this version or an earlier one, says the same."""
        return known in (str(self), self.earlier)


class FileSource:
    """Photos in files of their own.

    Args:
        paths: Sequence of paths.
        notes: What was left out when they were looked for, a line each.
    """

    def __init__(self, paths: Sequence[str | pathlib.Path], notes: Sequence[str] = ()) -> None:
        self.paths = [str(path) for path in paths]
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """What to call photo `index`."""
        return self.paths[index]

    def read(self, index: int) -> bytes:
        """Encoded bytes of photo `index`. Raises OSError."""
        return pathlib.Path(self.paths[index]).read_bytes()

    def header(self, index: int) -> str:
        """What `decoding.picture_size` takes of photo `index`. Raises OSError, or UserError if it is no file."""
        if not os.path.exists(self.paths[index]):
            raise FileNotFoundError(self.paths[index])
        check_regular(self.paths[index])
        return self.paths[index]

    def subset(self, indices: Iterable[int]) -> "FileSource":
        """A source of some of the photos."""
        return FileSource([self.paths[index] for index in indices])

    def fingerprint(self) -> Fingerprint:
        """A `Fingerprint`: tells one set of training data from another."""
        return Fingerprint(_hash(_names_and_sizes(self.paths)), _hash(self.paths))


@dataclasses.dataclass(frozen=True)
class RecordSource:
    """Photos in TFRecord shards of `tf.train.Example` with the feature "image/encoded", or another of `IMAGE_KEYS`.

    Attributes:
        shards: Paths of the shards.
        files: Where each is read: itself, or its unpacked copy (`unpacked`).
        notes: What was done when they were opened, a line each.
        shard: int [N], number of every photo's shard.
        offset: int [N], where its record's content begins.
        length: int [N], its bytes.
    """

    shards: tuple[str, ...]
    files: tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    notes: tuple[str, ...] = ()

    @classmethod
    def scan(cls, shards: Sequence[str | pathlib.Path]) -> "RecordSource":
        """Finds all records by their headers, after unpacking compressed shards. Raises UserError for a damaged one."""
        files, shard, offset, length = [], [], [], []
        for number, path in enumerate(progress(shards, len(shards), "shard")):
            compressed = unpacked.is_compressed(path)
            files.append(str(unpacked.unpacked(path) if compressed else path))
            try:
                for start, size in tfrecords.places(files[-1]):
                    shard.append(number)
                    offset.append(start)
                    length.append(size)
            except UserError as error:
                if not compressed:
                    raise
                raise UserError(f"{printable(path)}, unpacked: {error}") from error
        names, notes = tuple(map(str, shards)), []
        if packed := [file for file, name in zip(files, names) if file != name]:
            megabytes = sum(os.path.getsize(file) for file in packed) / 2**20
            notes.append(
                f"compressed shards ({len(packed)}) are read from {printable(unpacked.cache_folder())}, "
                f"{megabytes:,.1f} MiB; it may be removed afterwards."
            )
        indices = (np.array(values, int) for values in (shard, offset, length))
        return cls(names, tuple(files), *indices, notes=tuple(notes))

    def __len__(self) -> int:
        return len(self.shard)

    def name(self, index: int) -> str:
        """What to call photo `index`."""
        return f"{self.shards[self.shard[index]]}, byte {self.offset[index]}"

    def read(self, index: int) -> bytes:
        """Encoded bytes of photo `index`. Raises OSError or ValueError."""
        content = tfrecords.read(self.files[self.shard[index]], int(self.offset[index]), int(self.length[index]))
        try:
            feature = tf.train.Example.FromString(content).features.feature
        except Exception as error:  # Protocol buffers' own error is of a package that is not a dependency by name.
            raise ValueError(f"the record is no tf.train.Example: {reason(error)}") from error
        for key in IMAGE_KEYS:
            if key in feature and feature[key].bytes_list.value:
                return feature[key].bytes_list.value[0]
        raise ValueError(f"the record has none of the features {', '.join(IMAGE_KEYS)}")

    header = read

    def subset(self, indices: Iterable[int]) -> "RecordSource":
        """A source of some of the photos."""
        indices = np.asarray(indices, int)
        return RecordSource(self.shards, self.files, self.shard[indices], self.offset[indices], self.length[indices])

    def fingerprint(self) -> Fingerprint:
        """A `Fingerprint` of the shards and the records' places."""
        places = [f"{s} {o}" for s, o in zip(self.shard, self.offset)]
        return Fingerprint(_hash([*_names_and_sizes(self.shards), *places]), _hash([*self.shards, *places]))


def open_source(spec: str, root: str = "") -> FileSource | RecordSource:
    """Finds training data.

    Args:
        spec: A TFRecord shard or a glob of them, a folder (photos at any depth, or shards), a glob of photos, or a
            list as `photo_lists` reads it. Hidden files and folders of runs are no photos.
        root: Folder that relative paths of a list start from; empty means the list's own.

    Returns:
        A `FileSource` or `RecordSource`, not empty.

    Raises:
        UserError: if there is nothing, or shards and photos are mixed.
    """
    if not spec:
        raise UserError("--train_data is missing: name a list of files, a folder, a glob or TFRecord shards.")
    path, notes = pathlib.Path(os.path.expanduser(spec)), ()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_shard(file) and not _is_left_out(file, path))
        wanted = f"photos ({' '.join(READABLE)}) or TFRecord shards ({_SHARDS})"
        if not files:
            scan = scan_folder(path, recursive=True, skip=is_run_folder)
            notes = [*scan.summary(), *(f"{printable(file)} {why}" for file, why in scan.unreadable.items())]
            files = scan.photos
    elif path.is_file() and path.suffix.lower() not in READABLE and not _is_shard(path):
        files, wanted = _listed(path, root), "paths, one per line"
    else:
        found = [pathlib.Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
        fixed = _fixed_part(path)
        files = _once([file for file in found if file.is_file() and not _is_left_out(file, fixed)])
        wanted = "a file, a folder, or a glob that matches files"
    if not files:
        raise UserError(f"--train_data={printable(spec)} yields no file; needed: {wanted}.")
    are_shards = {_is_shard(file) for file in files}
    if len(are_shards) > 1:
        raise UserError(f"--train_data={printable(spec)} mixes photos and TFRecord shards; name one kind.")
    if not are_shards.pop():
        return FileSource(files, notes)
    source = RecordSource.scan(files)
    if not len(source):
        raise UserError(f"--train_data={printable(spec)}: {len(files)} shards hold no record.")
    return source


def _is_shard(file):
    return _SHARD_NAME.fullmatch(file.name) is not None and file.suffix.lower() not in READABLE and file.is_file()


def _is_left_out(file, root):
    """Whether a file is hidden, or in a hidden folder or that of a run, below `root`."""
    try:
        parts = file.relative_to(root).parts
    except ValueError:
        parts = (file.name,)
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return True
    folders = [root.joinpath(*parts[:count]) for count in range(1, len(parts))]
    return any(map(is_run_folder, folders))


def _once(files):
    """Without the files of folders that were met before under another path, as links make them."""
    first = {}
    return [file for file in files if first.setdefault(os.path.realpath(file.parent), file.parent) == file.parent]


def _fixed_part(pattern):
    """The folder before the first part of a glob that has a wildcard."""
    fixed = []
    for part in pattern.parts[:-1]:
        if any(mark in part for mark in "*?["):
            break
        fixed.append(part)
    return pathlib.Path(*fixed)


def _listed(path, root):
    """Files of a list, repeats too: they are to be seen more often. A line that names nothing is a missing file."""
    found = read_list(path, (1,), root, keep_repeats=True)
    if found.bad and not found.rows:
        number, why = next(iter(found.bad.items()))
        raise UserError(f"{printable(path)}, line {number}: {why}.")
    rows = {row.number: row.paths[0] for row in found.rows}
    bad = {number: path.parent / f"line {number} ({why})" for number, why in found.bad.items()}
    return [file for _, file in sorted({**rows, **bad}.items())]


def _names_and_sizes(paths):
    """A line for each file: its path from the folder that holds all, and its size; -1 if it is missing."""
    parents = {os.path.dirname(os.path.abspath(path)) for path in paths}
    common = os.path.commonpath(parents) if parents else ""
    for path in paths:
        try:
            size = os.stat(path).st_size
        except OSError:
            size = -1
        yield f"{os.path.relpath(os.path.abspath(path), common)} {size}"


def _hash(lines):
    digest = hashlib.sha256()
    for line in lines:
        digest.update(os.fsencode(line) + b"\n")
    return digest.hexdigest()[:16]
