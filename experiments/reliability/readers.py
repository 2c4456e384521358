"""Every reader of the package with a whole input of its own: what is damaged, and what reads it."""

import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable

import numpy as np
from mutations import mutate_bytes, mutate_json, mutate_png
from PIL import Image

from inpaint_tf.models.presets import BUNDLED

REPOSITORY = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Reader:
    """Something that reads files which people give.

    Attributes:
        name: Its name in the results.
        make: Function (folder) that writes a whole input.
        damage: Function (folder, generator) that damages it.
        read: Function (folder) that reads it; raises UserError if it refuses it.
    """

    name: str
    make: Callable[[pathlib.Path], None]
    damage: Callable[[pathlib.Path, np.random.Generator], None]
    read: Callable[[pathlib.Path], None]


def _photo(height=48, width=64):
    rows, columns = np.indices((height, width))
    return np.uint8(np.stack([rows * 5, columns * 3, (rows * columns) % 256], axis=-1) % 256)


def _image_reader(kind, suffix, mode="RGB", **options):
    def make(folder):
        image = Image.fromarray(_photo()).convert(mode)
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a photo"
        given = {**options, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {})}
        image.save(folder / f"photo{suffix}", kind, **given)

    def read(folder):
        from inpaint_tf.data.image_files import read_photo, write_image
        from inpaint_tf.data.mask_files import read_mask

        # Small, so that a damaged head cannot ask for more than a machine that does other work has.
        photo = read_photo(folder / f"photo{suffix}", max_pixels=2**22)
        read_mask(folder / f"photo{suffix}")
        # What was read of its metadata must be fit to be written.
        write_image(folder / "out.jpg", photo.rgb, like=photo)
        write_image(folder / "out.tif", photo.rgb, like=photo)

    damage = _damages(f"photo{suffix}", mutate_png if kind == "PNG" else mutate_bytes)
    return Reader(f"photo {kind} {mode}", make, damage, read)


def _damages(name, mutate):
    def damage(folder, rng):
        path = folder / name
        path.write_bytes(mutate(path.read_bytes(), rng))

    return damage


def _make_preset(folder):
    from inpaint_tf.models.presets import save_preset
    from inpaint_tf.models.registry import build_model

    whole = _cached(lambda path: save_preset(
        path, build_model("deepfill_v1", width=2), "deepfill_v1", {"width": 2}, "RGB", source="a test"), "preset"
    )  # fmt: skip
    shutil.copytree(whole, folder / "preset")


def _read_preset(folder):
    from inpaint_tf.models.presets import load_preset

    model, _ = load_preset(folder / "preset")
    if not all(np.isfinite(variable.numpy()).all() for variable in model.variables):
        raise AssertionError("weights that are no numbers were taken")


