"""What the added losses cost: processor seconds of a generator step and of a critic step, 256x256, batch 4.

    taskset -c 0 env PYTHONPATH=. python experiments/campaign_2/cost.py

Processor time, not the clock's, so that other work on the machine does not count. The best of five steps.
"""

import time

import numpy as np
import tensorflow as tf

from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps

ALONE = {"adversarial_weight": 0.0, "n_critic": 0}
CRITICS = {"critic_width": 32, "n_critic": 1, "adversarial": "non_saturating", "adversarial_weight": 0.01}
VARIANTS = {
    "L1 alone": ALONE,
    "+ perceptual": {**ALONE, "perceptual_weight": 1.0},
    "+ perceptual at half the scale, 5 layers": {
        **ALONE,
        "perceptual_weight": 1.0,
        "perceptual_scale": 2,
        "perceptual_layers": 5,
    },
    "+ spectrum": {**ALONE, "spectrum_weight": 1.0},
    "+ critics (width 32)": CRITICS,
    "+ critics, R1": {**CRITICS, "r1_weight": 1.0},
    "+ critics, R1, feature matching": {**CRITICS, "r1_weight": 1.0, "feature_matching_weight": 1.0},
}


def main():
    strategy = tf.distribute.get_strategy()
    photos = tf.constant(np.random.default_rng(0).integers(0, 256, (4, 256, 256, 3)).astype(np.uint8))
    for name, changes in VARIANTS.items():
        config = TrainingConfig(
            width=16,
            batch_size=4,
            holes="mixed",
            reconstruction="hole",
            mask_per_image=True,
            precision="mixed_bfloat16",
            **changes,
        )
        recipe = recipe_for(config.model)
        steps = Steps(config, recipe, TrainingState(config, recipe, strategy), strategy)
        kinds = {"generator": lambda steps=steps: steps.generator(photos, "joint")}
        if config.n_critic:
            kinds["critic"] = lambda steps=steps: steps.critic(photos)
        print(name, {kind: round(seconds(step), 2) for kind, step in kinds.items()}, flush=True)


def seconds(step):
    """Processor seconds of the fastest of five calls, after one that traces."""
    times = []
    for _ in range(6):
        started = time.process_time()
        for value in step().values():
            value.numpy()
        times.append(time.process_time() - started)
    return min(times[1:])


if __name__ == "__main__":
    main()
