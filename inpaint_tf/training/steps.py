"""One critic step and one generator step, as compiled functions.

A step gets a batch of raw photos, draws holes and penalty points from the batch's number, asks the recipe for its loss
terms, differentiates, averages over replicas, clips and applies. Random draws are made for the global batch and then
cut, so two workers that share a batch draw what one worker with the whole batch would.
"""

import functools
from typing import Any

import tensorflow as tf

from inpaint_tf.graph_pixels import to_float
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.optimizers import apply_gradients, average_decay, learning_rate
from inpaint_tf.training.recipes import Recipe
from inpaint_tf.training.state import SCALE_PATIENCE, TrainingState, raw_variables

# Folded into a batch's seed for what sketches draw.
SKETCHES_SEED = 1


class Steps:
    """The compiled steps of a run.

    Args:
        config: A `TrainingConfig`.
        recipe: The `Recipe`.
        state: The `TrainingState`, whose variables and counters the steps move.
        strategy: The strategy that the state lives in.
    """

    def __init__(
        self, config: TrainingConfig, recipe: Recipe, state: TrainingState, strategy: tf.distribute.Strategy
    ) -> None:
        self.config, self.recipe, self.state, self.strategy = config, recipe, state, strategy
        self._compiled = {}

    def critic(self, photos: Any) -> dict[str, tf.Tensor]:
        """Moves the critics.

        Args:
            photos: uint8 [B, S, S, 3] RGB, or what the strategy makes of such batches.

        Returns:
            Name -> float32 scalar tensor: loss terms and "critic_gradient_norm". Nothing waits for the device.
        """
        return self._run("critic", photos)

    def generator(self, photos: Any, phase_name: str) -> dict[str, tf.Tensor]:
        """Moves the generator (and its averages) by the objective of a phase. Otherwise like `critic`."""
        return self._run(phase_name, photos)

    def gradients(self, kind: str, batch: Batch) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Loss terms and gradients of one replica's batch, nothing applied.

        Args:
            kind: "critic", or the name of a phase for the generator.
            batch: A `Batch`; its size is a multiple of `accumulate`.

        Returns:
            Gradients in the order of `variables(kind)`, and name -> float32 scalar.
        """
        variables = self.variables(kind)
        scale = 1.0 if self.state.loss_scale is None else tf.convert_to_tensor(self.state.loss_scale[0])

        def of_part(part):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                if kind == "critic":
                    terms = self.recipe.critic_terms(self.config, self.state.generator, self.state.critic, part)
                    loss = terms["critic_loss"]
                else:
                    terms = self.recipe.generator_terms(
                        self.config, self.state.generator, self.state.critic, part, kind
                    )
                    loss = terms["generator_loss"]
                loss *= scale
            gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return [gradient / scale for gradient in gradients] if self.state.loss_scale else gradients, terms

        return _mean_over_parts(of_part, batch, self.config.accumulate)

    def variables(self, kind: str) -> list[tf.Variable]:
        """The `tf.Variable`s that a step moves; `kind` as in `gradients`."""
        if kind == "critic":
            return raw_variables(self.state.critic)
        return [v.value for v in self.recipe.generator_variables(self.state.generator, kind)]

    def _run(self, kind, photos):
        counters = self.state.counters
        counters.updates += 1
        terms = self._step(kind)(
            photos,
            tf.constant(counters.batches, tf.int32),
            tf.constant(counters.updates, tf.float32),
            tf.constant(learning_rate(self.config, counters.step), tf.float32),
            tf.constant(average_decay(self.config.ema_decay, counters.step), tf.float32),
        )
        counters.batches += 1
        return terms

    def _step(self, kind):
        """The compiled step, built at its first use."""
        if kind in self._compiled:
            return self._compiled[kind]
        gradients_of = functools.partial(self.gradients, kind)
        if self.config.jit_compile:
            gradients_of = tf.function(gradients_of, autograph=False, jit_compile=True)
        variables = self.variables(kind)
        averages = None
        if kind != "critic" and self.state.averages is not None:
            index = {id(variable): i for i, variable in enumerate(raw_variables(self.state.generator))}
            averages = [self.state.averages[index[id(variable)]] for variable in variables]
        optimizer = self.state.critic_optimizer if kind == "critic" else self.state.generator_optimizer

        def on_replica(photos, batch_number):
            gradients, terms = gradients_of(self.draw(photos, batch_number))
            gradients, terms = _mean_over_replicas(gradients, terms)
            norm = tf.linalg.global_norm(gradients)
            terms[f"{'critic' if kind == 'critic' else 'generator'}_gradient_norm"] = norm
            if self.config.clip_norm > 0:
                factor = self.config.clip_norm / tf.maximum(norm, self.config.clip_norm)
                gradients = [gradient * factor for gradient in gradients]
            return gradients, terms

        # Without AutoGraph: control flow here is explicit, and converting every layer takes longer than tracing it.
        @tf.function(autograph=False)
        def step(photos, batch_number, count, rate, decay):
            gradients, terms = self.strategy.run(on_replica, args=(photos, batch_number))
            terms = {name: self.strategy.experimental_local_results(value)[0] for name, value in terms.items()}
            skip = self._adjust_loss_scale(tf.reduce_sum([terms[n] for n in terms if n.endswith("_norm")]))
            moving = {"averages": averages, "decay": decay, "skip": skip}
            apply_gradients(self.strategy, optimizer, variables, gradients, count=count, rate=rate, **moving)
            return terms

        self._compiled[kind] = step
        return step

    def draw(self, photos: tf.Tensor, batch_number: tf.Tensor) -> Batch:
        """A replica's `Batch`: its photos in [-1, 1] and its share of what is drawn for the global batch."""
        config = self.config
        local = photos.shape[0]
        first = tf.distribute.get_replica_context().replica_id_in_sync_group * local
        seed = tf.stack([tf.constant(config.seed, tf.int32), batch_number])
        hole_seed, alpha_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2, alg="philox"))
        corners, masks = self.recipe.sample_holes(config, config.batch_size if config.mask_per_image else 1, hole_seed)
        if config.mask_per_image:
            corners, masks = corners[first : first + local], masks[first : first + local]
            corners = tf.ensure_shape(corners, [local, 2])
            masks = tf.ensure_shape(masks, [local, *masks.shape[1:]])
        alphas = tf.random.stateless_uniform([config.batch_size, 2], alpha_seed, alg="philox")
        alphas = tf.ensure_shape(alphas[first : first + local], [local, 2])
        sketch_seed = tf.random.experimental.stateless_fold_in(seed, SKETCHES_SEED, alg="philox")
        image, guide = self.recipe.sketch(config, to_float(photos), sketch_seed, first)
        return Batch(image, masks, corners, alphas, guide)

    def _adjust_loss_scale(self, norm):
        """Halves or doubles the loss scale of mixed_float16; whether the step must be skipped, or None."""
        if self.state.loss_scale is None:
            return None
        scale, patience = self.state.loss_scale
        finite = tf.math.is_finite(norm)
        count = tf.where(finite, tf.convert_to_tensor(patience) + 1.0, 0.0)
        grown = count >= SCALE_PATIENCE
        factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
        values = (
            tf.clip_by_value(tf.convert_to_tensor(scale) * factor, 1.0, 2.0**24),
            tf.where(grown, 0.0, count),
        )
        for variable, value in zip((scale, patience), values):
            self.strategy.extended.update(variable, lambda v, x: v.assign(x), args=(value,), group=False)
        return tf.logical_not(finite)


def _mean_over_parts(of_part, batch, parts):
    """Runs `of_part` on every part of a batch, one after the other, and averages gradients and terms."""
    if parts == 1:
        return of_part(batch)
    size = batch.image.shape[0] // parts

    def part_of(index):
        def cut(x):
            return tf.ensure_shape(x[index * size : (index + 1) * size], [size, *x.shape[1:]])

        return Batch(*(x if x is None or x.shape[0] == 1 else cut(x) for x in batch))

    def add(index, sums):
        return index + 1, tf.nest.map_structure(tf.add, sums, tuple(of_part(part_of(index))))

    # The first part shows the structure of the sums.
    _, sums = tf.while_loop(
        lambda index, _: index < parts,
        add,
        (tf.constant(1), tuple(of_part(part_of(0)))),
        parallel_iterations=1,
    )
    return tf.nest.map_structure(lambda x: x / parts, sums)


def _mean_over_replicas(gradients, terms):
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas == 1:
        return gradients, terms
    names = list(terms)
    sums = context.all_reduce(tf.distribute.ReduceOp.SUM, [*gradients, *(terms[name] for name in names)])
    means = [x / replicas for x in sums]
    return means[: len(gradients)], dict(zip(names, means[len(gradients) :]))
