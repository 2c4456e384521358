"""Runs methods over a protocol's images and keeps a row for each: measures, time, the completed picture.

Rows are files of their own, written aside and renamed, so that a run that is interrupted resumes where it was, a second
run of the same thing computes nothing, and several processes or machines may each compute some of them in one folder.
Each carries a key of manifest, method, its fingerprint and the measures' version, and is used again only for the same.
A method that fails on an image leaves its error there and continues with the next one; errors are tried again by the
next run.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import pathlib
import re
import time
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from inpaint_tf.data.image_files import write_image
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation import protocols
from inpaint_tf.evaluation.method import Case, Method
from inpaint_tf.evaluation.metrics import measure
from inpaint_tf.evaluation.protocols import ImageSource
from inpaint_tf.files import make_folder, write_bytes
from inpaint_tf.masks.manifest import Manifest
from inpaint_tf.progress import progress
from inpaint_tf.provenance import device, revision
from inpaint_tf.schema import any_value, finite, integer, mapping, nullable, read_json, record, text
from inpaint_tf.visualize.flow import draw_hole_flow

# Of what `metrics.measure` gives; rows of another version are measured anew.
MEASURES_VERSION = 2
_ABOUT = record({"device": text, "revision": text}, others=True)
_ROW = record(
    {
        "key": text,
        "entry": integer(0),
        "terms": nullable(mapping(any_value)),
        "wall_seconds": nullable(finite(0)),
        "cpu_seconds": nullable(finite(0)),
        "error": nullable(text),
        "workers": integer(1),
    }
)


@dataclasses.dataclass(frozen=True)
class Row:
    """What a method did on one entry.

    Attributes:
        entry: Number of the entry in the manifest.
        terms: Result of `metrics.measure`; None if it failed.
        wall_seconds, cpu_seconds: Time of the call; None if it failed.
        error: One line, or None.
        workers: How many processes worked at the same time, which makes each of them slower.
    """

    entry: int
    terms: dict[str, list[float]] | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    error: str | None = None
    workers: int = 1


@dataclasses.dataclass(frozen=True)
class MethodRun:
    """A method's rows over a manifest.

    Attributes:
        method: Its name.
        rows: A `Row` for every entry, in order.
        folder: Where its rows and pictures are.
        device, revision, fingerprint: Of the run that made them.
        computed: How many rows this run had to compute.
    """

    method: str
    rows: tuple[Row, ...]
    folder: pathlib.Path
    device: str
    revision: str
    fingerprint: str
    computed: int

    @property
    def failed(self) -> "list[Row]":
        """The rows that are errors."""
        return [row for row in self.rows if row.error is not None]

    def picture(self, entry: int) -> pathlib.Path:
        """File of the completed picture of entry number `entry`."""
        return self.folder / f"{entry:05d}.png"

    def flow(self, entry: int) -> pathlib.Path:
        """File of the attention flow of entry number `entry`; exists for models with attention only."""
        return self.folder / f"{entry:05d}_flow.png"


class EntryRunner:
    """A method that is run on one entry of a manifest after the other.

    Args:
        method: `method.Method`.
        manifest: `masks.manifest.Manifest` with images.
        source: `protocols.ImageSource`.
        mask_folder: Folder of the mask set.
        output: Folder that keeps the rows, below `cache/`.
        workers: How many processes do this at the same time.

    Attributes:
        folder: Where its rows and pictures are.
        about: What is known of the run that made them: device and revision, among others.

    Raises:
        UserError: if the folder cannot be written, or what is there cannot be read.
    """

    def __init__(
        self,
        method: Method,
        manifest: Manifest,
        source: ImageSource,
        mask_folder: str | pathlib.Path,
        output: str | pathlib.Path,
        workers: int = 1,
    ) -> None:
        self._method, self._manifest, self._source, self._mask_folder = method, manifest, source, mask_folder
        self._workers, self._warm = workers, not method.warm_up
        self._masks_of = collections.Counter(entry.photo.name for entry in manifest.entries)
        self.folder = pathlib.Path(output) / "cache" / folder_name(method.name)
        self.about, self._key = _open_cache(self.folder, method, manifest)

    def kept(self, number: int) -> Row | None:
        """The row of entry `number` that is there; None if there is none of this key, it is an error, or damaged."""
        try:
            content = read_json(self._row_file(number), "a row", _ROW)
        except UserError:
            return None
        usable = content.pop("key") == self._key and content["entry"] == number
        row = Row(**content)
        picture = self.folder / f"{number:05d}.png"
        return row if usable and row.error is None and row.terms is not None and picture.exists() else None

    def compute(self, number: int) -> Row:
        """Runs the method on entry `number` and keeps the row. Raises UserError if its image or mask cannot be used."""
        entry = self._manifest.entries[number]
        image, hole = protocols.load(entry, self._source, self._mask_folder)
        case = Case(number, entry.photo.name, image, hole.pixels, self._masks_of[entry.photo.name] == 1)
        if not self._warm:
            _warm_up(self._method, case)
            self._warm = True
        row = dataclasses.replace(_compute(self._method, case, hole, self.folder), workers=self._workers)
        content = {"key": self._key, **dataclasses.asdict(row)}
        write_bytes(self._row_file(number), json.dumps(content).encode())
        return row

    def _row_file(self, number: int) -> pathlib.Path:
        return self.folder / f"{number:05d}.json"


def run_method(
    method: Method,
    manifest: Manifest,
    source: ImageSource,
    mask_folder: str | pathlib.Path,
    output: str | pathlib.Path,
    given_up: Mapping[int, str] = MappingProxyType({}),
) -> MethodRun:
    """A method over all entries of a manifest.

    Args:
        method, manifest, source, mask_folder, output: See `EntryRunner`.
        given_up: Number of an entry -> why it is not to be tried here: it took other processes down, say.

    Returns:
        A `MethodRun`.

    Raises:
        UserError: if an image or mask is missing or not the manifest's, or the folder cannot be written.
    """
    runner = EntryRunner(method, manifest, source, mask_folder, output)
    rows, computed = [], 0
    for number in progress(range(len(manifest.entries)), len(manifest.entries), f"{method.name}: image"):
        row = Row(number, error=given_up[number]) if number in given_up else runner.kept(number)
        if row is None:
            row = runner.compute(number)
            computed += 1
        rows.append(row)
    device_name, made_by = runner.about["device"], runner.about["revision"]
    return MethodRun(method.name, tuple(rows), runner.folder, device_name, made_by, method.fingerprint, computed)


def folder_name(method: str) -> str:
    """A method's name as a folder's: what is no letter or digit becomes "_", and then a hash keeps names apart."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "_", method)
    return plain if plain == method else f"{plain}_{hashlib.sha256(method.encode()).hexdigest()[:6]}"


