"""Methods that need no weights: uint8 [H, W, 3] RGB and bool [H, W] (True = hole) -> completed uint8 [H, W, 3].

`CLASSICAL` lists them with the version of the package that decides on their results.
"""

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Callable

import cv2
import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.patchmatch import completion

# Radius in pixels of the neighbourhood that OpenCV's two diffusion methods look at.
DIFFUSION_RADIUS = 5


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
