"""How DeepFill v2 is trained: SN-PatchGAN with hinge losses, plain L1 of both outputs, free-form holes.

Differences from v1 (authors' master code): no box, no spatial discount, no gradient penalty; the L1 is over the whole
image and weighs 1, like the adversarial loss; one critic step for each generator step. The numbers are in
`deepfill_v2_options`.
"""

import keras
import numpy as np
import tensorflow as tf

from inpaint_tf.data.collages import collage
from inpaint_tf.data.sketches import HED, hed_edges, load_hed, photo_edges
from inpaint_tf.graph_pixels import composite
from inpaint_tf.losses import ADVERSARIAL_LOSSES, feature_matching, mean_l1, r1_penalty
from inpaint_tf.masks.brush import brush_mask
from inpaint_tf.masks.mixed import scaled_brush
from inpaint_tf.models.patch_critic import PatchCritic
from inpaint_tf.models.registry import MODELS
from inpaint_tf.training import picture_terms
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.recipes.deepfill_v1 import DeepFillV1Recipe


class DeepFillV2Recipe(DeepFillV1Recipe):
    """DeepFill v2, guided or not. Phases and warm-up are those of v1.

    The generator's loss is adversarial_weight * adversarial + l1_weight * (coarse_weight * L1 of the coarse output +
    L1 of the refined output). Every step, of critic or generator, moves the power iterations of the critic's spectral
    norms on by one (by `accumulate` if a batch is worked through in parts).

    A guided model sees the photo's own edges inside the hole, and so does its critic.
    """

    def prepare(self, config: TrainingConfig) -> None:
        super().prepare(config)
        if config.sketches == HED:
            load_hed(_in_bfloat16(config))

    def build_critic(self, config: TrainingConfig) -> keras.Model:
        critic = PatchCritic(config.critic_width, guided=_guided(config))
        critic.build()
        return critic

    def authors_holes(self, config: TrainingConfig, count: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        corners, boxes = super().authors_holes(config, count, seed)
        size = config.image_size
        strokes = tf.numpy_function(
            lambda seed: brush_masks(count, size, seed), [seed], tf.float32, stateful=False, name="brush_masks"
        )
        return corners, tf.maximum(boxes, tf.ensure_shape(strokes, boxes.shape))

    def sketch(
        self, config: TrainingConfig, image: tf.Tensor, seed: tf.Tensor, first: tf.Tensor | int
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        if not _guided(config):
            return image, None
        share, seed = config.sketch_collages, tf.random.experimental.stateless_split(seed, 2, alg="philox")

        def own_lines():
            if config.sketches == HED:
                return image, hed_edges(image, bfloat16=_in_bfloat16(config))
            return image, photo_edges(image)

        def collages():
            return collage(image, seed[0], config.batch_size, first)

        if share in (0, 1):
            return collages() if share else own_lines()
        return tf.cond(tf.random.stateless_uniform([], seed[1], alg="philox") < share, collages, own_lines)

    def critic_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch
    ) -> dict[str, tf.Tensor]:
        guide = _guide(batch)
        filled = generator(batch.image, batch.hole_mask, guide)["refined"]
        fake = tf.stop_gradient(composite(batch.image, batch.hole_mask, filled))
        # One run over both, so that the power iterations move once.
        scores = critic(tf.concat([batch.image, fake], axis=0), _twice(batch.hole_mask), _twice(guide), training=True)
        loss = ADVERSARIAL_LOSSES[config.adversarial]
        terms, total = {}, loss.critic(*tf.split(scores, 2))
        if loss.takes_r1 and config.r1_weight > 0:
            terms["r1"] = r1_penalty(lambda image: critic(image, batch.hole_mask, guide), batch.image)
            total += config.r1_weight * terms["r1"]
        return {**terms, "critic_loss": total}

    def generator_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch, phase_name: str
    ) -> dict[str, tf.Tensor]:
        guide = _guide(batch)
        if phase_name == self.WARM_UP:
            coarse = generator(batch.image, batch.hole_mask, guide, stages=1)["coarse"]
            terms = self._reconstruction_terms(config, batch, [(config.coarse_weight, coarse)])
            return {**terms, "generator_loss": self._weighted(config, terms)}
        outputs = generator(batch.image, batch.hole_mask, guide)
        weighted_outputs = [(config.coarse_weight, outputs["coarse"]), (1.0, outputs["refined"])]
        terms = self._reconstruction_terms(config, batch, weighted_outputs)
        total = self._weighted(config, terms)
        fake = composite(batch.image, batch.hole_mask, outputs["refined"])
        if config.adversarial_weight > 0 or config.feature_matching_weight > 0:
            total += self._critic_terms(config, critic, batch, fake, guide, terms)
        total += picture_terms.add(config, batch, fake, terms)
        return {**terms, "generator_loss": total}

    def _critic_terms(self, config, critic, batch, fake, guide, terms):
        """Adds what the critic says of fills to `terms`; returns the weighted sum."""
        real_features = None
        if config.feature_matching_weight > 0:
            real_features = critic(batch.image, batch.hole_mask, guide, with_features=True)[1]
        scores, features = critic(fake, batch.hole_mask, guide, with_features=True, training=True)
        terms["generator_adversarial"] = ADVERSARIAL_LOSSES[config.adversarial].generator(scores)
        total = config.adversarial_weight * terms["generator_adversarial"]
        if real_features is not None:
            terms["matching"] = feature_matching(real_features, features)
            total += config.feature_matching_weight * terms["matching"]
        return total

    def _reconstruction_terms(self, config, batch, weighted_outputs):
        if config.reconstruction == "hole":
            return super()._reconstruction_terms(config, batch, weighted_outputs)
        # The known pixels are in it already.
        return {"l1": sum(weight * mean_l1(batch.image, output) for weight, output in weighted_outputs)}


def brush_masks(count: int, image_size: int, seed: np.ndarray) -> np.ndarray:
    """Free-form masks, float32 [count, S, S, 1], 1 = hole; brushes of the authors' proportions. `seed`: integers."""
    random = np.random.default_rng(np.abs(np.asarray(seed, np.int64)))
    masks = [brush_mask(image_size, image_size, random, scaled_brush(image_size)) for _ in range(count)]
    return np.stack(masks)[..., np.newaxis].astype(np.float32)


def _guided(config):
    return MODELS[config.model].guided


def _guide(batch):
    """The sketch inside the hole, or None for a model without guidance."""
    return None if batch.guide is None else batch.guide * batch.hole_mask


def _in_bfloat16(config):
    """Whether HED computes in bfloat16. Never in float16: VGG16's features go beyond what it holds."""
    return config.precision == "mixed_bfloat16"


def _twice(x):
    """For a batch of real images followed by as many fake ones; one row serves all, None stays None."""
    return x if x is None or x.shape[0] == 1 else tf.concat([x, x], axis=0)