def _compute(method, case, hole, folder):
    number, image = case.number, case.image
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        completion = method.complete(case)
        seconds = time.perf_counter() - wall, time.process_time() - cpu
        _check_completion(completion.pixels, image, hole.pixels)
    except Exception as error:  # Whatever a method may raise: the others still run.
        return Row(number, error=" ".join(f"{type(error).__name__}: {error}".split())[:300])
    write_image(folder / f"{number:05d}.png", completion.pixels)
    flow = folder / f"{number:05d}_flow.png"
    if completion.offsets is not None:
        write_image(flow, draw_hole_flow(completion.offsets, hole.pixels))
    else:
        flow.unlink(missing_ok=True)  # Of another version of the method.
    return Row(number, measure(image, completion.pixels, hole), *seconds)


def _check_completion(completed, image, hole):
    if not isinstance(completed, np.ndarray) or completed.shape != image.shape or completed.dtype != np.uint8:
        raise ValueError("the method did not give a uint8 image of the input's size")
    if not np.array_equal(completed[~hole], image[~hole]):
        raise ValueError("the method changed known pixels")


def _warm_up(method, case):
    # What fails here fails again, and is reported, when it counts.
    with contextlib.suppress(Exception):
        method.complete(case)


def _open_cache(folder, method, manifest):
    """Makes the folder for this method. Returns what is known of the run that made its rows, and their key."""
    what = {
        "method": method.name,
        "fingerprint": method.fingerprint,
        "manifest": manifest.hash,
        "measures": MEASURES_VERSION,
    }
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    about_file = folder / "method.json"
    make_folder(folder)
    if about_file.exists():
        about = read_json(about_file, "what a cache is of", _ABOUT, f"Remove {folder}, or give another --output.")
        if all(about.get(name) == value for name, value in what.items()):
            return about, key
    about = {**what, "device": device(), "revision": revision()}
    write_bytes(about_file, json.dumps(about, indent=1).encode())
    return about, key
