"""Saves and restores a run so that neither `kill -9` nor a full disk loses more than the time since the last save.

A checkpoint is a pair of files, `ckpt-STEP.index` and `ckpt-STEP.data-...`; TensorFlow writes both aside and renames
them, the index last. What is in the folder counts, not TensorFlow's list of it (the file `checkpoint`), which is
written again from the whole pairs. A checkpoint that turns out damaged is passed over for the one before. The only
whole pair that is ever deleted is the oldest of more than `keep`, after a newer one was saved.
"""

import contextlib
import pathlib
import re
import shutil
from collections.abc import Callable

import tensorflow as tf

from inpaint_tf.errors import UserError, printable, reason
from inpaint_tf.training.state import TrainingState

# TensorFlow's reader translates some of its errors into Python's.
_DAMAGED = (tf.errors.OpError, OSError, ValueError, LookupError, AssertionError, RuntimeError)
_LIST = "checkpoint"
_INDEX = re.compile(r"ckpt-(\d+)\.index")
_DATA = re.compile(r"\.data-(\d{5})-of-(\d{5})")


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: Where they are.
        state: The `TrainingState` that is saved and restored, with its counters.
        keep: How many are kept.
        writes: Whether this process writes them; in a group of workers only the first does.

    Attributes:
        last_saved: Step of the newest checkpoint that was saved or restored; None if there is none.
    """

    def __init__(self, folder: str | pathlib.Path, state: TrainingState, keep: int, writes: bool = True):
        self.folder, self.state, self.keep, self.writes = pathlib.Path(folder), state, keep, writes
        names = ("step", "batches", "updates")
        self._counters = {name: tf.Variable(0, dtype=tf.int64, trainable=False) for name in names}
        self._checkpoint = tf.train.Checkpoint(counters=self._counters, **state.trackables())
        self._saves = self._checkpoint.save_counter  # Made now, so that every checkpoint holds it.
        self._kept: list[int] = []
        self.last_saved: int | None = None

    def restore(self, report: Callable[[str], None] = print) -> bool:
        """Puts the state where the newest whole checkpoint was.

        Args:
            report: Called with a line about every damaged checkpoint that is passed over.

        Returns:
            Whether there was one; if not, the state is as it was.

        Raises:
            UserError: if there are checkpoints and all of them are damaged, or traces of some and none of them whole.
        """
        if self.writes:
            self._remove_leftovers()
        steps = whole_checkpoints(self.folder)
        for number, step in reversed(list(enumerate(steps))):
            prefix = self._prefix(step)
            try:
                self._checkpoint.restore(prefix).assert_consumed()
            except _DAMAGED as error:
                report(f"checkpoint {printable(prefix)} is damaged and passed over: {reason(error)}")
                continue
            for name, variable in self._counters.items():
                setattr(self.state.counters, name, int(variable.numpy()))
            self.last_saved = self.state.counters.step
            # A damaged one of a later step is written again when the run gets there.
            self._kept = steps[: number + 1]
            self._write_list()
            return True
        if steps:
            raise UserError(
                f"all {len(steps)} checkpoints in {self.folder} are damaged or of another configuration; "
                "start anew in another --run_dir."
            )
        self._refuse_if_lost()
        return False

    def save(self) -> None:
        """Saves the state under its step.

        Raises:
            UserError: if it cannot be written; the checkpoints before are whole then.
        """
        step = self.state.counters.step
        if self.last_saved == step:
            return
        if self.writes:
            for name, variable in self._counters.items():
                variable.assign(getattr(self.state.counters, name))
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._saves.assign_add(1)
                self._checkpoint.write(self._prefix(step))
                self._kept = [kept for kept in self._kept if kept != step] + [step]
                self._write_list()
            except (tf.errors.OpError, OSError) as error:
                self._remove(step)
                before = (
                    "there is none before it" if self.last_saved is None else f"that of step {self.last_saved} is whole"
                )
                raise UserError(
                    f"the checkpoint of step {step} cannot be written to {self.folder} ({reason(error)}); "
                    f"{before}. "
                    "Make room and run the same command again."
                ) from error
            while len(self._kept) > self.keep:
                self._remove(self._kept.pop(0))
            self._write_list()
        self.last_saved = step

    def _prefix(self, step):
        return str(self.folder / f"ckpt-{step}")

    def _write_list(self):
        """Tells TensorFlow's own tools (`tf.train.latest_checkpoint`) what there is."""
        if self.writes and self._kept:
            # As TensorFlow's own function writes it, which tells everybody that it is deprecated.
            lines = [f'model_checkpoint_path: "ckpt-{self._kept[-1]}"\n']
            lines += [f'all_model_checkpoint_paths: "ckpt-{step}"\n' for step in self._kept]
            partial = self.folder / f"{_LIST}.tmp"
            partial.write_text("".join(lines))
            partial.replace(self.folder / _LIST)

    def _remove(self, step):
        """Deletes a checkpoint; the index first, so that half a deletion leaves no pair."""
        for pattern in (f"ckpt-{step}.index", f"ckpt-{step}.data-*", f"ckpt-{step}_temp*"):
            for path in self.folder.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        path.unlink()

    def _remove_leftovers(self):
        """Deletes what a save that did not finish left aside, under names that only unfinished saves bear."""
        for path in self.folder.glob("ckpt-*_temp*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{_LIST}.tmp*"):
            path.unlink(missing_ok=True)

    def _refuse_if_lost(self):
        """Raises UserError if something says that a checkpoint was here once: then starting at 0 would bury the run."""
        listed = self.folder / _LIST
        traces = [*self.folder.glob("ckpt-*.index"), *([listed] if listed.exists() and listed.stat().st_size else [])]
        if traces:
            raise UserError(
                f"{self.folder} holds no whole checkpoint, but {traces[0].name} says that there was one; put the files "
                "ckpt-*.index and ckpt-*.data-* back, or start anew in another --run_dir."
            )


def whole_checkpoints(folder: str | pathlib.Path) -> list[int]:
    """Steps of the checkpoints in a folder that have an index and all their data, ascending."""
    folder, data, steps = pathlib.Path(folder), {}, []
    names = [path.name for path in folder.glob("ckpt-*")]
    for name in names:
        prefix, found = name.split(".")[0], _DATA.search(name)
        if found:
            data.setdefault((prefix, int(found[2])), set()).add(int(found[1]))
    for name in names:
        found = _INDEX.fullmatch(name)
        if found and any(prefix == f"ckpt-{found[1]}" and len(parts) == of for (prefix, of), parts in data.items()):
            steps.append(int(found[1]))
    return sorted(steps)
