"""How DeepFill v1, its baseline and its single stage are trained."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from inpaint_tf.graph_pixels import composite
from inpaint_tf.losses import (
    ADVERSARIAL_LOSSES,
    discounted_l1,
    feature_matching,
    gradient_penalty,
    hole_discount,
    interpolate,
    known_region_l1,
    r1_penalty,
    weighted_l1,
)
from inpaint_tf.losses.reconstruction import spatial_discount
from inpaint_tf.masks.boxes import crop_boxes
from inpaint_tf.models.critics import LocalGlobalCritic
from inpaint_tf.training import picture_terms
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes.base import Phase, Recipe


class DeepFillV1Recipe(Recipe):
    """DeepFill v1 and its baseline: WGAN-GP with local and global critics, discounted L1, L1 of known pixels.

    The generator's loss is adversarial_weight * (local + global_weight * global) + l1_weight * l1 + known_weight * ae,
    which is the whole loss of the authors' v1.0.0 code; the paper leaves out the weights and the last term. In the
    warm-up only the coarse network is run and moved, by its share of the two L1 losses, and critics rest.

    `config.critics` leaves one of the two critics out of all losses, the variant that the paper argues against.
    """

    WARM_UP, JOINT = "warm_up", "joint"

    def build_critic(self, config: TrainingConfig) -> keras.Model:
        critic = LocalGlobalCritic(config.critic_width, config.image_size, config.box_size)
        critic.build()
        return critic

    def phase(self, config: TrainingConfig, step: int) -> Phase:
        if step < config.pretrain_coarse_steps:
            return Phase(self.WARM_UP, critic_steps=0)
        return Phase(self.JOINT, critic_steps=config.n_critic)

    def generator_variables(self, generator: keras.Model, phase_name: str) -> Sequence[keras.Variable]:
        return generator.first_stage_variables if phase_name == self.WARM_UP else generator.trainable_variables

    def critic_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch
    ) -> dict[str, tf.Tensor]:
        filled = generator(batch.image, batch.hole_mask)["refined"]
        fake = tf.stop_gradient(composite(batch.image, batch.hole_mask, filled))
        boxes = (crop_boxes(x, batch.corners, config.box_size) for x in (batch.image, fake))
        return self.critic_terms_of_pairs(config, critic, batch, fake, *boxes)

    def critic_terms_of_pairs(
        self,
        config: TrainingConfig,
        critic: keras.Model,
        batch: Batch,
        fake: tf.Tensor,
        real_box: tf.Tensor,
        fake_box: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Loss terms of a critic step from finished pairs of real and fake images and boxes."""
        loss = ADVERSARIAL_LOSSES[config.adversarial]
        pairs = {"local": (real_box, fake_box), "global": (batch.image, fake)}
        terms, total = {}, 0.0
        for side in _sides(config):
            scores = _score(critic, side)(tf.concat(pairs[side], axis=0))
            terms[f"critic_{side}"] = loss.critic(*tf.split(scores, 2))
            total += terms[f"critic_{side}"]
        if loss.takes_r1 and config.r1_weight > 0:
            for side in _sides(config):
                terms[f"r1_{side}"] = r1_penalty(_score(critic, side), pairs[side][0])
                total += config.r1_weight * terms[f"r1_{side}"]
        if loss.penalised and config.penalty_weight > 0:
            masks = {"local": crop_boxes(batch.hole_mask, batch.corners, config.box_size), "global": batch.hole_mask}
            alphas = {"local": batch.alphas[:, :1], "global": batch.alphas[:, 1:]}
            for side in _sides(config):
                points = interpolate(*pairs[side], alphas[side])
                terms[f"penalty_{side}"] = gradient_penalty(_score(critic, side), points, masks[side])
            terms["penalty"] = config.penalty_weight * sum(terms[f"penalty_{side}"] for side in _sides(config))
            total += terms["penalty"]
        return {**terms, "critic_loss": total}

    def generator_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch, phase_name: str
    ) -> dict[str, tf.Tensor]:
        if phase_name == self.WARM_UP:
            coarse = generator(batch.image, batch.hole_mask, stages=1)["coarse"]
            terms = self._reconstruction_terms(config, batch, [(config.coarse_weight, coarse)])
            return {**terms, "generator_loss": self._weighted(config, terms)}
        outputs = generator(batch.image, batch.hole_mask)
        weighted_outputs = [(1.0, outputs["refined"])]
        if len(generator.network.stages) > 1:
            weighted_outputs.insert(0, (config.coarse_weight, outputs["coarse"]))
        terms = self._reconstruction_terms(config, batch, weighted_outputs)
        total = self._weighted(config, terms)
        fake = composite(batch.image, batch.hole_mask, outputs["refined"])
        if config.adversarial_weight > 0 or config.feature_matching_weight > 0:
            total += self._critics_terms(config, critic, batch, fake, terms)
        total += picture_terms.add(config, batch, fake, terms)
        return {**terms, "generator_loss": total}

    def _critics_terms(self, config, critic, batch, fake, terms):
        """Adds what the critics say of fills to `terms`; returns the weighted sum."""
        loss, total = ADVERSARIAL_LOSSES[config.adversarial], 0.0
        weights = {"local": 1.0, "global": config.global_weight}
        for side in _sides(config):

            def seen(image, side=side):
                return crop_boxes(image, batch.corners, config.box_size) if side == "local" else image

            scores, features = _judge(critic, side)(seen(fake))
            terms[f"generator_{side}"] = loss.generator(scores)
            total += config.adversarial_weight * weights[side] * terms[f"generator_{side}"]
            if config.feature_matching_weight > 0:
                real_features = _judge(critic, side)(seen(batch.image))[1]
                terms[f"matching_{side}"] = feature_matching(real_features, features)
                total += config.feature_matching_weight * weights[side] * terms[f"matching_{side}"]
        return total

    def _reconstruction_terms(self, config, batch, weighted_outputs):
        """Discounted L1 of the hole ("l1") and L1 of known pixels ("known"), summed over weighted outputs."""
        l1_of = self._box_l1(config, batch) if config.reconstruction == "authors" else self._hole_l1(config, batch)
        l1 = known = 0.0
        for weight, output in weighted_outputs:
            l1 += weight * l1_of(output)
            known += weight * known_region_l1(batch.image, output, batch.hole_mask)
        return {"l1": l1, "known": known}

    def _box_l1(self, config, batch):
        """Function: output -> the authors' discounted L1 of the box."""
        discount = tf.constant(spatial_discount(config.box_size, config.box_size, config.spatial_discount))
        target = crop_boxes(batch.image, batch.corners, config.box_size)
        return lambda output: discounted_l1(target, crop_boxes(output, batch.corners, config.box_size), discount)

    def _hole_l1(self, config, batch):
        """Function: output -> L1 of the hole, whatever its shape."""
        weights = hole_discount(batch.hole_mask, config.spatial_discount)
        return lambda output: weighted_l1(batch.image, output, weights)

    def _weighted(self, config, terms):
        return config.l1_weight * terms["l1"] + config.known_weight * terms.get("known", 0.0)


def _sides(config):
    """The critics that take part."""
    return ("local", "global") if config.critics == "both" else (config.critics,)


def _score(critic, side):
    return critic.score_boxes if side == "local" else critic.score_images


def _judge(critic, side):
    return critic.judge_boxes if side == "local" else critic.judge_images
