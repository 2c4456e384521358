"""Where training photos come from: files or TFRecord shards, both as numbered, encoded images.

Random access by number is what lets a run go on exactly where it stopped: which photo comes at which position is pure
arithmetic (see `pipeline`), so nothing has to be replayed. TFRecord shards get it by an index of their records, made
by hopping from header to header.
"""

import dataclasses
import glob
import hashlib
import pathlib

import numpy as np
import tensorflow as tf

from inpaint_tf.data import tfrecords
from inpaint_tf.errors import UserError, reason

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
RECORD_SUFFIXES = (".tfrecord", ".tfrecords")
IMAGE_KEY, NAME_KEY = "image/encoded", "image/filename"


class FileSource:
    """Photos in files of their own.

    Args:
        paths: Sequence of paths.
    """

    def __init__(self, paths):
        self.paths = [str(path) for path in paths]

    def __len__(self):
        return len(self.paths)

    def name(self, index):
        """What to call photo `index`."""
        return self.paths[index]

    def read(self, index):
        """Encoded bytes of photo `index`. Raises OSError."""
        return pathlib.Path(self.paths[index]).read_bytes()

    def read_start(self, index, size=1 << 16):
        """The first bytes of photo `index`, enough for its header. Raises OSError."""
        with open(self.paths[index], "rb") as file:
            return file.read(size)

    def subset(self, indices):
        """A source of some of the photos."""
        return FileSource([self.paths[index] for index in indices])

    def fingerprint(self):
        """Hash of the names in their order: tells one set of training data from another."""
        return _hash(self.paths)


@dataclasses.dataclass(frozen=True)
class RecordSource:
    """Photos in TFRecord shards of `tf.train.Example` with the feature "image/encoded".

    Attributes:
        shards: Paths of the shards.
        shard: int [N], number of every photo's shard.
        offset: int [N], where its record's content begins.
        length: int [N], its bytes.
    """

    shards: tuple[str, ...]
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray

    @classmethod
    def scan(cls, shards):
        """Finds all records by their headers. Raises UserError for a damaged shard."""
        shard, offset, length = [], [], []
        for number, path in enumerate(shards):
            for start, size in tfrecords.places(path):
                shard.append(number)
                offset.append(start)
                length.append(size)
        return cls(tuple(map(str, shards)), np.array(shard, int), np.array(offset, int), np.array(length, int))

    def __len__(self):
        return len(self.shard)

    def name(self, index):
        """What to call photo `index`."""
        return f"{self.shards[self.shard[index]]}, byte {self.offset[index]}"

    def read(self, index):
        """Encoded bytes of photo `index`. Raises OSError or ValueError."""
        content = tfrecords.read(self.shards[self.shard[index]], int(self.offset[index]), int(self.length[index]))
        try:
            feature = tf.train.Example.FromString(content).features.feature
        except Exception as error:  # Protocol buffers' own error is of a package that is not a dependency by name.
            raise ValueError(f"the record is no tf.train.Example: {reason(error)}") from error
        if IMAGE_KEY not in feature or not feature[IMAGE_KEY].bytes_list.value:
            raise ValueError(f"the record has no feature {IMAGE_KEY}")
        return feature[IMAGE_KEY].bytes_list.value[0]

    read_start = read

    def subset(self, indices):
        """A source of some of the photos."""
        indices = np.asarray(indices, int)
        return RecordSource(self.shards, self.shard[indices], self.offset[indices], self.length[indices])

    def fingerprint(self):
        """Hash of the shards' names and the records' places."""
        return _hash([*self.shards, *(f"{s} {o}" for s, o in zip(self.shard, self.offset))])


def open_source(spec, root=""):
    """Finds training data.

    Args:
        spec: A TFRecord shard or a glob of them, a folder (photos at any depth, or shards), a glob of photos, or a
            text file with one path a line. Empty lines and lines that begin with # are skipped.
        root: Folder that relative paths of a list start from; empty means the list's own.

    Returns:
        A `FileSource` or `RecordSource`, not empty.

    Raises:
        UserError: if there is nothing, or shards and photos are mixed.
    """
    if not spec:
        raise UserError("--train_data is missing: name a list of files, a folder, a glob or TFRecord shards.")
    path = pathlib.Path(spec)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        shards = [file for file in files if file.suffix.lower() in RECORD_SUFFIXES]
        files = shards or [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES]
        wanted = f"photos ({' '.join(PHOTO_SUFFIXES)}) or TFRecord shards ({' '.join(RECORD_SUFFIXES)})"
    elif path.is_file() and path.suffix.lower() not in (*PHOTO_SUFFIXES, *RECORD_SUFFIXES):
        files, wanted = read_list(path, root), "paths, one a line"
    else:
        files = [pathlib.Path(name) for name in sorted(glob.glob(str(spec), recursive=True))]
        files, wanted = [file for file in files if file.is_file()], "a file, a folder, or a glob that matches files"
    if not files:
        raise UserError(f"--train_data={spec} yields no file; needed: {wanted}.")
    are_shards = {file.suffix.lower() in RECORD_SUFFIXES for file in files}
    if len(are_shards) > 1:
        raise UserError(f"--train_data={spec} mixes photos and TFRecord shards; name one kind.")
    if not are_shards.pop():
        return FileSource(files)
    source = RecordSource.scan(files)
    if not len(source):
        raise UserError(f"--train_data={spec}: {len(files)} shards hold no record.")
    return source


def read_list(path, root=""):
    """Paths of a list file, relative ones joined to `root` or the list's folder. Raises UserError if it isn't text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no list of files: {error}.") from error
    base = pathlib.Path(root) if root else path.parent
    return [base / line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _hash(lines):
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]
