"""What attention propagation (score fusion) is worth to trained weights: the same preset with it and without it.

    PYTHONPATH=. python experiments/ablation/fusion_at_inference.py --images=KODAK_FOLDER --output=DIR [--preset=NAME]

The layer has no weights, so propagation can be switched off after training. That is less than the full ablation, in
which the network would be trained without it, and can only flatter the form that the weights were trained with.
"""

import pathlib

from absl import app, flags

from inpaint_tf.evaluation.evaluate import evaluate
from inpaint_tf.evaluation.method import Completion, Method
from inpaint_tf.evaluation.methods import method_named
from inpaint_tf.evaluation.protocols import ImageSource, protocol_named
from inpaint_tf.evaluation.results import DIFFERENCES, read_lines
from inpaint_tf.evaluation.tables import difference_table, main_table, markdown
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import load_preset

FLAGS = flags.FLAGS
flags.DEFINE_string("images", None, "Images of the protocol.", required=True)
flags.DEFINE_string("output", None, "Folder for the evaluation.", required=True)
flags.DEFINE_string("protocol", "kodak24_center128", "Evaluation protocol.")
flags.DEFINE_string("preset", "photos_small", "Preset with an attention branch.")


def without_fusion(preset):
    """The preset as a method, its attention without propagation."""
    with_fusion = method_named(f"preset:{preset}")
    model, config = load_preset(preset)
    model.attention.fuse = False
    inpainter = Inpainter(model, config.channel_order)

    def run(image, hole):
        result = inpainter.run(image, hole)
        return Completion(result.completed, result.offsets)

    return Method(f"{with_fusion.name} without fusion", f"{with_fusion.fingerprint} fuse=False", run, warm_up=True)


def main(_):
    methods = [method_named(f"preset:{FLAGS.preset}"), without_fusion(FLAGS.preset)]
    source = ImageSource(FLAGS.images)
    _, lines, page = evaluate(source, FLAGS.output, methods, protocol=protocol_named(FLAGS.protocol))
    differences = read_lines(pathlib.Path(FLAGS.output) / DIFFERENCES)
    print(markdown(*main_table(lines, "hole")))
    print(markdown(*difference_table(differences)))
    print(f"report: {page}")


if __name__ == "__main__":
    app.run(main)
