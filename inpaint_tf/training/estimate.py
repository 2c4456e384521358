"""What a configuration will take, before anything is built: parameters, arithmetic and memory."""

from inpaint_tf.models.generator import Generator
from inpaint_tf.models.registry import build_model
from inpaint_tf.planned.receptive_field import chain_sizes
from inpaint_tf.training.recipes import recipe_for

GIB = 2**30
# Fitted to the peak of whole runs on a CPU: the part of `activation_elements` that is in memory at once (less where
# operations work in place, more for gradients that are under way), and the runtime itself.
WORKING_FACTOR, RUNTIME_BYTES = 0.9, 0.6 * GIB


def describe(config):
    """Lines for people: parameters of generator and critics, and an estimate of the memory of a device.

    Args:
        config: A `TrainingConfig`.

    Raises:
        UserError: for a model that is unknown or cannot be trained.
    """
    generator = build_model(config.model, width=config.width)
    critic = recipe_for(config.model).build_critic(config)
    counts = {"generator": generator.count_params(), "critics": critic.count_params()}
    total = memory_bytes(config, generator, counts)
    return [
        *(f"{name}: {count:,} parameters" for name, count in counts.items()),
        f"memory of a step, estimated: {total / GIB:.1f} GiB, if one device takes the whole batch of "
        f"{config.batch_size} in {config.accumulate} part{'s' if config.accumulate > 1 else ''}",
    ]


def memory_bytes(config, generator, counts):
    """Estimated peak in bytes on one device: weights, Adam's slots, averages, gradients, and a step's activations."""
    variables = 4 * (sum(counts.values()) * 4 + (counts["generator"] if config.ema_decay else 0))
    element = 4 if config.precision in ("float32", "tf32") else 2
    part = config.batch_size // config.accumulate
    generator_step = part * activation_elements(generator, config.image_size) * element
    return variables + WORKING_FACTOR * generator_step + RUNTIME_BYTES


def activation_elements(generator: Generator, image_size: int) -> int:
    """Elements of one image that a generator's gradient keeps: two a convolution output, and attention scores.

    Args:
        generator: The model.
        image_size: Side of the square image, a multiple of 8.
    """
    network, size, elements = generator.network, (image_size, image_size), 0
    sizes = network.sizes(size)
    for node in network.stacks:
        for conv, (height, width) in zip(node.convs, chain_sizes(node.convs, sizes[node.sources[0]])[1:]):
            # A gate doubles both what the convolution and what the activation yields.
            elements += (4 if conv.gated else 2) * height * width * conv.filters(generator.width)
    return elements + sum(12 * (height * width) ** 2 for height, width in network.grids(size).values())
