"""Fills the hole of a photo; everything outside the hole stays as it is.

  inpaint-tf inpaint photo.jpg mask.png completed.png
  inpaint-tf inpaint --image=photos/ --mask=masks/ --output=completed/ --resume
  inpaint-tf inpaint --image=list.txt --output=completed/        ("photo<tab>mask" per line, relative to the list)
  inpaint-tf inpaint --image=photo.jpg --mask=painted.jpg --output=completed.jpg --mask_from_difference

The mask is bright where the photo is missing; a mask of two values is understood whatever they are. In folders, mask
and photo have the same name up to the suffix (or photo_mask, mask_photo, which may lie in the photos' own folder); a
single mask file serves all photos. The output's suffix decides its format; JPEG is lossy everywhere, PNG keeps known
pixels bit for bit. docs/formats.md says which files are read and what is kept of them.
"""

import collections
import functools
import sys

from absl import flags

from inpaint_tf.commands.inpaint_flags import define_flags
from inpaint_tf.commands.inpaint_jobs import check_preset, jobs_of, without_existing
from inpaint_tf.commands.inpaint_work import PhotoWork, complete_one, work_of
from inpaint_tf.commands.ray_engine import RayEngine
from inpaint_tf.commands.workers import Workers, memory_share, parse_shard
from inpaint_tf.errors import UserError, printable
from inpaint_tf.progress import progress

__all__ = ["SUMMARY", "define_flags", "run"]

SUMMARY = "photo + mask (or folders, or a list) -> completed photo"


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    batch = jobs_of(options, arguments)
    part, parts = parse_shard(options.shard)
    if not batch.many and (parts > 1 or options.workers > 1 or options.engine == "ray"):
        raise UserError("--shard, --workers and --engine are for many photos: a folder, a pattern or a list.")
    if options.engine == "ray" and parts > 1:
        raise UserError("--engine=ray shares photos out itself; leave out --shard.")
    check_preset(options)
    jobs, kept = without_existing(batch.jobs[part - 1 :: parts], options)
    if part > 1:
        batch.failed.clear()  # The first part names them.
    for note in batch.notes:
        print(note, file=sys.stderr)
    if not batch.many:
        return _run_one(jobs, kept, options)
    return _run_many(jobs, kept, batch.failed, options)


def _run_one(jobs, kept, options):
    for job in jobs:
        for note in complete_one(job, options):
            print(f"{printable(job.photo)}: {note}", file=sys.stderr)
    print(f"{printable(kept[0])} exists already and was kept." if kept else printable(jobs[0].output))
    return 0


def _run_many(jobs, kept, failed, options):
    """Every photo by itself: whatever happens to one, the others are done, and the summary says how many are which."""
    failures, done, kinds = list(failed.items()), 0, collections.Counter()
    for job, outcome in progress(_outcomes(jobs, options), len(jobs), "photo"):
        if outcome.error is not None:
            failures.append((str(job.photo), outcome.error))
            continue
        done += 1
        kinds.update(set(outcome.kinds))
        for note in outcome.notes:
            print(f"{printable(job.photo)}: {note}", file=sys.stderr)
    for photo, why in failures:
        named = "" if why.startswith(printable(photo)) else f"{printable(photo)}: "
        print(f"failed: {named}{why}", file=sys.stderr)
    summary = f"{done} completed, {len(kept)} kept, {len(failures)} failed; results in {printable(options.output)}."
    if kinds:
        counts = ", ".join(f"{count} with {kind}" for kind, count in sorted(kinds.items()))
        summary += f" Masks worth a look: {counts}."
    print(summary)
    return 1 if failures else 0


def _outcomes(jobs, options):
    """Pairs of job and `Outcome`, in this process or in several."""
    if options.engine == "process" and (options.workers == 1 or len(jobs) < 2):
        do = PhotoWork(options)
        return ((job, do(job)) for job in jobs)
    words = [word for word in options.flags_into_string().splitlines() if not word.startswith("--flagfile")]
    if options.memory_budget is None and options.plan == "hole" and options.attention == "fast":
        words.append(f"--memory_budget={memory_share(options.workers)}")
    make = functools.partial(work_of, words)
    if options.engine == "ray":
        return RayEngine(options.workers, make, skip_done=options.resume)(jobs)
    return Workers(min(options.workers, len(jobs)), make)(jobs)
