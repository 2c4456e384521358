"""`inpaint-tf COMMAND`: finds the command, parses its flags, turns errors into one line and an exit code.

A command is a module with `SUMMARY` (one line), `define_flags(values)`, which defines its flags on an absl
`FlagValues`, and `run(options, arguments)`, which gets the parsed flags and the remaining words and returns the exit
code. Every command has its own set of flags, so nothing is global and several may run in one process.

Exit codes: 0 done, 1 some of many failed, or the device is not there, 2 bad input or usage, 130 interrupted, 141 nobody
reads the output any more (`inpaint-tf train --help | head`), 143 terminated (SIGTERM; `train` saves and exits with 0
once it trains).
"""

import importlib
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Sequence

from absl import flags

from inpaint_tf import __version__
from inpaint_tf.commands import terminal
from inpaint_tf.commands.terminal import printable_output
from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.machine_memory import ran_out_of_memory

# Name -> module. Modules are imported when their command runs.
COMMANDS = {
    "inpaint": "inpaint_tf.commands.inpaint",
    "convert": "inpaint_tf.commands.convert",
    "export": "inpaint_tf.commands.export",
    "presets": "inpaint_tf.commands.presets",
    "evaluate": "inpaint_tf.commands.evaluate",
    "masks": "inpaint_tf.commands.masks",
    "train": "inpaint_tf.commands.train",
    "make_records": "inpaint_tf.commands.make_records",
    "benchmark": "inpaint_tf.commands.benchmark",
    "explain": "inpaint_tf.commands.explain",
    "serve": "inpaint_tf.commands.serve",
    "doctor": "inpaint_tf.commands.doctor",
}


INTERRUPTED, NOBODY_READS, TERMINATED = 130, 141, 143
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM came: everything is left as for SIGINT, so that nothing half-written stays."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Words after the program's name; None takes those of the process.

    Returns:
        The exit code.
    """
    with printable_output():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    before = _raise_on_sigterm()
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        _ignore_further(before)
        terminated = isinstance(error, Terminated)
        return _fail("terminated.", TERMINATED) if terminated else _fail("interrupted.", INTERRUPTED)
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        _forget_output()
        return NOBODY_READS
    except OSError as error:
        if not _raised_here(error):
            raise
        _forget_output()  # A full device under standard output.
        return _fail(f"cannot write to standard output: {reason(error)}.")
    finally:
        if argv is not None:
            _put_back(before)


def _run(argv: list[str]) -> int:
    # TensorFlow announces missing CUDA libraries on every CPU machine; a command speaks for itself.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not argv or argv[0] in ("--help", "-h", "help"):
        print(_overview())
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"inpaint-tf {__version__}")
        return 0
    name, words = argv[0], argv[1:]
    if name not in COMMANDS:
        return _fail(f"unknown command {name!r}; known: {', '.join(COMMANDS)}.")
    module = importlib.import_module(COMMANDS[name])
    values = flags.FlagValues()
    flags.DEFINE_boolean("traceback", False, "Show the whole trace of an error.", flag_values=values)
    module.define_flags(values)
    if any(word in ("--help", "-h", "-help") for word in words):
        print(f"inpaint-tf {name}: {module.SUMMARY}\n\n{module.__doc__}\n{values.get_help()}")
        return 0
    try:
        arguments = values([f"inpaint-tf {name}", *words])[1:]
    except (flags.Error, OSError, ValueError, RecursionError) as error:  # A flag file may be anything.
        files = [word for word in words if word.startswith("-") and os.path.isfile(word)]
        hint = f"for the file {files[0]} write ./{files[0]}; " if files else ""
        return _fail(f"{name}: {reason(error)} ({hint}inpaint-tf {name} --help lists the flags)")
    try:
        return module.run(values, arguments)
    except UserError as error:
        if values.traceback:
            raise
        return _fail(_one_line(error), error.exit_code)
    except BrokenPipeError:
        raise
    except Exception as error:
        # What no reader or writer put into words of its own: a full disk, a folder that cannot be written, no memory.
        if values.traceback or not (isinstance(error, OSError) or ran_out_of_memory(error)):
            raise
        name = getattr(error, "filename", None)
        return _fail(f"{printable(name)}: {reason(error)}." if name else f"{reason(error)}.")


def _raised_here(error: OSError) -> bool:
    """Whether it was this module's own print or flush that failed, not a command."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename in (__file__, terminal.__file__)


def _forget_output() -> None:
    """What is still in the buffer of standard output would fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_is_gone() -> bool:
    """Whether it is stdout whose reader has closed its end, and not some other pipe."""
    try:
        events = select.poll()
        events.register(sys.stdout.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in events.poll(0))
    except (AttributeError, OSError, ValueError):
        return False  # No poll on this system, or no file at all.


def _fail(message: str, code: int = 2) -> int:
    print(f"inpaint-tf: {printable(message)}", file=sys.stderr)
    return code


def _raise_on_sigterm():
    """Lets SIGTERM raise `Terminated`. Returns the handlers that were there; nothing in a thread, which has none."""

    def terminate(*_):
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    if before[signal.SIGTERM] == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)
    return before


def _ignore_further(before):
    """The process ends; a second signal must not end in a trace."""
    for number in before:
        signal.signal(number, signal.SIG_IGN)


def _put_back(before):
    for number, handler in before.items():
        signal.signal(number, handler)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _overview() -> str:
    lines = ["inpaint-tf COMMAND [--flag=value ...]", ""]
    for name, module in COMMANDS.items():
        lines.append(f"  {name:<12} {importlib.import_module(module).SUMMARY}")
    return "\n".join([*lines, "", "inpaint-tf COMMAND --help lists a command's flags; inpaint-tf --version."])
