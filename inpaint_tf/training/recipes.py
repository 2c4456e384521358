"""What differs between the systems that can be trained: critics, losses, holes and phases.

The loop asks a recipe which steps to take, and the steps ask it for loss terms; neither knows a system by name. A new
system is a class here (or in a module of its own) and a line in `RECIPES`.
"""

import dataclasses
import importlib
from typing import NamedTuple

import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.losses import (
    ADVERSARIAL_LOSSES,
    discounted_l1,
    gradient_penalty,
    hole_discount,
    interpolate,
    known_region_l1,
    weighted_l1,
)
from inpaint_tf.losses.reconstruction import spatial_discount
from inpaint_tf.masks.boxes import BoxHoles, crop_boxes
from inpaint_tf.masks.mixed import sample_mixed_holes
from inpaint_tf.models.critics import LocalGlobalCritic
from inpaint_tf.models.two_stage import complete
from inpaint_tf.training.optimizers import Adam


class Batch(NamedTuple):
    """What a step sees. Holes and boxes have one row, or one per image.

    Attributes:
        image: float32 [B, S, S, 3] RGB in [-1, 1].
        hole_mask: float32 [1 or B, S, S, 1], 1 = hole.
        corners: int32 [1 or B, 2], top and left of the box around the hole.
        alphas: float32 [B, 2], uniform in [0, 1): where between real and fake the penalties look (local, global).
    """

    image: tf.Tensor
    hole_mask: tf.Tensor
    corners: tf.Tensor
    alphas: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Phase:
    """What one iteration of the loop does.

    Attributes:
        name: Name of the generator's objective, which `Recipe.generator_terms` gets; also what logs call the phase.
        critic_steps: Critic steps before the generator step.
        generator_moves: Whether there is a generator step.
    """

    name: str
    critic_steps: int
    generator_moves: bool = True


class Recipe:
    """How a system is trained. Stateless; everything that varies comes in the `TrainingConfig`.

    Loss terms are dictionaries from names to float32 scalars, means over the batch, so that replicas and parts of a
    batch can be averaged. What is minimised is the term "critic_loss" or "generator_loss".
    """

    def build_critic(self, config):
        """The critics as one built Keras model."""
        raise NotImplementedError

    def build_optimizer(self, config, variables):
        """The optimiser of the generator's or the critics' `tf.Variable`s, see `optimizers.Adam`."""
        return Adam(variables, config.beta_1, config.beta_2, config.epsilon)

    def sample_holes(self, config, count, seed):
        """Corners, int32 [count, 2], and hole masks, float32 [count, S, S, 1], from a seed [2]."""
        if config.holes == "mixed":
            return sample_mixed_holes(count, config.image_size, config.box_size, seed)
        return self.authors_holes(config, count, seed)

    def authors_holes(self, config, count, seed):
        """What `sample_holes` draws unless told otherwise: the box holes of DeepFill v1."""
        return BoxHoles.for_image(config.image_size).sample(count, seed)

    def phase(self, config, step):
        """The `Phase` of generator step `step` (a Python int, from 0)."""
        raise NotImplementedError

    def generator_variables(self, generator, phase_name):
        """The variables that the generator step moves."""
        raise NotImplementedError

    def critic_terms(self, config, generator, critic, batch):
        """Loss terms of a critic step. Only the critics' variables are watched."""
        raise NotImplementedError

    def generator_terms(self, config, generator, critic, batch, phase_name):
        """Loss terms of a generator step."""
        raise NotImplementedError


