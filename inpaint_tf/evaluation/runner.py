"""Runs methods over a protocol's images and keeps a row for each: measures, time, the completed picture.

Rows are files of their own, written aside and renamed, so that a run that is interrupted resumes where it was, and a
second run of the same thing computes nothing. They are used again only if manifest, method, its fingerprint and the
measures' version are the same. A method that fails on an image leaves its error there and continues with the next one;
errors are tried again by the next run.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import pathlib
import re
import time

import numpy as np

from inpaint_tf.data.image_files import write_image
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation import protocols
from inpaint_tf.evaluation.methods import Case, Method
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
        "entry": integer(0),
        "terms": nullable(mapping(any_value)),
        "wall_seconds": nullable(finite(0)),
        "cpu_seconds": nullable(finite(0)),
        "error": nullable(text),
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
    """

    entry: int
    terms: dict[str, list[float]] | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    error: str | None = None


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


def run_method(
    method: Method, manifest: Manifest, source: ImageSource, mask_folder: str | pathlib.Path, output: pathlib.Path
) -> MethodRun:
    """A method over all entries of a manifest.

    Args:
        method: `methods.Method`.
        manifest: `masks.manifest.Manifest` with images.
        source: `protocols.ImageSource`.
        mask_folder: Folder of the mask set.
        output: Folder that keeps the rows, below `cache/`.

    Returns:
        A `MethodRun`.

    Raises:
        UserError: if an image or mask is missing or not the manifest's, or the folder cannot be written.
    """
    folder = pathlib.Path(output) / "cache" / folder_name(method.name)
    about = _open_cache(folder, method, manifest)
    rows, computed, warm = [], 0, not method.warm_up
    masks_of = collections.Counter(entry.photo.name for entry in manifest.entries)
    for number, entry in enumerate(progress(manifest.entries, len(manifest.entries), f"{method.name}: image")):
        row = _read_row(folder, number)
        if row is None:
            image, hole = protocols.load(entry, source, mask_folder)
            case = Case(number, entry.photo.name, image, hole.pixels, masks_of[entry.photo.name] == 1)
            if not warm:
                _warm_up(method, case)
                warm = True
            row = _compute(method, case, hole, folder)
            write_bytes(_row_file(folder, number), json.dumps(dataclasses.asdict(row)).encode())
            computed += 1
        rows.append(row)
    return MethodRun(method.name, tuple(rows), folder, about["device"], about["revision"], method.fingerprint, computed)


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
    if completion.offsets is not None:
        write_image(folder / f"{number:05d}_flow.png", draw_hole_flow(completion.offsets, hole.pixels))
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
    """Makes the folder for this method; rows that another method, manifest or version left are removed."""
    key = {
        "method": method.name,
        "fingerprint": method.fingerprint,
        "manifest": manifest.hash,
        "measures": MEASURES_VERSION,
    }
    about_file = folder / "method.json"
    make_folder(folder)
    if about_file.exists():
        about = read_json(about_file, "what a cache is of", _ABOUT, f"Remove {folder}, or give another --output.")
        if all(about.get(name) == value for name, value in key.items()):
            return about
    try:
        for stale in [*folder.glob("[0-9]*.json"), *folder.glob("[0-9]*.png")]:
            stale.unlink()
    except OSError as error:
        raise UserError(f"cannot use {folder}: {error}; remove it or give another --output.") from error
    about = {**key, "device": device(), "revision": revision()}
    write_bytes(about_file, json.dumps(about, indent=1).encode())
    return about


def _row_file(folder, number):
    return folder / f"{number:05d}.json"


def _read_row(folder, number):
    """The row that is there; None if there is none, it is an error, or it is damaged."""
    try:
        row = Row(**read_json(_row_file(folder, number), "a row", _ROW))
    except UserError:
        return None
    usable = row.error is None and row.terms is not None and row.entry == number
    return row if usable and (folder / f"{number:05d}.png").exists() else None
