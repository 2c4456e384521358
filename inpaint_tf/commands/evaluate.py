"""Measures methods on the same images under the same masks, and draws what it found.

  inpaint-tf evaluate --protocol=kodak24_center128 --images=kodak24/ --methods=mean,telea,ns,patchmatch --output=out/
  inpaint-tf evaluate --masks=maskset/ --images=photos/ --methods=telea,preset:photos --output=out/
  inpaint-tf evaluate --masks=maskset/ --images=photos/ --methods=telea,folder:theirs=results/ --output=out/
  inpaint-tf evaluate --compare=out_a/,out_b/ --output=both/
  inpaint-tf evaluate study --output=out/ --methods=telea,preset:photos     (a page: which looks more real?)
  inpaint-tf evaluate study --output=out/ --votes=ann.json,bob.json               (what people said)

The output folder gets index.html (one file, opens from disk), table.md, table.csv, results.jsonl, differences.jsonl and
grids/. What was computed stays in its cache/: the same command again resumes where it was interrupted, and more methods
are added to those that are there. --workers=N computes on N processes and gives the same numbers. --shard=I/N computes
a part of the rows and no report: give each machine its I and one --output that all see (or copy their outputs into one
folder), and then the same command without --shard writes the report.

Methods: mean, telea, ns, biharmonic, patchmatch, pypatchmatch, shiftmap; preset:NAME and preset:FOLDER, the network
alone, preset:NAME+poisson, the same with --blend=poisson of inpaint, preset:NAME+patches, with all that the bundled
presets recommend; folder:NAME=PATH, results that somebody has made (named by number of the mask or by image), and
command:NAME=WORDS, a program with {image} {mask} {output}.
"""

import functools
import pathlib
import pickle
import sys

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag, define_precision_flag
from inpaint_tf.commands.workers import Outcome, Workers, parse_shard
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError, printable

# Kind of an `Outcome` whose image or mask cannot be used.
_INPUT = "input"
# Masks on which a method failed that are named one by one.
_NAMED = 5

SUMMARY = "images + fixed mask set -> table of measures for any methods, with a report"


