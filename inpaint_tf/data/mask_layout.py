"""Whether the pixels of a mask or sketch are those of its photo: its size, and which way it lies.

Programs that ignore EXIF make masks as the sensor saw the photo. What has the photo's size or shape only when it is
turned as EXIF turned the photo is turned, and said.
"""

import dataclasses

import numpy as np

from inpaint_tf.data.image_files import Photo
from inpaint_tf.data.mask_files import MaskReading
from inpaint_tf.data.upright import upright
from inpaint_tf.errors import UserError

# Shapes that differ by less than this are one shape, rounded.
SAME_SHAPE = 1.02
# Follows the name of what was turned.
TURNED = "was turned as the photo's EXIF orientation says."


def laid_on_photo(mask: MaskReading, photo: Photo, name: str) -> tuple[np.ndarray, list[str]]:
    """The pixels of a mask or sketch of a photo's size, and notes.

    Args:
        mask: What its file says.
        photo: The photo.
        name: What to call the file.

    Returns:
        bool [H, W] of the photo's height and width, and one sentence if it was turned.

    Raises:
        UserError: if it has another size, turned or not; names both.
    """
    size = photo.rgb.shape[:2]
    turned = turned_as_photo(mask, photo.orientation, size)
    if mask.hole.shape != size and (turned is None or turned.hole.shape != size):
        given, wanted = (f"{shape[1]}x{shape[0]}" for shape in (mask.hole.shape, size))
        raise UserError(f"{name} is {given}, the photo is {wanted}; give one of the photo's size.")
    return (mask.hole, []) if turned is None else (turned.hole, [f"{name} {TURNED}"])


def turned_as_photo(mask: MaskReading, orientation: int, size: tuple[int, ...]) -> MaskReading | None:
    """A mask or sketch that lies as the sensor saw its photo, turned as EXIF turned the photo.

    Args:
        mask: What its file says.
        orientation: EXIF orientation that was applied to the photo, 1 to 8.
        size: Height and width of the upright photo.

    Returns:
        None if it stays as it is: it has an orientation of its own, or the photo's size or shape, or neither way.
    """
    if orientation == 1 or mask.orientation > 1 or mask.hole.shape == size:
        return None
    hole = upright(mask.hole, orientation)
    if hole.shape != size and not distortion(hole.shape, size) < SAME_SHAPE < distortion(mask.hole.shape, size):
        return None
    levels = None if mask.levels is None else upright(mask.levels, orientation)
    return dataclasses.replace(mask, hole=hole, levels=levels)


def distortion(shape: tuple[int, ...], target: tuple[int, ...]) -> float:
    """How much longer one side becomes compared with the other, at least 1."""
    ratio = shape[0] * target[1] / (shape[1] * target[0])
    return max(ratio, 1 / ratio)
