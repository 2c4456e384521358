"""The folder of a run: what was asked for, with which code, and what came of it, readable without this package.

configuration.json   the resolved configuration, code revision and data fingerprint, written before step 0
flags.txt            the same as a flag file: `inpaint-tf train --flagfile=RUN/flags.txt` resumes
metrics.jsonl        one line every --log_every steps, and one for every measurement
curves.png           the same, drawn with every sample grid (with the extra `evaluation`)
checkpoints/         see `checkpoints`
samples/             the sample grid, by step
preset/              the generator as a preset, renewed with every checkpoint
events.out...        the same numbers and pictures for TensorBoard
"""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from inpaint_tf.data.sources import Fingerprint
from inpaint_tf.errors import UserError, shortened
from inpaint_tf.files import is_aside, replace_folder, sweep, write_bytes
from inpaint_tf.provenance import revision
from inpaint_tf.schema import any_value, list_of, mapping, optional, read_json, record, scalar, text
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.visualize.curves import parse_record, read_run

_CONFIGURATION, _FLAGS, _METRICS, _LOCK = "configuration.json", "flags.txt", "metrics.jsonl", ".lock"
_DAMAGED = "metrics.damaged"
_RECORD = record(
    {
        "configuration": mapping(scalar),
        "data_fingerprint": optional(text),
        "changed": optional(list_of(any_value)),
        "begun": optional(text),
    },
    others=True,
)


class RunFolder:
    """Opens a run's folder, new or begun.

    Args:
        config: The `TrainingConfig`.
        fingerprint: Of the training data, see `sources`.
        writes: Whether this process writes; in a group of workers only the first does.

    Attributes:
        path: The folder.

    Raises:
        UserError: if the folder holds something else, another process trains in it, it cannot be written, or the
            configuration or the data contradict those that the run was begun with (all differences are shown).
    """

    def __init__(self, config: TrainingConfig, fingerprint: str, writes: bool = True) -> None:
        if not config.run_dir:
            raise UserError("--run_dir is missing: name a folder for the run.")
        self.path, self.writes = pathlib.Path(config.run_dir), writes
        self._lock = None
        known = self._known()
        if known is not None:
            _refuse_contradictions(self.path, config, fingerprint, known)
        if not writes:
            return
        if known is None and self.path.is_dir() and any(map(_is_foreign, self.path.iterdir())):
            raise UserError(
                f"{self.path} is not empty and no run's folder ({_CONFIGURATION} is missing); name another."
            )
        with self._clear_errors():
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            for folder in (self.path, *filter(pathlib.Path.is_dir, self.path.iterdir())):
                sweep(folder)
            record = {
                "configuration": config.to_dict(),
                "data_fingerprint": fingerprint,
                "revision": revision(),
                "tensorflow": tf.__version__,
                "begun": (known or {}).get("begun", _now()),
                "changed": [*(known or {}).get("changed", []), *_changes(config, known)],
            }
            write_bytes(self.path / _CONFIGURATION, (json.dumps(record, indent=2) + "\n").encode())
            write_bytes(self.path / _FLAGS, flag_file(config).encode())

    @property
    def resume_command(self) -> str:
        """The command that resumes this run."""
        return f"inpaint-tf train --flagfile={self.path / _FLAGS}"

    def forget_after(self, step: int) -> None:
        """Drops metrics of steps after `step`, which a crash left and a resumed run writes again.

        Lines that are damaged go into metrics.damaged, but for the last one, which a kill may have cut off.

        Raises:
            UserError: if `step` is 0 though there was a checkpoint once.
        """
        path = self.path / _METRICS
        if not self.writes or not path.exists():
            return
        if step == 0 and (self.path / "preset").exists():
            raise UserError(
                f"{self.path} has no checkpoint, but its preset was made with one; put the folder checkpoints back, or "
                "name another --run_dir."
            )
        with self._clear_errors():
            lines = path.read_bytes().splitlines()
            records = [parse_record(line) for line in lines]
            kept = [line for line, record in zip(lines, records) if record is not None and record["step"] <= step]
            damaged = [line for line, record in zip(lines[:-1], records[:-1]) if record is None and line.strip()]
            if damaged:
                with open(self.path / _DAMAGED, "ab") as file:
                    file.write(_lines(damaged))
        write_bytes(path, _lines(kept))

    def log(self, record: dict[str, Any]) -> None:
        """Appends a dictionary to metrics.jsonl."""
        if self.writes:
            with self._clear_errors(), open(self.path / _METRICS, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """What metrics.jsonl holds so far."""
        path = self.path / _METRICS
        return read_run(path) if path.exists() else []

    def write(self, name: str, content: bytes) -> None:
        """Writes bytes under a name below the folder, aside and then renamed."""
        if self.writes:
            with self._clear_errors():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(self.path / name, content)

    def replace_folder(self, name: str, make: Callable[[pathlib.Path], None]) -> None:
        """Renews a folder below this one: `make(path)` writes it aside, then it takes the old one's place."""
        if self.writes:
            with self._clear_errors():
                replace_folder(self.path / name, make)

    def close(self) -> None:
        """Lets other processes train in the folder."""
        if self._lock is not None:
            self._lock.close()

    def _known(self):
        path = self.path / _CONFIGURATION
        return read_json(path, "a run's configuration", _RECORD) if path.exists() else None

    def _take_lock(self):
        self._lock = open(self.path / _LOCK, "w", encoding="utf-8")  # noqa: SIM115 - held until the process ends.
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process trains in {self.path}; wait for it, or name another --run_dir."
            ) from error

    @contextlib.contextmanager
    def _clear_errors(self):
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cannot write to {self.path}: {error.strerror or error}. Make room or name another."
            ) from error


