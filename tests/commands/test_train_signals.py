"""A signal may come at any moment, also in the middle of a log line."""

import io
import os
import signal
import subprocess
import sys
import types

from inpaint_tf.commands.train import stopping_on_signals


class SignallingFile(io.RawIOBase):
    """Raises SIGTERM while the first line is being written."""

    def __init__(self, descriptor):
        self.descriptor, self.signalled = descriptor, False

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def write(self, data):
        if not self.signalled:
            self.signalled = True
            os.kill(os.getpid(), signal.SIGTERM)
        return os.write(self.descriptor, data)


def test_a_signal_within_a_log_line_is_heard(monkeypatch):
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(SignallingFile(writing))))
    trainer = types.SimpleNamespace(stop=False)
    with stopping_on_signals(trainer):
        print("step 7/10", flush=True)
    assert trainer.stop
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert sorted(lines) == ["SIGTERM: finishes the step and saves; once more stops at once\n", "step 7/10\n"]


def test_a_second_signal_ends_the_process_at_once_without_a_trace():
    code = (
        "import os, signal, time, types\nfrom inpaint_tf.commands.train import stopping_on_signals\n"
        "with stopping_on_signals(types.SimpleNamespace(stop=False)):\n"
        " try:\n  for _ in range(2): os.kill(os.getpid(), signal.SIGTERM)\n  time.sleep(9)\n"
        " finally: print('not reached', flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert done.stdout == "SIGTERM: finishes the step and saves; once more stops at once\n"
    assert done.stderr == "inpaint-tf: stopped at once; the last checkpoint is whole.\n"


def test_handlers_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stopping_on_signals(types.SimpleNamespace(stop=True)):
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
