"""Mixes the weights of two presets of the same network: share * second + (1 - share) * first.

    PYTHONPATH=. python experiments/campaign_2/mix.py --first=PRESET --second=RUN/preset --share=0.5 --output=FOLDER

Weights that were trained on from others lie near them, and between the two lie networks between the two: less texture
and fewer errors (Wang et al., ESRGAN, ECCV workshops 2018, section 3.4, "network interpolation").
"""

from absl import app, flags

from inpaint_tf.models.presets import load_preset, named_variables, save_preset

FLAGS = flags.FLAGS
flags.DEFINE_string("first", None, "Preset.", required=True)
flags.DEFINE_string("second", None, "Preset that was trained on from it.", required=True)
flags.DEFINE_float("share", 0.5, "Share of the second, 0 to 1.")
flags.DEFINE_string("output", None, "Preset folder to write; must not exist.", required=True)


def main(_):
    (first, config), (second, _) = load_preset(FLAGS.first), load_preset(FLAGS.second)
    variables, others = named_variables(first), named_variables(second)
    weights = {
        name: (1 - FLAGS.share) * variable.numpy() + FLAGS.share * others[name].numpy()
        for name, variable in variables.items()
    }
    save_preset(
        FLAGS.output,
        first,
        config.model,
        config.config,
        config.channel_order,
        source=f"{FLAGS.share:g} of {FLAGS.second}, the rest of {FLAGS.first}",
        weights=weights,
        trained_on=config.trained_on,
    )


if __name__ == "__main__":
    app.run(main)
