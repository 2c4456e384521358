"""From encoded photo to square training image: decoding, cropping, and the optional augmentations.

OpenCV decodes here where it can, not the reader that inpainting uses: it lets other threads run meanwhile, applies EXIF
orientation, and nothing of the file but its pixels is needed. TIFF, and pictures of more than 8 bits per channel, go
through that reader, which finds their scale.
"""

import cv2
import numpy as np

from inpaint_tf.data.file_structure import TIFF_MARKS, is_wide_png
from inpaint_tf.data.image_files import photo_of_bytes


def decode(content: bytes) -> np.ndarray:
    """Encoded image -> uint8 [H, W, 3] RGB, upright; alpha is dropped, 16 bits become 8.

    Raises:
        ValueError: if it cannot be decoded.
    """
    if not content:
        raise ValueError("is empty")
    ours = content[:4] in TIFF_MARKS or is_wide_png(content)
    image = None if ours else cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return photo_of_bytes(content).rgb if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def needed_side(crop: str, image_size: int) -> int:
    """The shortest side that a photo may have: `image_size` for crops at the photo's own scale, else 1."""
    return image_size if crop == "random_crop" else 1


def to_square(photo: np.ndarray, image_size: int, crop: str, rng: np.random.Generator) -> np.ndarray:
    """Makes a photo square.

    Args:
        photo: uint8 [H, W, 3].
        image_size: Side of the result.
        crop: "random_crop": a uniformly random window at the photo's own scale. "fit_crop": the same after scaling
            the short side to `image_size`. "scaled_crop": the same at a random scale between that and the photo's own
            (never enlarged beyond what the crop needs). "resize": both sides are scaled, the aspect is lost.
        rng: `np.random.Generator`.

    Returns:
        uint8 [image_size, image_size, 3].

    Raises:
        ValueError: if the photo is too small for "random_crop".
    """
    height, width = photo.shape[:2]
    if crop == "resize":
        return _resize(photo, image_size, image_size)
    if crop in ("fit_crop", "scaled_crop"):
        scale = image_size / min(height, width)
        if crop == "scaled_crop":
            scale = max(scale, rng.uniform(min(scale, 1), 1))
        photo = _resize(photo, max(image_size, round(height * scale)), max(image_size, round(width * scale)))
        height, width = photo.shape[:2]
    if min(height, width) < image_size:
        raise ValueError(f"is {width}x{height}, smaller than {image_size}")
    top, left = rng.integers(0, height - image_size + 1), rng.integers(0, width - image_size + 1)
    return photo[top : top + image_size, left : left + image_size]


def augment(image: np.ndarray, flip: bool, colour_jitter: float, rng: np.random.Generator) -> np.ndarray:
    """Random mirroring and colour changes.

    Args:
        image: uint8 [S, S, 3] RGB.
        flip: Whether half of the images are mirrored left to right.
        colour_jitter: Brightness, contrast and saturation are each multiplied by a uniform factor in
            [1 - colour_jitter, 1 + colour_jitter], in this order; 0 leaves the colours alone.
        rng: `np.random.Generator`.

    Returns:
        uint8 [S, S, 3].
    """
    if flip and rng.random() < 0.5:
        image = image[:, ::-1]
    if colour_jitter > 0:
        brightness, contrast, saturation = rng.uniform(1 - colour_jitter, 1 + colour_jitter, 3)
        changed = image.astype(np.float32) * brightness
        mean = changed.mean()
        changed = mean + (changed - mean) * contrast
        grey = changed @ np.array([0.299, 0.587, 0.114], np.float32)
        changed = grey[..., np.newaxis] + (changed - grey[..., np.newaxis]) * saturation
        image = np.clip(np.round(changed), 0, 255).astype(np.uint8)
    return image


def _resize(photo, height, width):
    shrinks = height < photo.shape[0] or width < photo.shape[1]
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
