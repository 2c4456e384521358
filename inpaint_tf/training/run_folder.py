"""The folder of a run: what was asked for, with which code, and what came of it, readable without this package.

configuration.json   the resolved configuration, code revision and data fingerprint, written before step 0
flags.txt            the same as a flag file: `inpaint-tf train --flagfile=RUN/flags.txt` goes on
metrics.jsonl        one line every --log_every steps, and one for every measurement
curves.png           the same, drawn with every sample grid
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
import shutil

import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes
from inpaint_tf.provenance import revision
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.visualize.curves import read_run

_CONFIGURATION, _FLAGS, _METRICS, _LOCK = "configuration.json", "flags.txt", "metrics.jsonl", ".lock"


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

    def __init__(self, config, fingerprint, writes=True):
        if not config.run_dir:
            raise UserError("--run_dir is missing: name a folder for the run.")
        self.path, self.writes = pathlib.Path(config.run_dir), writes
        self._lock = None
        known = self._known()
        if known is not None:
            _refuse_contradictions(self.path, config, fingerprint, known)
        if not writes:
            return
        if known is None and self.path.is_dir() and any(p.name != _LOCK for p in self.path.iterdir()):
            raise UserError(
                f"{self.path} is not empty and no run's folder ({_CONFIGURATION} is missing); name another."
            )
        with self._clear_errors():
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            record = {
                "configuration": config.to_dict(),
                "data_fingerprint": fingerprint,
                "revision": revision(),
                "tensorflow": tf.__version__,
                "begun": (known or {}).get("begun", datetime.datetime.now().astimezone().isoformat(timespec="seconds")),
            }
            write_bytes(self.path / _CONFIGURATION, (json.dumps(record, indent=2) + "\n").encode())
            write_bytes(self.path / _FLAGS, flag_file(config).encode())

    @property
    def resume_command(self):
        """The command that goes on with this run."""
        return f"inpaint-tf train --flagfile={self.path / _FLAGS}"

    def forget_after(self, step):
        """Drops metrics of steps after `step`, which a crash left behind and a resumed run writes again."""
        path = self.path / _METRICS
        if not self.writes or not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                if json.loads(line)["step"] <= step:
                    kept.append(line)
        write_bytes(path, "".join(line + "\n" for line in kept).encode())

    def log(self, record):
        """Appends a dictionary to metrics.jsonl."""
        if self.writes:
            with self._clear_errors(), open(self.path / _METRICS, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def records(self):
        """What metrics.jsonl holds so far."""
        path = self.path / _METRICS
        return read_run(path) if path.exists() else []

    def write(self, name, content):
        """Writes bytes under a name below the folder, aside and then renamed."""
        if self.writes:
            with self._clear_errors():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(self.path / name, content)

    def replace_folder(self, name, make):
        """Renews a folder below this one: `make(path)` writes it aside, then it takes the old one's place."""
        if not self.writes:
            return
        aside, old = self.path / f".{name}.new", self.path / f".{name}.old"
        with self._clear_errors():
            for path in (aside, old):
                shutil.rmtree(path, ignore_errors=True)
            make(aside)
            if (self.path / name).exists():
                os.replace(self.path / name, old)
            os.replace(aside, self.path / name)
            shutil.rmtree(old, ignore_errors=True)

    def close(self):
        """Lets other processes train in the folder."""
        if self._lock is not None:
            self._lock.close()

    def _known(self):
        path = self.path / _CONFIGURATION
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            return known if isinstance(known["configuration"], dict) else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} cannot be read as a run's configuration: {error}.") from error

    def _take_lock(self):
        self._lock = open(self.path / _LOCK, "w", encoding="utf-8")  # noqa: SIM115 - held until the process ends.
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
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


def flag_file(config):
    """The configuration as the text of an absl flag file."""
    lines = [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in config.to_dict().items()
    ]
    return "\n".join(lines) + "\n"


def _refuse_contradictions(path, config, fingerprint, known):
    before = {**TrainingConfig().to_dict(), **known["configuration"]}
    differences = config.differences(before)
    if differences:
        shown = ", ".join(f"--{name} was {old!r}, now {new!r}" for name, (new, old) in differences.items())
        raise UserError(
            f"{path} holds a run with another configuration: {shown}. "
            "Give the same to go on, or name another --run_dir."
        )
    if known.get("data_fingerprint") != fingerprint:
        raise UserError(
            f"the files of --train_data are not those that the run in {path} was begun with "
            f"({known.get('data_fingerprint')}, now {fingerprint}); give the same data, or name another --run_dir."
        )