def _damage_weights(folder, rng):
    """Bytes of the archive, or its arrays, with the SHA-256 made right: what somebody with intent would do."""
    path = folder / "preset" / "weights.npz"
    if rng.integers(2):
        content = mutate_bytes(path.read_bytes(), rng)
    else:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        name = sorted(arrays)[rng.integers(len(arrays))]
        array = arrays[name]
        changes = (
            lambda: np.full_like(array, np.nan), lambda: array.astype(complex), lambda: array.astype(str),
            lambda: array[..., :-1], lambda: array[np.newaxis], lambda: array.astype(np.int64), lambda: np.float32(3),
            lambda: array.astype(object), lambda: np.zeros((0, 3)), lambda: array.astype(np.float64) * 1e300,
        )  # fmt: skip
        arrays[name] = changes[rng.integers(len(changes))]()
        written = io.BytesIO()
        np.savez(written, **arrays)
        content = written.getvalue()
    path.write_bytes(content)
    config = json.loads((folder / "preset" / "config.json").read_text())
    config["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "preset" / "config.json").write_text(json.dumps(config))


def _make_manifest(folder):
    from inpaint_tf.masks.manifest import ImageEntry, Manifest, mask_entry, write_mask_set
    from inpaint_tf.masks.sets import center_hole

    holes = [center_hole(160, 200)] * 3
    image = ImageEntry("a.png", "0" * 64, (160, 200), (0, 0, 160, 200))
    entries = tuple(mask_entry(number, hole, image) for number, hole in enumerate(holes))
    write_mask_set(folder, Manifest("center128", 0, {"size": 160}, entries), holes)


def _read_manifest(folder):
    from inpaint_tf.masks.manifest import check_mask_files, read_hole, read_manifest, write_mask_set

    manifest = read_manifest(folder)
    check_mask_files(folder, manifest)
    holes = [read_hole(folder, entry) for entry in manifest.entries]
    write_mask_set(folder / "copy", manifest, holes)
    if list(folder.parent.glob("*.png")):
        raise AssertionError("a file was written outside of the folder")


def _make_results(folder):
    (folder / "results.jsonl").write_bytes(
        b"\n".join((REPOSITORY / "experiments/table1/results/results.jsonl").read_bytes().splitlines()[:40])
    )


def _damage_results(folder, rng):
    lines = (folder / "results.jsonl").read_bytes().splitlines()
    number = rng.integers(len(lines))
    lines[number] = (mutate_json if rng.integers(2) else mutate_bytes)(lines[number], rng)
    (folder / "results.jsonl").write_bytes(b"\n".join(lines))


def _read_results(folder):
    from inpaint_tf.evaluation.results import merge_results
    from inpaint_tf.evaluation.tables import csv_text, main_table, markdown, markdown_report

    lines = merge_results([folder])
    text = markdown_report(lines, [], "x") + csv_text(lines) + (markdown(*main_table(lines, "hole")) if lines else "")
    if "\x1b" in text.replace(csv_text(lines), ""):
        raise AssertionError("control characters in a table")


def _make_checkpoint(folder):
    for path in (REPOSITORY / "tests/data/golden/v1").glob("snap-0.*"):
        shutil.copy(path, folder)


def _damage_checkpoint(folder, rng):
    suffix = "index" if rng.integers(3) else "data-00000-of-00001"
    _damages(f"snap-0.{suffix}", mutate_bytes)(folder, rng)


def _read_checkpoint(folder):
    from inpaint_tf.convert.authors_checkpoint import checkpoint_to_preset

    checkpoint_to_preset(folder / "snap-0", folder / "preset")


def _make_list(folder):
    for name in ("a.png", "b c.png", "ü.png"):
        Image.fromarray(_photo(8, 8)).save(folder / name)
    (folder / "list.txt").write_text("# photos\na.png\ta.png\n'b c.png'\tü.png\nü.png\ta.png\n", encoding="utf-8")


def _read_list(folder):
    from inpaint_tf.data.photo_lists import read_list

    read_list(folder / "list.txt", (1, 2))


def _make_shard(folder):
    import tensorflow as tf

    content = io.BytesIO()
    Image.fromarray(_photo()).save(content, "PNG")
    with tf.io.TFRecordWriter(str(folder / "photos.tfrecord")) as writer:
        for _ in range(3):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content.getvalue()]))
            example = tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature}))
            writer.write(example.SerializeToString())


def _read_shard(folder):
    from inpaint_tf.data.pipeline import PhotoLoader
    from inpaint_tf.data.sources import open_source
    from inpaint_tf.training.configuration import TrainingConfig

    source = open_source(str(folder / "photos.tfrecord"))
    config = TrainingConfig(train_data="x", image_size=32)
    loader = PhotoLoader(source, config)
    for index in range(len(source)):
        loader(index, index)


def _make_compressed_shard(folder):
    _make_shard(folder)
    (folder / "photos.tfrecord").write_bytes(gzip.compress((folder / "photos.tfrecord").read_bytes()))


