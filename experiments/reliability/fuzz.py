"""Damages inputs of every reader and counts what comes of it: read, refused in one line, or what must not be.

    PYTHONPATH=. python experiments/reliability/fuzz.py --inputs=5000 --output=OUTPUT_FOLDER

Every reader gets that many inputs, each a function of its number; what must not be (a trace, an error of several lines
or with control characters, more than 10 s, more than 4 GiB, a process that dies) is written with its number, and

    PYTHONPATH=. python experiments/reliability/fuzz.py --reader="photo TIFF RGB" --first=1234 --inputs=1

repeats it. Every reader runs in a process of its own, which is started anew after the input that ended it.
"""

import argparse
import collections
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

SECONDS, BYTES = 10, 4 * 2**30


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, help="For each reader.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first.")
    parser.add_argument("--reader", help="Only this one.")
    parser.add_argument("--output", help="Folder for fuzz.jsonl, which is added to.")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    from readers import READERS

    if options.worker:
        return _work(READERS[options.reader], options.first, options.inputs)
    names = [options.reader] if options.reader else list(READERS)
    faults = 0
    for name in names:
        line = _fuzz(name, options.first, options.inputs)
        faults += line["faults"]
        if options.output:
            _append(pathlib.Path(options.output), line)
    return int(faults > 0)


def _append(folder, line):
    """One line for every reader as soon as it is done: a run of hours may be broken off."""
    from inpaint_tf.provenance import revision

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "fuzz.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({**line, "revision": revision()}) + "\n")


def _fuzz(name, first, inputs):
    """Runs a reader over its inputs and sums up, one line of the results."""
    counts, faults, slowest, started = collections.Counter(), [], 0.0, time.monotonic()
    next_number = first
    while next_number < first + inputs:
        command = [sys.executable, __file__, "--worker", f"--reader={name}", f"--first={next_number}"]
        command.append(f"--inputs={first + inputs - next_number}")
        with (
            tempfile.TemporaryFile("w+", errors="replace") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as worker,
        ):
            began = None
            for line in worker.stdout:
                said = json.loads(line)
                if "began" in said:
                    began = said["began"]
                    continue
                counts[said["outcome"]] += 1
                slowest, began, next_number = max(slowest, said["seconds"]), None, said["number"] + 1
                if said["outcome"] == "fault":
                    faults.append({"number": said["number"], "what": said["what"]})
            worker.wait()
            errors.seek(0)
            last = errors.read().strip().rsplit("\n", 1)[-1][:300]
        if began is not None:
            counts["fault"] += 1
            faults.append({"number": began, "what": f"the process ended with {worker.returncode}: {last}"})
            next_number = began + 1
        elif worker.returncode:
            raise SystemExit(f"{name}: the worker does not start: {last}")
    line = {
        "reader": name, "first": first, "inputs": inputs, "read": counts["read"], "refused": counts["refused"],
        "faults": len(faults), "slowest_seconds": round(slowest, 2), "seconds": round(time.monotonic() - started, 1),
        "examples": faults[:20],
    }  # fmt: skip
    print(json.dumps(line), flush=True)
    return line


def _work(reader, first, inputs):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    said = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "whole"
        whole.mkdir()
        reader.make(whole)
        reader.read(_copy(whole))  # Imports what it needs, and shows that the whole input is fine.
        used = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
        signal.signal(signal.SIGALRM, _too_slow)
        for number in range(first, first + inputs):
            print(json.dumps({"began": number}), file=said, flush=True)
            started = time.monotonic()
            outcome, what = _one(reader, _copy(whole), number)
            line = {"number": number, "outcome": outcome, "what": what, "seconds": time.monotonic() - started}
            print(json.dumps(line), file=said, flush=True)
    return 0


def _one(reader, folder, number):
    from inpaint_tf.errors import UserError

    reader.damage(folder, np.random.default_rng([20, number]))
    signal.alarm(SECONDS)
    try:
        reader.read(folder)
        return "read", ""
    except UserError as error:
        if "\n" in str(error) or "\x1b" in str(error) or len(str(error)) > 2000:
            return "fault", f"not one printable line: {str(error)[:300]!r}"
        return "refused", ""
    except BaseException as error:
        return "fault", f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.alarm(0)


def _copy(whole):
    folder = whole.parent / "copy" / "input"
    shutil.rmtree(folder.parent, ignore_errors=True)
    return pathlib.Path(shutil.copytree(whole, folder))


def _too_slow(*_):
    raise TimeoutError(f"more than {SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
