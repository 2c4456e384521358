"""What copies of known pixels take from the network that led them: its low frequencies, and a share of its pixels.

`guided_patches` says what that is worth. Two things are exempt: next to a sketch's lines, what the copies miss is the
network's alone (`drawn_lines`), and where the photo is plain, copies stay what they are (`plain_areas`).
"""

import cv2
import numpy as np

from inpaint_tf.inference.drawn_lines import missed_by_copies
from inpaint_tf.inference.plain_areas import plain_share


def blend_copies(
    copied: np.ndarray,
    network: np.ndarray,
    hole: np.ndarray,
    plain: np.ndarray,
    sigma: float,
    share: float,
    away: np.ndarray | None = None,
    enlarging: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Fits copies to the network's completion.

    Args:
        copied, network: uint8 [H, W, 3], the photo with copies and with the network's completion in its hole.
        hole: bool [H, W].
        plain: Colours that `plain_areas.common_colours` found.
        sigma: Of the Gaussian that tells low frequencies from high, pixels.
        share: Of the network's pixels in the result, besides.
        away: What `drawn_lines.distances_to_lines` gave; None without a sketch.
        enlarging: Pixels of the photo to one of those that the network worked on.

    Returns:
        uint8 [H, W, 3], and bool [H, W]: where lines made it the network's rather than a copy.
    """
    copies, led = copied.astype(np.float32), network.astype(np.float32)
    blended = blend_low_frequencies(copies, led, hole, sigma)
    drawn = np.zeros(hole.shape, np.float32)
    if away is not None:
        drawn = missed_by_copies(blended, led, hole, away, enlarging)
        # What copies miss there must not darken or brighten those around.
        blended = blend_low_frequencies(copies, led, hole * (1 - drawn), sigma)
    correction = blended - copies
    blended += np.float32(share) * (led - blended)
    if plain.size:
        blended += plain_share(copied, plain, correction)[..., np.newaxis] * (copies - blended)
    blended += drawn[..., np.newaxis] * (led - blended)
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8), drawn >= 0.5


def blend_low_frequencies(copied: np.ndarray, network: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Gives copies the low frequencies of the network's completion and leaves them their texture.

    Args:
        copied, network: float32 [H, W, 3].
        hole: bool [H, W], or float32 in [0, 1]; only what lies in it counts.
        sigma: Of the Gaussian that tells low from high, pixels.

    Returns:
        float32 [H, W, 3].
    """
    share = hole.astype(np.float32)
    difference = cv2.GaussianBlur((network - copied) * share[..., np.newaxis], (0, 0), sigma)
    weight = np.maximum(cv2.GaussianBlur(share, (0, 0), sigma), 1e-3)
    return copied + difference / weight[..., np.newaxis]
