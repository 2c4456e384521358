"""Where every pixel of a fill came from: pictures, heat maps, arrows, an animation.

A fill has up to three layers. The first stage's coarse guess; the second stage, whose attention weighs known places of
the photo for every cell of its grid and pastes their features; and, with detail "patches", pixels that are copied from
known ones. The last says exactly where each pixel is from (`Result.sources`); the attention says by how much it looked
where, so it is shown as a heat map, with the scores that led to it: each patch compared alone, and after neighbouring
patches have agreed ("propagation", section 3.2 of the paper).

    explanation = inpaint_tf.explain(image, mask, at=(420, 310))
    explanation.write("why/")
"""

import dataclasses
import io
import json
import pathlib

import numpy as np
from PIL import Image

from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes
from inpaint_tf.inference.attention_at import AttentionAt, attention_at
from inpaint_tf.inference.inpainter import Inpainter, check_guide, check_image_and_mask
from inpaint_tf.inference.result import Result
from inpaint_tf.pixels import composite
from inpaint_tf.visualize.animation import fill_animation
from inpaint_tf.visualize.flow import draw_hole_flow, longest_offset, with_legend
from inpaint_tf.visualize.sources import (
    draw_arrows,
    longest_source,
    overlay,
    source_flow,
    spread_arrows,
    was_copied,
)

