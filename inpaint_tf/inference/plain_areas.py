"""Where a photo is plain, copies stay what they are.

Screenshots, drawings and overexposed skies have areas of exactly one colour, and a network fills them a few
levels off: a ghost that is seen on nothing else. A colour that makes up much of the photo around the hole, copied over
a neighbourhood of nothing but itself, needs neither the network's low frequencies nor a share of its pixels
(`guided_patches`), unless the network asks for something quite different there.
"""

import math

import cv2
import numpy as np

# Least share of the known pixels that have such a colour, and about how many of them are counted.
LEAST_SHARE, COUNTED = 0.1, 50_000
# Side of the squares that must have one colour, pixels.
SIDE = 5
# Levels by which the network's low frequencies may differ where copies stay wholly, and at all.
WHOLLY, AT_ALL = 16.0, 48.0


def common_colours(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The colours that make up much of a photo.

    Args:
        image: uint8 [H, W, 3].
        known: bool [H, W]; only what is True counts.

    Returns:
        uint32 [N], each a colour's three bytes, sorted; N may be 0.
    """
    step = max(1, math.isqrt(known.size // COUNTED))
    values, counts = np.unique(_packed(image[::step, ::step])[known[::step, ::step]], return_counts=True)
    return values[counts >= LEAST_SHARE * counts.sum()]


def plain_share(copied: np.ndarray, colours: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """How far copies are to stay as they are.

    Args:
        copied: uint8 [H, W, 3], the photo with copies in its hole.
        colours: What `common_colours` gave.
        correction: float32 [H, W, 3], the levels that the network's low frequencies would add.

    Returns:
        float32 [H, W] in [0, 1].
    """
    square = np.ones((SIDE, SIDE), np.uint8)
    one_colour = (cv2.erode(copied, square) == cv2.dilate(copied, square)).all(axis=-1)
    plain = np.isin(_packed(copied), colours) & one_colour
    # Towards what is not plain it fades out within the squares.
    share = cv2.blur(cv2.erode(plain.astype(np.float32), np.ones((3, 3), np.uint8)), (3, 3))
    return share * np.clip((AT_ALL - np.abs(correction).max(axis=-1)) / (AT_ALL - WHOLLY), 0, 1)


def _packed(image: np.ndarray) -> np.ndarray:
    wide = image.astype(np.uint32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
