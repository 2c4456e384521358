"""Writes training steps of inpaint_tf as programs for a machine that has a GPU and JAX, but no TensorFlow.

    PYTHONPATH=. python experiments/campaign_3/export_program.py --flagfile=experiments/campaign_3/flags/NAME.flags \
        --name=NAME --output=FOLDER

A step becomes a pure function of arrays: the state (weights, optimisers' slots, averages), a batch (photos, holes,
corners, alphas), the frozen network of the perceptual loss, and three numbers (update, learning rate, decay of the
averages) give the new state and the loss terms. Critics and generator move on the same batch, from the same weights, so
that XLA runs the generator once for both; `inpaint-tf train` takes a fresh batch for each.

FOLDER gets NAME.program (for `jax.export.deserialize`), NAME.json (names of arguments and results), NAME.npz (the
generator's first weights) and frozen.npz (the frozen network).
"""

import dataclasses
import json
import pathlib

import jax
import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from jax._src.export import _export
from jax._src.lib import xla_client
from jax._src.lib.mlir import ir
from jaxlib import _jax

from inpaint_tf.commands import train
from inpaint_tf.graph_pixels import to_float
from inpaint_tf.losses import feature_network
from inpaint_tf.models.presets import named_variables
from inpaint_tf.training import picture_terms
from inpaint_tf.training.adadelta import Adadelta
from inpaint_tf.training.batch import Batch
from inpaint_tf.training.initial_weights import take_initial_weights
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps

FLAGS = flags.FLAGS
train.define_flags(FLAGS)
flags.DEFINE_string("name", None, "Name of the program.", required=True)
flags.DEFINE_string("output", None, "Folder.", required=True)
flags.DEFINE_string("platform", "cuda", "What it is for: cuda or cpu.")
flags.DEFINE_string("phase", "joint", "Phase of the recipe.")
flags.DEFINE_boolean("guides", False, "Take sketches as an argument instead of the photos' gradients.")


