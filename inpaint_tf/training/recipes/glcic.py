"""How GLCIC is trained: squared error of the hole alone, then the discriminators alone, then both (Iizuka et al. 2017).

The phases' lengths are `pretrain_coarse_steps`, `pretrain_critic_steps` and the rest of `max_steps`; the paper's are
90,000, 10,000 and 400,000. The optimiser is Adadelta, so the learning rate is a factor, 1 in the paper.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from inpaint_tf.graph_pixels import composite
from inpaint_tf.losses import ADVERSARIAL_LOSSES, mean_l2
from inpaint_tf.masks.boxes import crop_boxes
from inpaint_tf.models.glcic import JointCritic
from inpaint_tf.training import picture_terms
from inpaint_tf.training.adadelta import Adadelta
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes.base import Phase, Recipe


class GLCICRecipe(Recipe):
    """GLCIC.

    The generator's loss is the mean squared error of the hole, on [0, 1], plus adversarial_weight times the
    adversarial loss of one joint score (4e-4 in the paper; weights of L1 losses play no part). The discriminators'
    batches of real and of fake images are normalised apart.

    Where it differs from the paper: real images are judged at the box of the fake ones, not at another random one;
    the generator's adversarial loss is the non-saturating form. Ours, because the sources at hand say nothing of them:
    the error is a mean over the hole's values, so its weight against the adversarial loss does not depend on the hole's
    size; holes are DeepFill's random boxes; a joint step is `n_critic` discriminator steps, then one of the generator;
    Adadelta's decay 0.95 and epsilon 1e-6 are those of its author; running means of batch normalisation and the mean
    colour follow the batches of discriminator steps too.
    """

    RECONSTRUCTION, CRITIC, JOINT = "reconstruction", "critic_only", "joint"

    def build_critic(self, config: TrainingConfig) -> keras.Model:
        critic = JointCritic(config.critic_width, config.image_size, config.box_size)
        critic.build()
        return critic

    def build_optimizer(self, config: TrainingConfig, variables: Sequence[tf.Variable]) -> Adadelta:
        return Adadelta(variables)

    def phase(self, config: TrainingConfig, step: int) -> Phase:
        if step < config.pretrain_coarse_steps:
            return Phase(self.RECONSTRUCTION, critic_steps=0)
        if step < config.pretrain_coarse_steps + config.pretrain_critic_steps:
            return Phase(self.CRITIC, critic_steps=config.n_critic, generator_moves=False)
        return Phase(self.JOINT, critic_steps=config.n_critic)

    def generator_variables(self, generator: keras.Model, phase_name: str) -> Sequence[keras.Variable]:
        return generator.trainable_variables

    def critic_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch
    ) -> dict[str, tf.Tensor]:
        filled = generator(batch.image, batch.hole_mask, training=True)["refined"]
        fake = tf.stop_gradient(composite(batch.image, batch.hole_mask, filled))
        scores = [self._score(config, critic, batch, x) for x in (batch.image, fake)]
        return {"critic_loss": ADVERSARIAL_LOSSES[config.adversarial].critic(*scores)}

    def generator_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch, phase_name: str
    ) -> dict[str, tf.Tensor]:
        filled = generator(batch.image, batch.hole_mask, training=True)["refined"]
        # A difference on [-1, 1] is twice that on [0, 1].
        terms = {"l2": mean_l2(batch.image, filled, batch.hole_mask) / 4}
        total = terms["l2"]
        fake = composite(batch.image, batch.hole_mask, filled)
        total += picture_terms.add(config, batch, fake, terms)
        if phase_name == self.JOINT and config.adversarial_weight > 0:
            score = self._score(config, critic, batch, fake)
            terms["generator_adversarial"] = ADVERSARIAL_LOSSES[config.adversarial].generator(score)
            total += config.adversarial_weight * terms["generator_adversarial"]
        return {**terms, "generator_loss": total}

    def _score(self, config, critic, batch, image):
        return critic(image, crop_boxes(image, batch.corners, config.box_size), training=True)