def _read_compressed_shard(folder):
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    try:
        _read_shard(folder)
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def _make_heads(folder):
    np.savez(folder / "heads.npz", lin0=np.ones((1, 3, 1, 1)), lin1=np.arange(5.0))


def _read_heads(folder):
    from inpaint_tf.evaluation.lpips import read_heads

    read_heads(folder / "heads.npz", [3, 5])


def _make_run(folder):
    from inpaint_tf.training.configuration import TrainingConfig
    from inpaint_tf.training.run_folder import RunFolder

    run = RunFolder(TrainingConfig(train_data="x", run_dir=str(folder / "run")), "data")
    for step in range(5):
        run.log({"step": step, "l1": 0.1})
    run.close()


def _damage_run(folder, rng):
    name = ("configuration.json", "metrics.jsonl")[rng.integers(2)]
    mutate = mutate_json if name == "configuration.json" and rng.integers(2) else mutate_bytes
    _damages(f"run/{name}", mutate)(folder, rng)


def _read_run(folder):
    from inpaint_tf.training.configuration import TrainingConfig
    from inpaint_tf.training.run_folder import RunFolder

    run = RunFolder(TrainingConfig(train_data="x", run_dir=str(folder / "run")), "data")
    run.forget_after(3)
    run.records()
    run.close()


def _make_flags(folder):
    (folder / "train.flags").write_bytes((REPOSITORY / "flags/places2_256.flags").read_bytes())


def _read_flags(folder):
    import contextlib

    from inpaint_tf.commands.dispatcher import main

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(["make_records", f"--flagfile={folder / 'train.flags'}"])
    if code != 2 or "Traceback" in said.getvalue() or "\x1b" in said.getvalue():
        raise AssertionError(f"exit code {code}: {said.getvalue()[:200]}")


_kept: dict[str, pathlib.Path] = {}
_scratch = tempfile.TemporaryDirectory()


def _cached(make, name):
    """A whole input that is slow to make, made once in each process."""
    if name not in _kept:
        path = pathlib.Path(_scratch.name) / name
        make(path)
        _kept[name] = path
    return _kept[name]


def _either(name):
    """Damages JSON as JSON or as bytes."""

    def damage(folder, rng):
        _damages(name, mutate_json if rng.integers(2) else mutate_bytes)(folder, rng)

    return damage


READERS = {
    reader.name: reader
    for reader in (
        _image_reader("JPEG", ".jpg"),
        _image_reader("PNG", ".png"),
        _image_reader("PNG", ".png", "P"),
        _image_reader("WEBP", ".webp", "RGBA"),
        _image_reader("TIFF", ".tif"),
        _image_reader("TIFF", ".tif", "CMYK", compression="tiff_lzw"),
        _image_reader("GIF", ".gif", "P"),
        _image_reader("BMP", ".bmp"),
        Reader("preset config", _make_preset, _either("preset/config.json"), _read_preset),
        Reader("preset weights", _make_preset, _damage_weights, _read_preset),
        Reader("mask set", _make_manifest, _either("manifest.json"), _read_manifest),
        Reader("results", _make_results, _damage_results, _read_results),
        Reader("authors' checkpoint", _make_checkpoint, _damage_checkpoint, _read_checkpoint),
        Reader("list of photos", _make_list, _damages("list.txt", mutate_bytes), _read_list),
        Reader("TFRecord shard", _make_shard, _damages("photos.tfrecord", mutate_bytes), _read_shard),
        Reader(
            "compressed shard",
            _make_compressed_shard,
            _damages("photos.tfrecord", mutate_bytes),
            _read_compressed_shard,
        ),
        Reader("heads of LPIPS", _make_heads, _damages("heads.npz", mutate_bytes), _read_heads),
        Reader("run folder", _make_run, _damage_run, _read_run),
        Reader("flag file", _make_flags, _damages("train.flags", mutate_bytes), _read_flags),
    )
}
if not (BUNDLED / "photos_small").is_dir():
    raise SystemExit("run this from a checkout")
