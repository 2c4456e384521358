"""Turns a run's preset into one to ship: float16, with a model card and a line for listings.

    PYTHONPATH=. python experiments/campaign/pack.py --preset=RUN/preset --output=inpaint_tf/weights/NAME \
        --model_card=CARD.md --summary="..." --source="..."
"""

import pathlib

from absl import app, flags

from inpaint_tf.models.presets import load_preset, save_preset

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", None, "Preset folder of a run.", required=True)
flags.DEFINE_string("output", None, "Preset folder to write; must not exist.", required=True)
flags.DEFINE_string("model_card", None, "Markdown file to put into the preset.", required=True)
flags.DEFINE_string("summary", None, "One line for listings: data, terms.", required=True)
flags.DEFINE_integer("image_size", 256, "Side of the photos that it was trained on last, pixels; holes are half of it.")
flags.DEFINE_string("source", None, "Where the weights come from, one line.", required=True)


def main(_):
    model, config = load_preset(FLAGS.preset)
    save_preset(
        FLAGS.output,
        model,
        config.model,
        config.config,
        config.channel_order,
        source=FLAGS.source,
        summary=FLAGS.summary,
        dtype="float16",
        trained_on={"image": FLAGS.image_size, "hole": FLAGS.image_size // 2},
        recommended={"detail": "patches", "working_size": "auto", "blend": "poisson"},
        extra_files={"MODEL_CARD.md": pathlib.Path(FLAGS.model_card).read_bytes()},
    )


if __name__ == "__main__":
    app.run(main)
