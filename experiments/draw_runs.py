"""Draws the curves of training runs next to each other.

    PYTHONPATH=. python experiments/draw_runs.py --runs=full=RUN,baseline=RUN+RUN --terms=l1,known --output=curves.png

RUN is a run's folder, or a folder with its metrics.jsonl. RUN+RUN is a run that was continued in another folder.
"""

from absl import app, flags

from inpaint_tf.data.image_files import write_image
from inpaint_tf.visualize.curves import draw_runs, read_parts

FLAGS = flags.FLAGS
flags.DEFINE_list("runs", None, "NAME=RUN[+RUN...], separated by commas.", required=True)
flags.DEFINE_list("terms", None, "Terms of metrics.jsonl, a panel each.", required=True)
flags.DEFINE_string("output", None, "PNG file to write.", required=True)


def main(_):
    runs = {}
    for pair in FLAGS.runs:
        name, folders = pair.split("=", 1)
        runs[name] = read_parts(folders.split("+"))
    picture = draw_runs(runs, FLAGS.terms)
    if picture is None:
        raise SystemExit(f"none of {', '.join(FLAGS.terms)} is in {', '.join(FLAGS.runs)}.")
    write_image(FLAGS.output, picture)


if __name__ == "__main__":
    app.run(main)
