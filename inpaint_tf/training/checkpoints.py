"""Saves and restores a run so that neither `kill -9` nor a full disk loses more than the time since the last save.

`tf.train.CheckpointManager` writes a checkpoint aside and renames it; only then does its list point to it, and only
then is the oldest deleted. So whatever happens, a whole checkpoint is there. What a crash leaves aside is removed at
the next start, and a checkpoint that turns out damaged is passed over for the one before.
"""

import pathlib
import re
import shutil

import tensorflow as tf

from inpaint_tf.errors import UserError

# TensorFlow's reader translates some of its errors into Python's.
_DAMAGED = (tf.errors.OpError, OSError, ValueError, LookupError, AssertionError, RuntimeError)


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: Where they are.
        state: The `TrainingState` that is saved and restored, with its counters.
        keep: How many are kept.
        writes: Whether this process writes them; in a group of workers only the first does.
    """

    def __init__(self, folder, state, keep, writes=True):
        self.folder, self.state, self.writes = pathlib.Path(folder), state, writes
        names = ("step", "batches", "updates")
        self._counters = {name: tf.Variable(0, dtype=tf.int64, trainable=False) for name in names}
        self._checkpoint = tf.train.Checkpoint(counters=self._counters, **state.trackables())
        self.manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=keep)
        self.last_saved = None

    def restore(self, report=print):
        """Puts the state where the newest whole checkpoint was.

        Args:
            report: Called with a line about every damaged checkpoint that is passed over.

        Returns:
            Whether there was one; if not, the state is as it was.

        Raises:
            UserError: if there are checkpoints and all of them are damaged.
        """
        if self.writes:
            self._remove_leftovers()
        prefixes = list(reversed(self.manager.checkpoints))
        for prefix in prefixes:
            try:
                self._checkpoint.restore(prefix).assert_consumed()
            except _DAMAGED as error:
                report(f"checkpoint {prefix} is damaged and passed over: {_first_line(error)}")
                continue
            for name, variable in self._counters.items():
                setattr(self.state.counters, name, int(variable.numpy()))
            self.last_saved = self.state.counters.step
            return True
        if prefixes:
            raise UserError(
                f"all {len(prefixes)} checkpoints in {self.folder} are damaged or of another configuration; "
                "start anew in another --run_dir."
            )
        return False

    def save(self):
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
                self.manager.save(checkpoint_number=step)
            except (tf.errors.OpError, OSError) as error:
                self._remove_leftovers()
                before = (
                    "there is none before it" if self.last_saved is None else f"that of step {self.last_saved} is whole"
                )
                raise UserError(
                    f"the checkpoint of step {step} cannot be written to {self.folder} ({_first_line(error)}); "
                    f"{before}. "
                    "Make room and run the same command again."
                ) from error
        self.last_saved = step

    def _remove_leftovers(self):
        """Deletes what a save that did not finish left behind: nothing that the manager's list names."""
        known = {pathlib.Path(prefix).name for prefix in self.manager.checkpoints}
        for path in self.folder.glob("ckpt-*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.split(".")[0] not in known:
                path.unlink(missing_ok=True)
        for path in self.folder.glob("checkpoint.tmp*"):
            path.unlink(missing_ok=True)


def _first_line(error):
    """What happened, without TensorFlow's names of its own functions: "PATH; No space left on device"."""
    text = re.sub(r"\{\{.*?\}\}\s*|\s*\[Op:\w+\]", "", str(error)).strip() or type(error).__name__
    return text.splitlines()[0][:300]
