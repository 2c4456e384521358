"""The contextual attention layer: one interface over the literal and the fast form (paper, section 3.2).

Every missing feature is rebuilt from known features elsewhere in the image: matched by cosine similarity of 3x3
patches at half the size, weighted by a softmax, pasted back as 4x4 patches at full size.
"""

import dataclasses

import keras
import tensorflow as tf

from inpaint_tf.attention.fast import fast_attention
from inpaint_tf.attention.literal import literal_attention
from inpaint_tf.attention.settings import AttentionSettings

# A 3x3 patch of 3,000 channels of this size still has a norm in float32.
LARGEST_FEATURE = 1e17

FORMS = {"fast": fast_attention, "literal": literal_attention}


@keras.saving.register_keras_serializable(package="inpaint_tf")
class ContextualAttention(keras.layers.Layer):
    """Rebuilds foreground features from known background features.

    Scores, softmax and sums are float32 under every precision policy; the result has the policy's compute dtype.
    The layer has no weights. Gradients flow to foreground and background, not to the offsets. Features may be up to
    `LARGEST_FEATURE` in size. Beyond, the squares in a patch no longer add up in float32: the fast form then returns
    NaN, the literal form pastes with equal weights.

    Args:
        rate: Matching happens at 1/rate of the size; patches to paste are 2 rate x 2 rate. 1, 2 or more.
        fuse: Whether scores are propagated between neighbours.
        fuse_kernel: Odd length of the propagation's diagonal.
        softmax_scale: Factor in front of the softmax.
        kernel_size: Odd side of the matching patches.
        form: "fast", or "literal" for the reference. Same numbers up to rounding.

    Call arguments:
        foreground: [B, H, W, C]; H and W multiples of `rate`.
        background: [B, H', W', C]; None means the foreground itself.
        hole_mask: [B or 1, H', W', 1], 1 where the background is missing; None means that all of it is known. Without
            a single valid patch the output is 0.

    Returns:
        [B, H, W, C] pasted background; and int32 [B, H / rate, W / rate, 2] offsets, the absolute (row, column) of
        every position's strongest patch on the background's grid at 1/rate.

    Raises:
        ValueError: for an unknown form, an even kernel, sizes that are no multiple of `rate`, or another number of
            channels in foreground and background.

    Example:
        >>> import numpy as np
        >>> from inpaint_tf.layers import ContextualAttention
        >>> features = np.random.default_rng(0).normal(size=(1, 16, 24, 8)).astype("float32")
        >>> mask = np.zeros((1, 16, 24, 1), "float32")
        >>> mask[:, 4:8, 4:8] = 1
        >>> pasted, offsets = ContextualAttention()(features, hole_mask=mask)
        >>> pasted.shape.as_list(), offsets.shape.as_list()
        ([1, 16, 24, 8], [1, 8, 12, 2])

    Reference: Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018; authors' v1.0.0 code
    where it differs from the paper (see `literal_attention`).
    """

    def __init__(
        self,
        rate: int = 2,
        fuse: bool = True,
        fuse_kernel: int = 3,
        softmax_scale: float = 10.0,
        kernel_size: int = 3,
        form: str = "fast",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"attention form {form!r} is unknown; known: {', '.join(FORMS)}.")
        if kernel_size % 2 == 0 or fuse_kernel % 2 == 0:
            raise ValueError(f"kernel_size and fuse_kernel must be odd; got {kernel_size} and {fuse_kernel}.")
        self.rate = rate
        self.fuse = fuse
        self.fuse_kernel = fuse_kernel
        self.softmax_scale = softmax_scale
        self.kernel_size = kernel_size
        self.form = form
        self.built = True

    def call(
        self, foreground: tf.Tensor, background: tf.Tensor | None = None, hole_mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        source = foreground if background is None else background
        self._check(foreground, source)
        if hole_mask is None:
            hole_mask = tf.zeros_like(source[:1, :, :, :1])
        pasted, offsets = FORMS[self.form](
            tf.cast(foreground, tf.float32),
            tf.cast(source, tf.float32),
            tf.cast(hole_mask, tf.float32),
            self.settings,
        )
        pasted.set_shape(foreground.shape)
        return tf.cast(pasted, self.compute_dtype), offsets

    @property
    def settings(self) -> AttentionSettings:
        """What `fast_attention` and `literal_attention` are given."""
        return AttentionSettings(self.rate, self.fuse, self.fuse_kernel, self.softmax_scale, self.kernel_size)

    def _check(self, foreground: tf.Tensor, background: tf.Tensor) -> None:
        if foreground.shape[-1] != background.shape[-1]:
            raise ValueError(
                f"foreground and background must have the same channels; got {foreground.shape} and {background.shape}."
            )
        for name, x in (("foreground", foreground), ("background", background)):
            if any(size is not None and size % self.rate for size in x.shape[1:3]):
                raise ValueError(f"height and width of {name} {x.shape} must be multiples of rate {self.rate}.")

    def get_config(self) -> dict:
        return {**super().get_config(), **dataclasses.asdict(self.settings), "form": self.form}