class Program:
    """The pure step of a configuration.

    Trainable variables of a network, its optimiser's slots and its averages are one flat vector each, so that an update
    is a handful of operations whatever the number of layers.

    Attributes:
        state: Name -> first value, float32: "generator", "critic" (flat), their slots, "averages", and
            "generator:NAME" or "critic:NAME" for what is not trained.
        frozen: Name -> float16 array of the frozen network.
    """

    def __init__(self, config, phase, guides):
        self.config, self.phase, self.guides = config, phase, guides
        recipe = self.recipe = recipe_for(config.model)
        strategy = tf.distribute.get_strategy()
        self.training = TrainingState(config, recipe, strategy)
        if config.initial_preset:
            take_initial_weights(self.training, config)
        self.steps = Steps(config, recipe, self.training, strategy)
        self.networks = {"generator": self.training.generator}
        if config.n_critic:
            self.networks["critic"] = self.training.critic
        self.state = {}
        for network, model in self.networks.items():
            flat = np.concatenate([variable.numpy().ravel() for variable in model.trainable_variables])
            self.state[network] = flat
            for slot in self.optimizer(network).slots:
                self.state[f"{network}_{slot}"] = np.zeros_like(flat)
            trained = {id(variable) for variable in model.trainable_variables}
            for name, variable in named_variables(model).items():
                if id(variable) not in trained:
                    self.state[f"{network}:{name}"] = variable.numpy()
        self.state["averages"] = self.state["generator"]
        self.frozen = {}
        if config.perceptual_weight > 0:
            for i, block in enumerate(feature_network.hed_blocks()[: config.perceptual_layers]):
                for j, (kernel, bias) in enumerate(block):
                    self.frozen[f"{i}/{j}/kernel"] = kernel.astype(np.float16)
                    self.frozen[f"{i}/{j}/bias"] = (bias / feature_network.SCALE).astype(np.float16)

    def optimizer(self, network):
        return getattr(self.training, f"{network}_optimizer")

    def layout(self):
        """Network -> name and shape of every part of its flat vector, in order."""
        found = {}
        for network, model in self.networks.items():
            names = {id(variable): name for name, variable in named_variables(model).items()}
            found[network] = [[names[id(v)], list(v.shape)] for v in model.trainable_variables]
        return found

    def arguments(self):
        """Names and `tf.TensorSpec`s, in order."""
        size, batch = self.config.image_size, self.config.batch_size
        specs = {name: tf.TensorSpec(value.shape, tf.float32) for name, value in self.state.items()}
        specs |= {f"frozen:{name}": tf.TensorSpec(value.shape, tf.float16) for name, value in self.frozen.items()}
        specs["photos"] = tf.TensorSpec([batch, size, size, 3], tf.uint8)
        specs["holes"] = tf.TensorSpec([batch, size, size, 1], tf.uint8)
        if self.guides:
            specs["guides"] = tf.TensorSpec([batch, size, size, 1], tf.uint8)
        specs["corners"] = tf.TensorSpec([batch, 2], tf.int32)
        specs["alphas"] = tf.TensorSpec([batch, 2], tf.float32)
        for name in ("update", "rate", "decay"):
            specs[name] = tf.TensorSpec([], tf.float32)
        return specs

    def __call__(self, values):
        """Name -> tensor -> (new state, terms)."""
        result = {name: values[name] for name in self.state}
        self._use_frozen(values)
        mapping = []
        for network, model in self.networks.items():
            sizes = [int(np.prod(variable.shape)) for variable in model.trainable_variables]
            for variable, part in zip(model.trainable_variables, tf.split(result[network], sizes)):
                mapping.append((variable, tf.reshape(part, variable.shape)))
            for name, variable in named_variables(model).items():
                if f"{network}:{name}" in result:
                    mapping.append((variable, result[f"{network}:{name}"]))
        image = to_float(values["photos"])
        if self.guides:
            guide = tf.cast(values["guides"], tf.float32)
        else:
            image, guide = self.recipe.sketch(self.config, image, tf.constant([self.config.seed, 0]), 0)
        batch = Batch(image, tf.cast(values["holes"], tf.float32), values["corners"], values["alphas"], guide)
        terms, gradients = {}, {}
        with keras.StatelessScope(state_mapping=mapping) as scope:
            if self.config.n_critic:
                gradients["critic"], critic_terms = self.steps.gradients("critic", batch)
                terms |= critic_terms
            gradients["generator"], generator_terms = self.steps.gradients(self.phase, batch)
            terms |= generator_terms
            for network, model in self.networks.items():
                for name, variable in named_variables(model).items():
                    if f"{network}:{name}" in result:
                        result[f"{network}:{name}"] = tf.convert_to_tensor(scope.get_current_value(variable))
        for network, found in gradients.items():
            gradient = tf.concat([tf.reshape(part, [-1]) for part in found], axis=0)
            norm = tf.norm(gradient)
            terms[f"{network}_gradient_norm"] = norm
            if self.config.clip_norm > 0:
                gradient *= self.config.clip_norm / tf.maximum(norm, self.config.clip_norm)
            self._move(network, gradient, result, values)
        result["averages"] -= (1 - values["decay"]) * (result["averages"] - result["generator"])
        return result, terms

    def _use_frozen(self, values):
        network = object.__new__(feature_network.VGG16Features)
        network.compute_dtype = {"float32": "float32", "mixed_bfloat16": "bfloat16"}[self.config.precision]
        blocks = {}
        for name in self.frozen:
            if name.endswith("kernel"):
                i, j, _ = name.split("/")
                pair = [tf.cast(values[f"frozen:{i}/{j}/{part}"], network.compute_dtype) for part in ("kernel", "bias")]
                blocks.setdefault(int(i), []).append(pair)
        network.blocks = list(blocks.values())
        picture_terms.load_network = lambda config: network

    def _move(self, network, gradient, result, values):
        optimizer = self.optimizer(network)
        first, second = (f"{network}_{slot}" for slot in optimizer.slots)
        if isinstance(optimizer, Adadelta):
            rho, epsilon = optimizer.decay, optimizer.epsilon
            squared = rho * result[first] + (1 - rho) * tf.square(gradient)
            update = tf.sqrt(result[second] + epsilon) * tf.math.rsqrt(squared + epsilon) * gradient
            result[first], result[second] = squared, rho * result[second] + (1 - rho) * tf.square(update)
            result[network] = result[network] - values["rate"] * update
        else:
            b1, b2 = optimizer.beta_1, optimizer.beta_2
            rate = values["rate"] * tf.sqrt(1 - tf.pow(b2, values["update"])) / (1 - tf.pow(b1, values["update"]))
            result[first] = b1 * result[first] + (1 - b1) * gradient
            result[second] = b2 * result[second] + (1 - b2) * tf.square(gradient)
            result[network] = result[network] - rate * result[first] / (tf.sqrt(result[second]) + optimizer.epsilon)


