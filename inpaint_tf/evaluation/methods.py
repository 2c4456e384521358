"""What an evaluation compares: classical methods and our models, with one interface.

A method completes uint8 [H, W, 3] RGB under bool [H, W] (True = hole) to uint8 [H, W, 3]. `CLASSICAL` lists those that
need no weights; "preset:NAME_OR_FOLDER" is a model's own output through the same `Inpainter` that people use;
with "+poisson" after it the same with Poisson blending, with "+patches" what people get from the bundled presets
(`VARIANTS`).
"""

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.patchmatch import completion

PRESET = "preset:"
# What may follow a preset's name -> how its Inpainter is made. Without, it is the network's own output, whatever the
# preset recommends.
VARIANTS = {
    "+poisson": {"detail": "none", "working_size": "full", "blend": "poisson"},
    "+patches": {"detail": "patches", "working_size": "auto", "blend": "poisson"},
}
PLAIN = {"detail": "none", "working_size": "full", "blend": "none"}
# Radius in pixels of the neighbourhood that OpenCV's two diffusion methods look at.
DIFFUSION_RADIUS = 5


class Case(NamedTuple):
    """One entry of a manifest, as a method sees it.

    Attributes:
        number: Number of the entry; its mask is `masks/NUMBER.png`, with five digits.
        name: Name of its image below the folder of images, with "/".
        image: uint8 [H, W, 3] RGB.
        hole: bool [H, W], True = hole.
        only_mask: Whether no other entry has this image.
    """

    number: int
    name: str
    image: np.ndarray
    hole: np.ndarray
    only_mask: bool


