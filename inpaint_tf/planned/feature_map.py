"""What a planned run holds between its segments: rectangles of feature maps, as arrays or as tensors."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from inpaint_tf.regions import Rect
from inpaint_tf.shared_arrays import aligned_zeros, as_tensor


class FeatureMap:
    """A rectangle of a feature map.

    Args:
        rect: The rectangle, in the map's own pixels.
        values: float32 [h, w, C] of it, which `write` fills in, or what one tile gave, a tensor [1, h, w, C].
    """

    def __init__(self, rect: Rect, values: np.ndarray | tf.Tensor):
        self.rect = rect
        self._tensor: tf.Tensor | None = values if tf.is_tensor(values) else None
        self._values: np.ndarray | None = np.asarray(values)[0] if tf.is_tensor(values) else values

    @classmethod
    def empty(cls, rect: Rect, channels: int) -> "FeatureMap":
        """A map to write tiles into."""
        return cls(rect, aligned_zeros((rect.height, rect.width, channels)))

    def read(self, rect: Rect) -> np.ndarray:
        """float32 [h, w, C] of a rectangle inside this one, without a copy."""
        return self._array[rect.moved(-self.rect.top, -self.rect.left).slices]

    def tensor(self, rect: Rect) -> tf.Tensor:
        """float32 [1, h, w, C] of a rectangle inside this one."""
        whole = rect == self.rect and self._tensor is not None
        return self._tensor if whole else as_tensor(self.read(rect)[np.newaxis])

    def write(self, rect: Rect, output: tf.Tensor) -> None:
        """Puts a tile's output, a tensor [1, h, w, C], into its place."""
        self._array[rect.moved(-self.rect.top, -self.rect.left).slices] = np.asarray(output)[0]

    def whole(self) -> tf.Tensor:
        """float32 [h, w, C], all of it."""
        return self.tensor(self.rect)[0]

    def take(self) -> tf.Tensor:
        """`whole`, which the map then forgets, so that whoever takes it can free the memory."""
        tensor = self.whole()
        self._tensor = self._values = None
        return tensor

    @property
    def _array(self) -> np.ndarray:
        assert self._values is not None, "the map was taken"
        return self._values


def joined(maps: Sequence[FeatureMap], rect: Rect) -> tf.Tensor:
    """float32 [1, h, w, C]: a rectangle of several maps, their channels one after the other."""
    parts = [part.read(rect) for part in maps]
    result = aligned_zeros((1, rect.height, rect.width, sum(part.shape[-1] for part in parts)))
    np.concatenate(parts, axis=-1, out=result[0])
    return as_tensor(result)