# Pixels of the photo to a cell of the attention's grid, along an axis.
CELL = 8


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What there is to see of one fill.

    Attributes:
        image: uint8 [H, W, 3] RGB, the photo.
        hole: bool [H, W].
        result: The `Result`.
        at: (x, y) of the pixel that was asked about; None if none was.
        source: (x, y) that this pixel was copied from, exactly; None if it was not copied.
        attention: What the attention made of this pixel's cell; None without attention, or if no pixel was asked about.
    """

    image: np.ndarray
    hole: np.ndarray
    result: Result
    at: tuple[int, int] | None = None
    source: tuple[int, int] | None = None
    attention: AttentionAt | None = None

    def sentences(self) -> list[str]:
        """What was found, for people."""
        return describe(self.at, self.source, self.attention, patches=self.result.sources is not None)

    def pictures(self) -> dict[str, np.ndarray]:
        """Name -> uint8 RGB picture."""
        result, image, hole = self.result, self.image, self.hole
        pictures = {
            "completed": result.completed,
            "coarse": composite(image, hole, result.coarse),
            "network": result.network,
        }
        if result.offsets is not None:
            pictures["flow"] = with_legend(draw_hole_flow(result.offsets, hole), longest_offset(result.offsets, hole))
        if result.sources is not None:
            copied = was_copied(result.sources)
            pictures["patch_flow"] = with_legend(
                source_flow(result.sources, copied), longest_source(result.sources, copied)
            )
        sources = pixel_sources(result, hole)
        if sources is not None:
            pictures["arrows"] = draw_arrows(result.completed, spread_arrows(sources, was_copied(sources)))
        if self.at is not None and self.source is not None:
            arrow = (self.source[1], self.source[0]), (self.at[1], self.at[0])
            pictures["source"] = draw_arrows(result.completed, [arrow])
        if self.attention is not None and self.at is not None:
            best = self.attention.best
            arrow = (best[1], best[0]), (self.at[1], self.at[0])
            for name in ("attention", "before", "after"):
                title = name if name == "attention" else f"scores_{name}"
                pictures[title] = draw_arrows(self._on_photo(self.attention.heat(name)), [arrow])
        return pictures

    def animation(self, suffix: str = ".webp") -> bytes:
        """The fill as a short film, ".webp" or ".gif"."""
        result = self.result
        coarse = composite(self.image, self.hole, result.coarse)
        stages = (self.image, coarse, result.network, result.completed)
        return fill_animation(self.hole, stages, pixel_sources(result, self.hole), suffix)

    def write(self, folder: str | pathlib.Path) -> list[pathlib.Path]:
        """Writes all pictures, the animation, the sources as an array and `explanation.json`.

        Args:
            folder: Made if it is missing; files of these names in it are replaced.

        Returns:
            The files.

        Raises:
            UserError: if the folder cannot be made or written to.
        """
        folder = pathlib.Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder}: {error.strerror or error}.") from error
        files = {f"{name}.png": _png(picture) for name, picture in self.pictures().items()}
        files["animation.webp"] = self.animation()
        if self.result.sources is not None:
            array = io.BytesIO()
            np.save(array, self.result.sources)
            files["sources.npy"] = array.getvalue()
        said = {
            "at": self.at,
            "copied_from": self.source,
            "attention_best": None if self.attention is None else self.attention.best,
            "seconds": round(self.result.seconds, 3),
            "sentences": self.sentences(),
        }
        files["explanation.json"] = (json.dumps(said, indent=2) + "\n").encode()
        for name, content in files.items():
            write_bytes(folder / name, content)
        return [folder / name for name in files]

    def _on_photo(self, colours):
        assert self.attention is not None
        top, left, bottom, right = self.attention.place
        picture = self.result.completed.copy()
        picture[top:bottom, left:right] = overlay(picture[top:bottom, left:right], colours)
        return picture


def explain(
    image: np.ndarray,
    mask: np.ndarray,
    at: tuple[int, int] | None = None,
    *,
    inpainter: Inpainter | None = None,
    guide: np.ndarray | None = None,
) -> Explanation:
    """Completes a photo and says where every pixel came from.

    Args:
        image: uint8 [H, W, 3] RGB.
        mask: [H, W], bool (True = hole) or uint8 (above 127 = hole), with at least one hole pixel.
        at: (x, y) of a filled pixel to ask about, or None.
        inpainter: An `Inpainter`; None takes the default preset, with detail "patches".
        guide: See `Inpainter.run`.

    Raises:
        UserError: for a mask without a hole, a pixel outside the hole, or what `Inpainter.run` does not take.
    """
    hole = check_image_and_mask(image, mask)
    if not hole.any():
        raise UserError("the mask has no hole, so there is nothing to explain; bright pixels of a mask are filled.")
    check_pixel(at, hole)
    if inpainter is None:
        inpainter = Inpainter.from_preset(detail="patches")
    lines = None if guide is None else check_guide(guide, image, inpainter.model)
    result = inpainter.run(image, hole, lines)
    if at is None:
        return Explanation(image, hole, result)
    source = None
    if result.sources is not None and result.sources[at[1], at[0], 0] >= 0:
        row, column = result.sources[at[1], at[0]].tolist()
        source = column, row
    attention = attention_at(inpainter, image, hole, at, lines)
    return Explanation(image, hole, result, at, source, attention)


def check_pixel(at: tuple[int, int] | None, hole: np.ndarray) -> None:
    """Raises UserError if (x, y) lies outside the photo or its hole."""
    if at is None:
        return
    x, y = at
    if not (0 <= x < hole.shape[1] and 0 <= y < hole.shape[0]):
        raise UserError(f"{x},{y} lies outside the photo of {hole.shape[1]}x{hole.shape[0]}.")
    if not hole[y, x]:
        column, row = nearest_hole_pixel(hole, x, y)
        raise UserError(f"pixel {x},{y} was not filled; the nearest that was is {column},{row}.")


def nearest_hole_pixel(hole: np.ndarray, x: int, y: int) -> tuple[int, int]:
    """(x, y) of the hole pixel nearest to a place."""
    rows, columns = np.nonzero(hole)
    nearest = int(np.argmin((rows - y) ** 2 + (columns - x) ** 2))
    return int(columns[nearest]), int(rows[nearest])


def describe(
    at: tuple[int, int] | None,
    source: tuple[int, int] | None,
    attention: AttentionAt | None,
    patches: bool,
) -> list[str]:
    """Sentences on one pixel."""
    if at is None:
        return []
    sentences = []
    if source is not None:
        sentences.append(f"Pixel {at[0]},{at[1]} was copied from pixel {source[0]},{source[1]}.")
    elif patches:
        sentences.append(f"Pixel {at[0]},{at[1]} is the network's own; nothing in the photo was similar enough.")
    if attention is not None:
        share = float(attention.weights.max())
        x, y = attention.best
        sentences.append(f"The network's attention looked most at {x},{y} ({share:.0%} of its weight).")
        if attention.reduced:
            sentences.append(
                "The attention is that on the photo at a smaller size; it would not fit in memory at full."
            )
    return sentences


def pixel_sources(result: Result, hole: np.ndarray) -> np.ndarray | None:
    """int32 [H, W, 2], (row, column) per pixel: the patches' exact sources, else those of the attention's cells."""
    if result.sources is not None:
        return result.sources
    if result.offsets is None:
        return None
    height, width = hole.shape
    targets = np.argwhere(hole)
    cells = result.offsets[tuple((targets // CELL).T)]
    copied = np.minimum(cells * CELL + targets % CELL, [height - 1, width - 1])
    sources = np.full((height, width, 2), -1, np.int32)
    sources[tuple(targets.T)] = np.where(cells >= 0, copied, -1)
    return sources


def _png(picture):
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG")
    return encoded.getvalue()