def flag_file(config: TrainingConfig) -> str:
    """The configuration as the text of an absl flag file; it serves from every directory."""
    values = config.to_dict()
    for name in ("train_data", "data_root", "run_dir"):
        if values[name]:
            values[name] = os.path.abspath(os.path.expanduser(values[name]))
    lines = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _is_foreign(path):
    """Whether a file in a folder without a configuration is not what a run that was killed at its start leaves."""
    return path.name != _LOCK and not is_aside(path)


def _changes(config, known):
    """What a resumed run changes of its configuration, for the record: a list of at most one dictionary."""
    if known is None:
        return []
    before, now = known["configuration"], config.to_dict()
    for name in ("run_dir", "train_data", "data_root"):  # A run and its data may be moved.
        del now[name]
    changed = {name: [before.get(name), now[name]] for name in now if before.get(name, now[name]) != now[name]}
    return [{"at": _now(), "options": changed}] if changed else []


def _now():
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def _lines(lines):
    return b"".join(line + b"\n" for line in lines)


def _refuse_contradictions(path, config, fingerprint, known):
    # What the run was begun without has the default of its model.
    defaults = TrainingConfig(model=known["configuration"].get("model", config.model)).to_dict()
    before = {**defaults, **known["configuration"]}
    differences = config.differences(before)
    if differences:
        changes = ((name, shortened(old), shortened(new)) for name, (new, old) in differences.items())
        shown = ", ".join(f"--{name} was {old}, now {new}" for name, old, new in changes)
        raise UserError(
            f"{path} holds a run with another configuration: {shown}. "
            "Give the same to resume, or name another --run_dir."
        )
    before = known.get("data_fingerprint")
    if not (fingerprint.matches(before) if isinstance(fingerprint, Fingerprint) else fingerprint == before):
        raise UserError(
            f"the files of --train_data are not those that the run in {path} was begun with: names, sizes or order "
            f"differ ({before}, now {fingerprint}). They may lie elsewhere, but must be the same; or name another "
            f"--run_dir, and start from this run's weights with --initial_preset={path / 'preset'}."
        )