def define_flags(values: flags.FlagValues) -> None:
    def string(name, text):
        flags.DEFINE_string(name, None, text, flag_values=values)

    string(
        "protocol",
        "Name of a frozen protocol: kodak24_center128, kodak24_full_center256 (of the Kodak photos); center128, "
        "center_half, paper_random_box, free_form, mmagic_box, mat_large, lama_thin_256, lama_medium_256, "
        "lama_thick_256, lama_thin_512, lama_medium_512, lama_thick_512 (of any).",
    )
    string("images", "Folder of images, or a list with a path a line.")
    string("masks", "Folder of a mask set made with `inpaint-tf masks make --protocol`; default: made in --output.")
    flags.DEFINE_list("methods", [], "Methods, separated by commas.", flag_values=values)
    string("output", "Folder for results and report.")
    flags.DEFINE_boolean(
        "skip_bad", False, "Leave out images that are missing or cannot be read, and name them.", flag_values=values
    )
    string(
        "feature_network",
        "hed (pip install inpaint_tf[perceptual]) or folder of a SavedModel: feature distance, and FID, KID, U-IDS and "
        "P-IDS in its features.",
    )
    string("lpips_network", "Folder of a SavedModel of LPIPS's feature maps; LPIPS needs --lpips_heads too.")
    string("lpips_heads", "NPZ file of the calibrated heads, an array for each layer of --lpips_network.")
    flags.DEFINE_list("compare", [], "Outputs of earlier evaluations, for one table of them all.", flag_values=values)
    flags.DEFINE_list("votes", [], "study: files of answers, for their evaluation.", flag_values=values)
    flags.DEFINE_integer("questions", 60, "study: pairs to show, at most.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("seed", 0, "study: of the choice of pairs and of their sides.", flag_values=values)
    flags.DEFINE_integer(
        "workers",
        1,
        "Processes that run the methods; the numbers are those of one process, the seconds are longer.",
        lower_bound=1,
        upper_bound=1024,
        flag_values=values,
    )
    string("shard", "I/N: compute the I-th of N parts of the rows, for several machines; the report comes after all.")
    define_device_flag(values)
    define_precision_flag(values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments not in ([], ["study"]):
        raise UserError(f"evaluate takes flags, or the word study; got {' '.join(arguments)}.")
    if options.output is None:
        raise UserError("evaluate needs --output, a folder for results and report.")
    shard = parse_shard(options.shard)
    if shard != (1, 1) and (arguments or options.compare):
        raise UserError("--shard is for computing results; leave it out of study and --compare.")
    if arguments:
        return _study(options)
    use_device(options.device)
    if options.compare:
        return _compare(options)
    for name in ("images", "methods"):
        if not getattr(options, name):
            raise UserError(f"evaluate needs --{name}; inpaint-tf evaluate --help shows the whole call.")
    return _evaluate(options, *shard)


def _study(options):
    from inpaint_tf.evaluation.study import PAGE, outcome_text, read_votes, write_study

    output = pathlib.Path(options.output)
    if options.votes:
        print(outcome_text(read_votes(output, [pathlib.Path(file) for file in options.votes])))
        return 0
    items = write_study(output, [name.strip() for name in options.methods], options.questions, options.seed)
    print(f"{len(items)} questions: {output / PAGE}. Keep the key next to it; send the page alone.")
    return 0


def _evaluate(options, part, parts):
    # The measures use TensorFlow, which is loaded only when the command runs.
    from inpaint_tf.evaluation.evaluate import evaluate, prepare_masks
    from inpaint_tf.evaluation.feature_metrics import feature_network_named
    from inpaint_tf.evaluation.lpips import lpips_named
    from inpaint_tf.evaluation.methods import methods_named
    from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource, protocol_named
    from inpaint_tf.evaluation.sharing import Share, compute_part
    from inpaint_tf.evaluation.tables import main_table, markdown, network_table, small_sample

    if options.protocol is None and options.masks is None:
        raise UserError(f"evaluate needs --protocol ({', '.join(PROTOCOLS)}) or --masks.")
    source = ImageSource(options.images, options.skip_bad)
    for note in source.notes:
        print(printable(f"--images: {note}"), file=sys.stderr)
    methods = methods_named([name.strip() for name in options.methods], options.precision)
    protocol = protocol_named(options.protocol) if options.protocol else None
    network = feature_network_named(options.feature_network) if options.feature_network else None
    lpips = lpips_named(options.lpips_network, options.lpips_heads)
    engine = _engine(options, source) if options.workers > 1 else None
    if parts > 1:
        manifest = prepare_masks(source, options.output, protocol, options.masks, methods)
        return _say_part(
            compute_part(methods, manifest, source, options.output, Share(part, parts, engine)), part, parts
        )
    runs, lines, page = evaluate(
        source, options.output, methods, protocol, options.masks, network=network, lpips=lpips, engine=engine
    )
    if warning := small_sample(lines):
        print(printable(warning), file=sys.stderr)
    for name, why in source.bad.items():
        print(printable(f"left out: {name}: {why}."), file=sys.stderr)
    print(markdown(*main_table(lines, "hole")))
    for found in runs:
        _say_failures(found.method, [(row.entry, row.error) for row in found.failed], len(found.rows))
    if whole := network_table(lines):
        print(f"\nWhole pictures, in the features of a network:\n\n{markdown(*whole)}\n")
    print(f"Region hole, absolute, mean over images, 95% interval. Report: {page}")
    if page.suffix != ".html":
        print('The page index.html needs jinja2: pip install "inpaint_tf[evaluation]" and run the command again.')
    return 1 if source.bad or any(found.failed for found in runs) else 0


def _engine(options, source):
    """Computes rows on --workers processes."""
    from inpaint_tf.evaluation.sharing import EntryFailure

    def engine(jobs):
        count = min(options.workers, len(jobs))
        # Unpickled in the worker when it has chosen its device: that imports TensorFlow.
        rest = pickle.dumps((options.precision, source, options.output, count))
        make = functools.partial(_work, options.device, rest)
        # Numbers must not depend on --workers, so a worker has the threads of a process alone.
        for job, outcome in Workers(count, make, share_processors=False)(jobs):
            why = outcome.error
            yield job, None if why is None else EntryFailure(why, _INPUT in outcome.kinds)

    return engine


def _work(device, rest):
    """What a worker process does with a job."""
    use_device(device)
    precision, source, output, workers = pickle.loads(rest)
    from inpaint_tf.evaluation.methods import method_named
    from inpaint_tf.evaluation.sharing import EntryWork

    work = EntryWork(functools.partial(method_named, precision=precision), source, output, workers)

    def do(job):
        failure = work(job)
        return Outcome() if failure is None else Outcome(error=failure.text, kinds=(_INPUT,) * failure.input_is_bad)

    return do


def _say_failures(method, failures, masks=None):
    """A line for the first few masks on which a method failed, and one for the others."""
    for entry, why in failures[:_NAMED]:
        print(printable(f"failed: {method} on mask {entry}: {why}"), file=sys.stderr)
    more = len(failures) - _NAMED
    if more > 0:
        print(printable(f"failed: {method} on {more} more masks; the cache/ of --output says why."), file=sys.stderr)
    if failures and masks is not None:
        done = masks - len(failures)
        text = f"{method}: its means are over {done} of {masks} masks and do not compare with others' over all"
        print(
            printable(f"{text}; paired differences do." if done else f"{method} failed on every mask."), file=sys.stderr
        )


def _say_part(done, part, parts):
    for name, entries in done.given_up.items():
        _say_failures(name, list(entries.items()))
    failed = sum(map(len, done.given_up.values())) + done.errors
    print(
        f"Part {part} of {parts}: {done.computed} computed, {failed} failed. When all parts are done, the same command "
        "without --shard writes the report."
    )
    return 1 if failed else 0


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
