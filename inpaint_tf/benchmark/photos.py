"""How many training photos a second are read, decoded, cropped and batched: what training can at most eat.

The pipeline runs alone, as training runs it, so nothing else takes its processors. What was decoded ahead before the
clock started is drawn first and not counted.
"""

import os
import pathlib
import tempfile
import time
from typing import Any

import numpy as np
from absl import flags

from inpaint_tf.benchmark.json_lines import append_lines
from inpaint_tf.errors import UserError, printable
from inpaint_tf.training.configuration import TrainingConfig

# Photos that are made up, and the factor by which their long side exceeds the short one.
_MADE_UP, _ASPECT = 32, 1.25


def run(options: flags.FlagValues) -> int:
    """Measures every number of workers; prints a line for each and appends them to OUTPUT/photos.jsonl.

    Args:
        options: Parsed flags of `benchmark.training.define_flags`.

    Returns:
        0, the exit code.

    Raises:
        UserError: for flags or photos that cannot be used, or a folder that cannot be written.
    """
    from inpaint_tf.benchmark.machine import description, in_fresh_process

    rows = []
    with tempfile.TemporaryDirectory() as made_up:
        photos = options.train_data or str(made_up_photos(pathlib.Path(made_up), options.image_size))
        for workers in whole_numbers(options, "data_workers"):
            settings = {
                "train_data": photos, "image_size": options.image_size, "crop": "fit_crop", "batch_size": 16,
                "data_workers": workers,
            }  # fmt: skip
            row = in_fresh_process(measure, settings, 20.0) | description()
            print(describe(row), flush=True)
            rows.append(row)
    if options.output:
        append_lines(pathlib.Path(options.output) / "photos.jsonl", rows)
    return 0


def measure(settings: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Draws batches for some seconds, in this process.

    Args:
        settings: Fields of a `TrainingConfig`.
        seconds: How long, at least; one batch is always drawn.

    Returns:
        what "photos", image_size, batch_size, data_workers (0: tf.data decides), seconds (of a batch),
        processor_seconds (the same, of all cores together), images_per_second, images_per_core_second (by processor
        time), photos.
    """
    from inpaint_tf.data.pipeline import PhotoLoader, photo_batches
    from inpaint_tf.data.sources import open_source

    config = TrainingConfig(**settings)
    batches = iter(photo_batches(PhotoLoader(open_source(config.train_data), config), config, 0))
    for _ in range(_ahead(config)):
        next(batches)
    clock, processor = time.perf_counter(), time.process_time()
    drawn = 0
    while drawn == 0 or time.perf_counter() - clock < seconds:
        next(batches)
        drawn += 1
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    images = drawn * config.batch_size
    return {
        "what": "photos",
        "image_size": config.image_size,
        "batch_size": config.batch_size,
        "data_workers": config.data_workers,
        "seconds": clock / drawn,
        "processor_seconds": processor / drawn,
        "images_per_second": images / clock,
        "images_per_core_second": images / processor,
        "photos": images,
    }


def describe(row: dict[str, Any]) -> str:
    """A row as a line for people."""
    workers = row["data_workers"] or "as many as tf.data likes"
    return (
        f"photos of {row['image_size']} px, {workers} at once: {row['images_per_second']:.0f} photos/s, "
        f"{row['images_per_core_second']:.0f} for every second of a core ({row['photos']} photos)"
    )


def whole_numbers(options: flags.FlagValues, name: str) -> list[int]:
    """The values of a flag that is a list of whole numbers. Raises UserError."""
    for text in getattr(options, name):
        if not text.isdigit():
            given = printable(",".join(getattr(options, name)))
            raise UserError(f"--{name}={given} must be whole numbers, separated by commas.")
    return [int(text) for text in getattr(options, name)]


def made_up_photos(folder: pathlib.Path, size: int) -> pathlib.Path:
    """Writes JPEG files of smooth noise whose short side is `size`; returns the folder."""
    import cv2

    rng = np.random.default_rng(0)
    for index in range(_MADE_UP):
        small = rng.integers(0, 255, (16, 20, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index:02d}.jpg"), cv2.resize(small, (int(size * _ASPECT), size)))
    return folder


def _ahead(config: TrainingConfig) -> int:
    """Batches that the pipeline may hold ready: its buffer, what is being decoded, and one being put together."""
    return 2 + config.n_critic + -(-(config.data_workers or os.cpu_count() or 1) // config.batch_size) + 1
