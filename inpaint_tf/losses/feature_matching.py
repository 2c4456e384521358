"""Feature matching: the generator makes the critic feel about a fill as it feels about the photo.

Wang et al., High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs, CVPR 2018, equation 3;
Suvorov et al., Resolution-robust Large Mask Inpainting, WACV 2022, section 2.3.
"""

import tensorflow as tf


def feature_matching(real_features: list[tf.Tensor], fake_features: list[tf.Tensor]) -> tf.Tensor:
    """Mean over layers of the mean absolute difference of a critic's features.

    Args:
        real_features: List of [B, h, w, C] of photos; no gradient goes into them.
        fake_features: The same of completed photos.

    Returns:
        float32 scalar, 0 or more.
    """
    parts = [
        tf.reduce_mean(tf.abs(tf.cast(tf.stop_gradient(real), tf.float32) - tf.cast(fake, tf.float32)))
        for real, fake in zip(real_features, fake_features, strict=True)
    ]
    return tf.add_n(parts) / len(parts)