def export(function, specs, platform):
    """A TensorFlow function of named tensors as bytes for `jax.export.deserialize`.

    Args:
        function: Name -> tensor -> name -> tensor.
        specs: Name -> `tf.TensorSpec`.
        platform: "cuda" or "cpu".

    Returns:
        The bytes, and the names of the results in order.
    """
    names, results = list(specs), []

    def flat(*tensors):
        found = function(dict(zip(names, tensors, strict=True)))
        results[:] = list(found)
        return list(found.values())

    compiled = tf.function(flat, jit_compile=True, autograph=False)
    chosen = {"platform_name": "GPU"} if platform == "cuda" else {}
    hlo = compiled.experimental_get_compiler_ir(*specs.values())(stage="hlo_serialized", **chosen)
    concrete = compiled.get_concrete_function(*specs.values())
    module = _jax.mlir.xla_computation_to_mlir_module(xla_client.XlaComputation(hlo))
    context = jax._src.interpreters.mlir.make_ir_context()  # noqa: SLF001
    with context:
        parsed = ir.Module.parse(module)
        stable = _export._module_to_bytecode(parsed)  # noqa: SLF001

    def avals(tensors):
        return [jax.ShapeDtypeStruct(tuple(t.shape), t.dtype.as_numpy_dtype) for t in tensors]

    inputs, outputs = avals(specs.values()), avals(concrete.outputs)

    def likeness(*xs):
        total = sum(jax.numpy.sum(x.astype(jax.numpy.float32)) for x in xs)
        return [jax.numpy.full(o.shape, total).astype(o.dtype) for o in outputs]

    exported = jax.export.export(jax.jit(likeness), platforms=[platform])(*inputs)
    assert len(exported.module_kept_var_idx) == len(inputs)
    exported = dataclasses.replace(exported, mlir_module_serialized=stable)
    return bytes(exported.serialize()), list(results)


def main(_):
    config = train.configuration(FLAGS)
    program = Program(config, FLAGS.phase, FLAGS.guides)

    def step(values):
        state, terms = program(values)
        return {**state, **{f"term:{name}": value for name, value in terms.items()}}

    specs = program.arguments()
    content, results = export(step, specs, FLAGS.platform)
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{FLAGS.name}.program").write_bytes(content)
    stored = {
        n: v.astype(np.float16) for n, v in program.state.items() if n.startswith("generator:") or n == "generator"
    }
    np.savez_compressed(output / f"{FLAGS.name}.npz", **stored)
    if program.frozen:
        np.savez(output / "frozen.npz", **program.frozen)
    described = {
        "arguments": {n: [list(s.shape), s.dtype.name] for n, s in specs.items()},
        "results": results,
        "state": list(program.state),
        "layout": program.layout(),
        "config": config.to_dict(),
    }
    (output / f"{FLAGS.name}.json").write_text(json.dumps(described, indent=1))
    print(f"{FLAGS.name}: {len(content) / 1e6:.1f} MB, {len(specs)} arguments, {len(results)} results")


if __name__ == "__main__":
    app.run(main)
