"""One evaluation from images to report: what `inpaint-tf evaluate` does, for Python."""

import collections
import pathlib
from collections.abc import Sequence
from typing import Any

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation import protocols
from inpaint_tf.evaluation.feature_metrics import FeatureNetwork, HedNetwork
from inpaint_tf.evaluation.feature_results import feature_lines, lpips_lines
from inpaint_tf.evaluation.lpips import Lpips
from inpaint_tf.evaluation.method import Method
from inpaint_tf.evaluation.report import write_report
from inpaint_tf.evaluation.results import difference_lines, result_lines
from inpaint_tf.evaluation.runner import MethodRun, run_method
from inpaint_tf.evaluation.sharing import Engine, Share, compute_part
from inpaint_tf.masks.manifest import Manifest, check_mask_files, read_hole, read_manifest, write_mask_set


def evaluate(
    source: protocols.ImageSource,
    output: pathlib.Path,
    methods: Sequence[Method],
    protocol: protocols.Protocol | None = None,
    masks: pathlib.Path | None = None,
    network: FeatureNetwork | HedNetwork | None = None,
    lpips: Lpips | None = None,
    engine: Engine | None = None,
) -> tuple[list[MethodRun], list[dict[str, Any]], pathlib.Path]:
    """Runs methods over a protocol, or over a mask set made earlier, and writes the report.

    Args:
        source: `protocols.ImageSource`.
        output: Folder for mask set, rows and report. It may hold those of an earlier run with the same manifest.
        methods: `method.Method`s.
        protocol: `protocols.Protocol`; may be None if there are masks.
        masks: Folder of a mask set with images (`inpaint-tf masks make --protocol`); None makes the protocol's.
        network: `HedNetwork` or `FeatureNetwork` for the feature distance, FID, KID, U-IDS and P-IDS, or None.
        lpips: A network with calibrated heads, or None.
        engine: Computes rows on other processes, see `sharing`; None computes them here.

    Returns:
        The `runner.MethodRun`s, the lines of `results.jsonl`, and the path of the report's page.

    Raises:
        UserError: for missing or damaged images or masks (named before anything runs), a mask set of another protocol,
            or an output folder that holds another manifest.
    """
    output = pathlib.Path(output)
    manifest = prepare_masks(source, output, protocol, masks, methods)
    given_up = {}
    if engine is not None:
        given_up = compute_part(methods, manifest, source, output, Share(engine=engine)).given_up

    def load(entry):
        return protocols.load(manifest.entries[entry], source, output)

    def read(run, row):
        image, hole = load(row.entry)
        return image, read_photo(run.picture(row.entry)).rgb, hole.pixels

    runs = [run_method(method, manifest, source, output, output, given_up.get(method.name, {})) for method in methods]
    lines = result_lines(manifest, runs)
    if network is not None:
        lines += feature_lines(manifest, runs, network, read)
    if lpips is not None:
        lines += lpips_lines(manifest, runs, lpips, read)
    page = write_report(output, manifest, runs, lines, difference_lines(manifest, runs), load)
    return runs, lines, page


def prepare_masks(
    source: protocols.ImageSource,
    output: pathlib.Path,
    protocol: protocols.Protocol | None = None,
    masks: pathlib.Path | None = None,
    methods: Sequence[Method] = (),
) -> Manifest:
    """Works out a protocol, or reads a mask set, lets methods look at it, and puts its masks into the output folder.

    Args and errors: as of `evaluate`.
    """
    if masks is None:
        if protocol is None:
            raise ValueError("a protocol or a mask set is needed.")
        manifest, holes = protocols.prepare(protocol, source)
    else:
        manifest = _check_mask_set(masks, protocol, source)
        holes = [read_hole(masks, entry) for entry in manifest.entries]
    masks_of = collections.Counter(entry.photo.name for entry in manifest.entries)
    names = [entry.photo.name for entry in manifest.entries]
    for method in methods:
        if method.check is not None:
            method.check([(number, name, masks_of[name] == 1) for number, name in enumerate(names)])
    # The folder keeps a copy: results say what they were measured on.
    write_mask_set(output, manifest, holes)
    return manifest


def _check_mask_set(masks, protocol, source):
    manifest = read_manifest(masks)
    if protocol is not None and protocol.name != manifest.name:
        raise UserError(f"the masks of {masks} are for {manifest.name}, not {protocol.name}; drop --protocol.")
    images = [entry.image for entry in manifest.entries if entry.image is not None]
    if len(images) < len(manifest.entries):
        raise UserError(
            f"the mask set {masks} names no images; make one with inpaint-tf masks make --protocol=... --images=..."
        )
    check_mask_files(masks, manifest)
    source.check([image.name for image in images])
    return manifest