@dataclasses.dataclass(frozen=True)
class Completion:
    """What a method gave for an image.

    Attributes:
        pixels: uint8 [H, W, 3] RGB.
        offsets: Attention offsets as in `inference.Result`; None where there are none.
    """

    pixels: np.ndarray
    offsets: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Method:
    """A method by name.

    Attributes:
        name: As given.
        fingerprint: What its results depend on besides its name (versions, weights). Cached results of another
            fingerprint are not used.
        run: Function of (image, hole) -> `Completion`; None if there is a `run_case`.
        run_case: Function of `Case` -> `Completion`, for methods that need to know which entry it is.
        check: Looks at the entries before anything runs, each as what `Case` calls number, name and only_mask, and
            raises UserError if it can do none of them; None if there is nothing to look at.
        warm_up: Whether the first call is slower than the rest (graphs are built) and is not to be timed.
    """

    name: str
    fingerprint: str
    run: Callable | None = None
    warm_up: bool = False
    run_case: Callable[[Case], Completion] | None = None
    check: Callable[[Sequence[tuple[int, str, bool]]], None] | None = None

    def complete(self, case: Case) -> Completion:
        """Completes one entry. Raises whatever the method raises."""
        if self.run_case is not None:
            return self.run_case(case)
        if self.run is None:
            raise ValueError(f"method {self.name} has neither a run nor a run_case.")
        return self.run(case.image, case.hole)

    def __call__(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB and bool [H, W] -> completed uint8 [H, W, 3]."""
        return self.complete(Case(0, "", image, hole, False)).pixels


def mean_color(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fills with the mean colour of the known pixels, rounded: the floor that any method should beat.

    Raises:
        ValueError: if no pixel is known.
    """
    if hole.all():
        raise ValueError("no known pixel")
    completed = image.copy()
    completed[hole] = np.round(image[~hole].mean(axis=0))
    return completed


def telea(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """OpenCV's fast marching method, radius 5. Telea, An Image Inpainting Technique Based on Fast Marching, 2004."""
    return cv2.inpaint(image, hole.astype(np.uint8) * 255, DIFFUSION_RADIUS, cv2.INPAINT_TELEA)


def navier_stokes(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """OpenCV's fluid dynamics method, radius 5. Bertalmio et al., Navier-Stokes ... and Image Inpainting, 2001."""
    return cv2.inpaint(image, hole.astype(np.uint8) * 255, DIFFUSION_RADIUS, cv2.INPAINT_NS)


def biharmonic(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """scikit-image's biharmonic equation. Damelin and Hoang, On Surface Completion and Image Inpainting, 2018."""
    from skimage.restoration import inpaint_biharmonic

    filled = inpaint_biharmonic(image, hole, channel_axis=-1)
    return np.where(hole[..., np.newaxis], np.clip(np.round(filled * 255), 0, 255).astype(np.uint8), image)


def shift_map(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """OpenCV contrib's shift map, a cross-check for PatchMatch. He and Sun, Statistics of Patch Offsets, 2012."""
    completed = np.empty_like(image)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    xphoto = getattr(cv2, "xphoto")  # noqa: B009 - in OpenCV's contrib builds alone.
    xphoto.inpaint(lab, (~hole).astype(np.uint8) * 255, completed, xphoto.INPAINT_SHIFTMAP)
    return np.where(hole[..., np.newaxis], cv2.cvtColor(completed, cv2.COLOR_LAB2RGB), image)


def pypatchmatch(image, hole):
    """PyPI's pypatchmatch (C++), with its default patches. Barnes et al., PatchMatch, SIGGRAPH 2009."""
    from patchmatch import patch_match

    completed = np.asarray(patch_match.inpaint(image, hole.astype(np.uint8) * 255))
    return np.where(hole[..., np.newaxis], completed, image)


@dataclasses.dataclass(frozen=True)
class Classical:
    """A method without weights.

    Attributes:
        complete: Function of (image, hole) -> completed.
        version: Function giving the version that decides on its results; raises UserError if it is not installed.
    """

    complete: Callable
    version: Callable


def _opencv():
    return f"opencv {cv2.__version__}"


def _opencv_contrib():
    if not hasattr(cv2, "xphoto"):
        raise UserError(
            "method 'shiftmap' needs OpenCV's contrib modules; install opencv-contrib-python-headless instead of "
            "opencv-python-headless, or leave the method out."
        )
    return _opencv()


def _scikit_image():
    try:
        importlib.import_module("skimage.restoration")
        return f"scikit-image {importlib.metadata.version('scikit-image')}"
    except ImportError:
        raise UserError(
            "method 'biharmonic' needs scikit-image; pip install inpaint_tf[evaluation], or leave the method out."
        ) from None


def _pypatchmatch():
    try:
        importlib.import_module("patchmatch.patch_match")
        return f"pypatchmatch {importlib.metadata.version('pypatchmatch')}"
    except ImportError:
        raise UserError(
            "method 'pypatchmatch' needs the package of that name; pip install inpaint_tf[evaluation], or leave the "
            "method out."
        ) from None


CLASSICAL = {
    "mean": Classical(mean_color, lambda: "1"),
    "telea": Classical(telea, _opencv),
    "ns": Classical(navier_stokes, _opencv),
    "biharmonic": Classical(biharmonic, _scikit_image),
    "patchmatch": Classical(completion.complete, lambda: f"{completion.fingerprint()}, {_opencv()}"),
    "pypatchmatch": Classical(pypatchmatch, _pypatchmatch),
    "shiftmap": Classical(shift_map, _opencv_contrib),
}


def method_named(name: str, precision: str = "float32") -> Method:
    """The `Method` of a name.

    Args:
        name: A key of `CLASSICAL`, or "preset:" and a bundled preset's name or a preset folder[, and a key of
            `VARIANTS`].
        precision: Arithmetic of presets, see `models.precision`.

    Raises:
        UserError: for an unknown name or preset, or a method whose package is not installed.
    """
    if name.startswith(PRESET):
        return _preset(name, precision)
    if name.startswith(("folder:", "command:")):
        from inpaint_tf.evaluation.outside import outside_method

        return outside_method(name)
    if name not in CLASSICAL:
        raise UserError(
            f"unknown method {name!r}; known: {', '.join(CLASSICAL)}, preset:NAME, preset:FOLDER, "
            "folder:NAME=PATH, command:NAME=WORDS."
        )
    classical = CLASSICAL[name]
    return Method(name, classical.version(), lambda image, hole: Completion(classical.complete(image, hole)))


def methods_named(names: Sequence[str], precision: str = "float32") -> list[Method]:
    """The `Method`s of a list of names, all checked before any runs. Raises UserError also for a name given twice."""
    if not names:
        raise UserError(f"no methods given; known: {', '.join(CLASSICAL)}, preset:NAME, preset:FOLDER.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"methods given twice: {', '.join(twice)}.")
    return [method_named(name, precision) for name in names]


def _preset(name, precision):
    # Imported here: a comparison of classical methods needs no model.
    from inpaint_tf.inference.inpainter import Inpainter
    from inpaint_tf.models.presets import preset_folder, read_config

    suffix = next((suffix for suffix in VARIANTS if name.endswith(suffix)), "")
    place = name[len(PRESET) :].removesuffix(suffix) or None
    settings: dict[str, Any] = VARIANTS.get(suffix, PLAIN)
    config = read_config(preset_folder(place))
    inpainter = Inpainter.from_preset(place, precision=precision, **settings)

    def run(image, hole):
        result = inpainter.run(image, hole)
        return Completion(result.completed, result.offsets)

    fingerprint = f"{config.model} {config.sha256}"
    if settings["blend"] != "none":
        from inpaint_tf.inference import limits

        fingerprint += f" blend={settings['blend']}, {limits.DESCRIPTION}"
    if settings["detail"] == "patches":
        from inpaint_tf.inference import guided_patches

        fingerprint += f" working_size=auto patches {guided_patches.fingerprint()}"
    if precision != "float32":
        fingerprint += f" {precision}"
    return Method(name, fingerprint, run, warm_up=True)
