"""Watches the generator while it trains: a fixed grid of samples, and metrics on validation photos.

Both use the weights that would be exported, and the predictor that everything else uses.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.aggregate import Cell, estimate
from inpaint_tf.evaluation.metrics import measure
from inpaint_tf.evaluation.protocols import ImageSource, cut, prepare, protocol_named
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import assign_weights
from inpaint_tf.models.registry import build_model
from inpaint_tf.pixels import composite
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.state import TrainingState, dtype_policy
from inpaint_tf.visualize.flow import draw_hole_flow
from inpaint_tf.visualize.grids import comparison_grid
from inpaint_tf.visualize.side_by_side import paint_hole

# What is logged of the evaluation grid.
CELLS = [
    Cell(metric, region, "absolute", "per_image") for region in ("whole", "hole") for metric in ("l1", "psnr", "ssim")
]
_TITLES = ("photo", "hole", "coarse", "completed", "attention flow")


class Monitor:
    """Builds sample grids and measures.

    Args:
        config: The `TrainingConfig`.
        state: The `TrainingState` whose exported weights are used.
        photos: uint8 [S, S, 3] RGB each, for the grid.
    """

    def __init__(self, config: TrainingConfig, state: TrainingState, photos: Sequence[np.ndarray]) -> None:
        self.config, self.state, self.photos = config, state, photos
        with dtype_policy(config.precision):
            self._model = build_model(config.model, width=config.width)
        self._inpainter = Inpainter(self._model)
        self._validation = _validation_set(config.validation_images) if config.validation_images else None

    def grid(self) -> np.ndarray:
        """uint8 [.., .., 3] RGB: photo, hole, coarse result, completed photo and attention flow of every sample."""
        self._take_weights()
        size, quarter = self.config.image_size, self.config.image_size // 4
        hole = np.zeros((size, size), bool)
        hole[quarter : size - quarter, quarter : size - quarter] = True
        rows = []
        for photo in self.photos:
            result = self._inpainter.run(photo, hole)
            coarse = composite(photo, hole, result.coarse)
            flow = None if result.offsets is None else draw_hole_flow(result.offsets, hole)
            rows.append([photo, paint_hole(photo, hole), coarse, result.completed, flow])
        return comparison_grid(_TITLES, rows)

    def measure(self) -> dict[str, float]:
        """Measures the validation photos: "PROTOCOL/metric/region" -> value; empty if there are none."""
        if self._validation is None:
            return {}
        self._take_weights()
        protocol, photos, holes = self._validation
        rows = [measure(photo, self._inpainter(photo, hole.pixels), hole) for photo, hole in zip(photos, holes)]
        names = list(range(len(rows)))
        found = {cell: estimate(rows, names, cell) for cell in CELLS}
        return {f"{protocol}/{cell.metric}/{cell.region}": value["value"] for cell, value in found.items() if value}

    def _take_weights(self):
        assign_weights(self._model, self.state.exported_weights(), "the run")


def _validation_set(folder):
    """Protocol name, photos and holes: Kodak's protocol if the folder holds Kodak's photos, else the same on others."""
    source = ImageSource(folder)
    try:
        protocol = protocol_named("kodak24_center128")
        manifest, holes = prepare(protocol, source)
    except UserError:
        protocol = protocol_named("center128")
        manifest, holes = prepare(protocol, source)
    entries = [entry.image for entry in manifest.entries if entry.image is not None]
    return protocol.name, [cut(source.read(e.name), e.resize, e.crop) for e in entries], holes


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 [H, W, 3] RGB -> the bytes of a PNG file."""
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
