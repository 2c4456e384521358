"""What a recipe is: how one system is trained. The loop and the steps ask it, and neither knows a system by name."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from inpaint_tf.masks.boxes import BoxHoles
from inpaint_tf.masks.mixed import sample_mixed_holes
from inpaint_tf.training import picture_terms
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.optimizers import Adam


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

    def prepare(self, config: TrainingConfig) -> None:
        """Loads what losses need besides the networks, before step 0, so that what is missing is said at once.

        Raises:
            UserError: if something is missing.
        """
        if config.perceptual_weight > 0:
            picture_terms.load_network(config)

    def build_critic(self, config: TrainingConfig) -> keras.Model:
        """The critics as one built Keras model."""
        raise NotImplementedError

    def build_optimizer(self, config: TrainingConfig, variables: Sequence[tf.Variable]) -> Any:
        """The optimiser of the generator's or the critics' `tf.Variable`s, see `optimizers.Adam`."""
        return Adam(variables, config.beta_1, config.beta_2, config.epsilon)

    def sample_holes(self, config: TrainingConfig, count: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Corners, int32 [count, 2], and hole masks, float32 [count, S, S, 1], from a seed [2]."""
        if config.holes == "mixed":
            return sample_mixed_holes(count, config.image_size, config.box_size, seed)
        return self.authors_holes(config, count, seed)

    def authors_holes(self, config: TrainingConfig, count: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What `sample_holes` draws unless told otherwise: the box holes of DeepFill v1."""
        return BoxHoles.for_image(config.image_size).sample(count, seed)

    def sketch(
        self, config: TrainingConfig, image: tf.Tensor, seed: tf.Tensor, first: tf.Tensor | int
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The images that are trained on, and the lines that guide the model.

        Args:
            config: The `TrainingConfig`.
            image: float32 [B, S, S, 3], a replica's photos in [-1, 1].
            seed: int32 [2], for draws of the global batch.
            first: Which of its images is the replica's first one.

        Returns:
            The images, and float32 [B, S, S, 1], 1 = line, or None for models that are not guided.
        """
        return image, None

    def phase(self, config: TrainingConfig, step: int) -> Phase:
        """The `Phase` of generator step `step` (a Python int, from 0)."""
        raise NotImplementedError

    def generator_variables(self, generator: keras.Model, phase_name: str) -> Sequence[keras.Variable]:
        """The variables that the generator step moves."""
        raise NotImplementedError

    def critic_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch
    ) -> dict[str, tf.Tensor]:
        """Loss terms of a critic step. Only the critics' variables are watched."""
        raise NotImplementedError

    def generator_terms(
        self, config: TrainingConfig, generator: keras.Model, critic: keras.Model, batch: Batch, phase_name: str
    ) -> dict[str, tf.Tensor]:
        """Loss terms of a generator step."""
        raise NotImplementedError
