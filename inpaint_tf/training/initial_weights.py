"""Where a new run starts from, if not at random: the weights of a preset, or of its coarse network alone.

A preset of a narrower model is widened first; an unguided model's weights serve its guided form too.
"""

import numpy as np

from inpaint_tf.errors import UserError
from inpaint_tf.models.network import Stack
from inpaint_tf.models.presets import assign_weights, named_variables, preset_folder, read_config, read_weights
from inpaint_tf.models.registry import build_model
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.guide_channel import is_guided_form, with_guide_channel
from inpaint_tf.training.state import TrainingState, raw_variables
from inpaint_tf.training.widening import can_be_widened, widened


def take_initial_weights(state: TrainingState, config: TrainingConfig) -> None:
    """Gives the generator of a new run, and its averages, the weights of `config.initial_preset`.

    With `initial_stage` "coarse" only the first network's are taken, which models that differ in their second share.
    All of a narrower DeepFill v1's are widened to `config.width`, see `widening`; those of an unguided model are given
    a channel for the sketch, see `guide_channel`.

    Args:
        state: The `TrainingState`.
        config: The `TrainingConfig`.

    Raises:
        UserError: if there is no such preset, it is of BGR weights, or its variables don't fit the model.
    """
    folder = preset_folder(config.initial_preset)
    preset = read_config(folder)
    if preset.channel_order != "RGB":
        raise UserError(f"--initial_preset={folder} has {preset.channel_order} weights; training is in RGB.")
    gains_guide = preset.model != config.model and is_guided_form(
        state.generator.network, build_model(preset.model, **preset.config).network
    )
    if config.initial_stage == "all" and preset.model != config.model and not gains_guide:
        raise UserError(
            f"--initial_preset={folder} is of model {preset.model}, the run trains --model={config.model}; name a "
            "preset of that model (for a guided one also of its unguided form), or take --initial_stage=coarse."
        )
    arrays = read_weights(folder, preset)
    if gains_guide:
        arrays = with_guide_channel(arrays, state.generator.network, np.random.default_rng(config.seed))
    if config.initial_stage == "coarse":
        own = {name: variable.numpy() for name, variable in named_variables(state.generator).items()}
        stacks = [node.name for node in state.generator.network.stages[0] if isinstance(node, Stack)]
        coarse = {name: array for name, array in arrays.items() if name.split("/")[0] in stacks}
        if not coarse:
            raise UserError(f"--initial_preset={folder} is of model {preset.model}, which has no coarse network.")
        arrays = {**own, **coarse}
    elif preset.config.get("width", config.width) < config.width and can_be_widened(state.generator):
        narrow = build_model(preset.model, **preset.config)
        arrays = widened(arrays, narrow, state.generator, np.random.default_rng(config.seed))
    assign_weights(state.generator, arrays, f"--initial_preset={folder}")
    for average, variable in zip(state.averages or (), raw_variables(state.generator)):
        average.assign(variable)