class DeepFillV1Recipe(Recipe):
    """DeepFill v1 and its baseline: WGAN-GP with local and global critics, discounted L1, L1 of known pixels.

    The generator's loss is adversarial_weight * (local + global_weight * global) + l1_weight * l1 + known_weight * ae,
    which is the whole loss of the authors' v1.0.0 code; the paper leaves out the weights and the last term. In the
    warm-up only the coarse network is run and moved, by its share of the two L1 losses, and critics rest.

    `config.critics` leaves one of the two critics out of all losses, the variant that the paper argues against.
    """

    WARM_UP, JOINT = "warm_up", "joint"

    def build_critic(self, config):
        critic = LocalGlobalCritic(config.critic_width, config.image_size, config.box_size)
        critic.build()
        return critic

    def phase(self, config, step):
        if step < config.pretrain_coarse_steps:
            return Phase(self.WARM_UP, critic_steps=0)
        return Phase(self.JOINT, critic_steps=config.n_critic)

    def generator_variables(self, generator, phase_name):
        return (generator.coarse if phase_name == self.WARM_UP else generator).trainable_variables

    def critic_terms(self, config, generator, critic, batch):
        filled = generator(batch.image, batch.hole_mask)["refined"]
        fake = tf.stop_gradient(complete(batch.image, batch.hole_mask, filled))
        boxes = (crop_boxes(x, batch.corners, config.box_size) for x in (batch.image, fake))
        return self.critic_terms_of_pairs(config, critic, batch, fake, *boxes)

    def critic_terms_of_pairs(self, config, critic, batch, fake, real_box, fake_box):
        """Loss terms of a critic step from finished pairs of real and fake images and boxes."""
        loss = ADVERSARIAL_LOSSES[config.adversarial]
        pairs = {"local": (real_box, fake_box), "global": (batch.image, fake)}
        terms, total = {}, 0.0
        for side in _sides(config):
            scores = _score(critic, side)(tf.concat(pairs[side], axis=0))
            terms[f"critic_{side}"] = loss.critic(*tf.split(scores, 2))
            total += terms[f"critic_{side}"]
        if loss.penalised and config.penalty_weight > 0:
            masks = {"local": crop_boxes(batch.hole_mask, batch.corners, config.box_size), "global": batch.hole_mask}
            alphas = {"local": batch.alphas[:, :1], "global": batch.alphas[:, 1:]}
            for side in _sides(config):
                points = interpolate(*pairs[side], alphas[side])
                terms[f"penalty_{side}"] = gradient_penalty(_score(critic, side), points, masks[side])
            terms["penalty"] = config.penalty_weight * sum(terms[f"penalty_{side}"] for side in _sides(config))
            total += terms["penalty"]
        return {**terms, "critic_loss": total}

    def generator_terms(self, config, generator, critic, batch, phase_name):
        if phase_name == self.WARM_UP:
            coarse = generator.run_coarse(batch.image * (1 - batch.hole_mask), batch.hole_mask)
            terms = self._reconstruction_terms(config, batch, [(config.coarse_weight, coarse)])
            return {**terms, "generator_loss": self._weighted(config, terms)}
        outputs = generator(batch.image, batch.hole_mask)
        weighted_outputs = [(1.0, outputs["refined"])]
        if generator.refinement_stage:
            weighted_outputs.insert(0, (config.coarse_weight, outputs["coarse"]))
        terms = self._reconstruction_terms(config, batch, weighted_outputs)
        total = self._weighted(config, terms)
        if config.adversarial_weight > 0:
            loss = ADVERSARIAL_LOSSES[config.adversarial]
            fake = complete(batch.image, batch.hole_mask, outputs["refined"])
            seen = {"local": crop_boxes(fake, batch.corners, config.box_size), "global": fake}
            weights = {"local": 1.0, "global": config.global_weight}
            for side in _sides(config):
                terms[f"generator_{side}"] = loss.generator(_score(critic, side)(seen[side]))
                total += config.adversarial_weight * weights[side] * terms[f"generator_{side}"]
        return {**terms, "generator_loss": total}

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


# Name of a model in the registry of models -> module and class of how it is trained.
RECIPES = {
    "deepfill_v1": (__name__, "DeepFillV1Recipe"),
    "deepfill_v1_no_fusion": (__name__, "DeepFillV1Recipe"),
    "deepfill_v1_baseline": (__name__, "DeepFillV1Recipe"),
    "deepfill_v1_single_stage": (__name__, "DeepFillV1Recipe"),
    "deepfill_v2": ("inpaint_tf.training.recipe_deepfill_v2", "DeepFillV2Recipe"),
    "deepfill_v2_guided": ("inpaint_tf.training.recipe_deepfill_v2", "DeepFillV2Recipe"),
    "glcic": ("inpaint_tf.training.recipe_glcic", "GLCICRecipe"),
}


def recipe_for(model):
    """The recipe of a model. Raises UserError if it has none."""
    if model not in RECIPES:
        raise UserError(f"there is no way to train --model={model}; known: {', '.join(sorted(RECIPES))}.")
    module, name = RECIPES[model]
    return getattr(importlib.import_module(module), name)()
