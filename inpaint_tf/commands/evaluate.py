"""Measures methods on the same images under the same masks, and draws what it found.

  inpaint-tf evaluate --protocol=kodak24_center128 --images=kodak24/ --methods=mean,telea,ns,patchmatch --output=out/
  inpaint-tf evaluate --masks=maskset/ --images=photos/ --methods=telea,preset:photos_small --output=out/
  inpaint-tf evaluate --masks=maskset/ --images=photos/ --methods=telea,folder:theirs=results/ --output=out/
  inpaint-tf evaluate --compare=out_a/,out_b/ --output=both/
  inpaint-tf evaluate study --output=out/ --methods=telea,preset:photos_small     (a page: which looks more real?)
  inpaint-tf evaluate study --output=out/ --votes=ann.json,bob.json               (what people said)

The output folder gets index.html (one file, opens from disk), table.md, table.csv, results.jsonl, differences.jsonl and
grids/. What was computed stays in its cache/: the same command again resumes where it was interrupted, and more methods
are added to those that are there. Methods: mean, telea, ns, biharmonic, patchmatch, shiftmap, preset:NAME,
preset:FOLDER; preset:NAME+poisson is the same with --blend=poisson of inpaint; folder:NAME=PATH, results that somebody
has made (named by number of the mask or by image), and command:NAME=WORDS, a program with {image} {mask} {output}.
"""

import pathlib
import sys

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag, define_precision_flag
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError, printable

SUMMARY = "images + fixed mask set -> table of measures for any methods, with a report"


def define_flags(values: flags.FlagValues) -> None:
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    string("protocol", "Name of a frozen protocol: kodak24_center128, center128, paper_random_box, free_form.")
    string("images", "Folder of images, or a list with a path a line.")
    string("masks", "Folder of a mask set made with `inpaint-tf masks make --protocol`; default: made in --output.")
    flags.DEFINE_list("methods", [], "Methods, separated by commas.", flag_values=values)
    string("output", "Folder for results and report.")
    flags.DEFINE_boolean(
        "skip_bad", False, "Leave out images that are missing or cannot be read, and name them.", flag_values=values
    )
    string(
        "feature_network",
        "hed (pip install inpaint_tf[perceptual]) for feature distance, or folder of a SavedModel for that and FID.",
    )
    flags.DEFINE_list("compare", [], "Outputs of earlier evaluations, for one table of them all.", flag_values=values)
    flags.DEFINE_list("votes", [], "study: files of answers, for their evaluation.", flag_values=values)
    flags.DEFINE_integer("questions", 60, "study: pairs to show, at most.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("seed", 0, "study: of the choice of pairs and of their sides.", flag_values=values)
    define_device_flag(values)
    define_precision_flag(values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments not in ([], ["study"]):
        raise UserError(f"evaluate takes flags, or the word study; got {' '.join(arguments)}.")
    if options.output is None:
        raise UserError("evaluate needs --output, a folder for results and report.")
    if arguments:
        return _study(options)
    use_device(options.device)
    if options.compare:
        return _compare(options)
    for name in ("images", "methods"):
        if not getattr(options, name):
            raise UserError(f"evaluate needs --{name}; inpaint-tf evaluate --help shows the whole call.")
    return _evaluate(options)


def _study(options):
    from inpaint_tf.evaluation.study import PAGE, outcome_text, read_votes, write_study

    output = pathlib.Path(options.output)
    if options.votes:
        print(outcome_text(read_votes(output, [pathlib.Path(file) for file in options.votes])))
        return 0
    items = write_study(output, [name.strip() for name in options.methods], options.questions, options.seed)
    print(f"{len(items)} questions: {output / PAGE}. Keep the key next to it; send the page alone.")
    return 0


def _evaluate(options):
    # The measures use TensorFlow, which is loaded only when the command runs.
    from inpaint_tf.evaluation.evaluate import evaluate
    from inpaint_tf.evaluation.feature_metrics import feature_network_named
    from inpaint_tf.evaluation.methods import methods_named
    from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource, protocol_named
    from inpaint_tf.evaluation.tables import main_table, markdown

    if options.protocol is None and options.masks is None:
        raise UserError(f"evaluate needs --protocol ({', '.join(PROTOCOLS)}) or --masks.")
    source = ImageSource(options.images, options.skip_bad)
    for note in source.notes:
        print(printable(f"--images: {note}"), file=sys.stderr)
    runs, lines, page = evaluate(
        source,
        options.output,
        methods_named([name.strip() for name in options.methods], options.precision),
        protocol=protocol_named(options.protocol) if options.protocol else None,
        masks=options.masks,
        network=feature_network_named(options.feature_network) if options.feature_network else None,
    )
    for name, why in source.bad.items():
        print(printable(f"left out: {name}: {why}."), file=sys.stderr)
    print(markdown(*main_table(lines, "hole")))
    for found in runs:
        for row in found.failed:
            print(printable(f"failed: {found.method} on mask {row.entry}: {row.error}"), file=sys.stderr)
    print(f"Region hole, absolute, mean over images, 95% interval. Report: {page}")
    if page.suffix != ".html":
        print('The page index.html needs jinja2: pip install "inpaint_tf[evaluation]" and run the command again.')
    return 1 if source.bad or any(found.failed for found in runs) else 0


def _compare(options):
    from inpaint_tf.evaluation.results import RESULTS, merge_results, write_lines
    from inpaint_tf.evaluation.tables import csv_text, main_table, markdown, markdown_report
    from inpaint_tf.files import make_folder, write_bytes

    lines = merge_results(options.compare)
    if not lines:
        raise UserError(f"{', '.join(options.compare)}: there are no results in it to compare.")
    output = pathlib.Path(options.output)
    make_folder(output)
    write_lines(output / RESULTS, lines)
    write_bytes(output / "table.md", markdown_report(lines, [], f"From {', '.join(options.compare)}.").encode())
    write_bytes(output / "table.csv", csv_text(lines).encode())
    print(markdown(*main_table(lines, "hole")))
    return 0
