"""Feature matching by hand-made arithmetic."""

import numpy as np
import tensorflow as tf

from inpaint_tf.losses import feature_matching


def test_mean_over_layers_of_mean_differences():
    real = [tf.constant([[1.0, 2.0]]), tf.constant([[4.0]], tf.bfloat16)]
    fake = [tf.constant([[1.0, 4.0]]), tf.constant([[1.0]], tf.bfloat16)]
    with tf.GradientTape() as tape:
        tape.watch([*real, *fake])
        loss = feature_matching(real, fake)
    # Means 1 and 3 of two layers.
    assert float(loss) == 2 and loss.dtype == tf.float32
    gradients = tape.gradient(loss, [*real, *fake])
    assert gradients[0] is None and gradients[1] is None
    np.testing.assert_allclose(gradients[2], [[0, 0.25]])
