"""Memory that runs out in training: one line that says what is saved and what takes less."""

import pytest
import tensorflow as tf

from inpaint_tf.commands import train
from inpaint_tf.commands.dispatcher import main

XLA = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 34359738368 bytes."
ERRORS = [
    tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[16,64,64,128] on GPU:0"),
    tf.errors.InternalError(None, None, XLA),
    MemoryError(),
]


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """Function: error, words -> exit code of a `train` whose first step raises the error."""

    def run(error, *words):
        def raising(*_):
            raise error

        monkeypatch.setattr(train, "_train", raising)
        return main(["train", "--train_data=photos", f"--run_dir={tmp_path}", "--batch_size=16", *words])

    return run


@pytest.mark.parametrize("error", ERRORS, ids=["tensorflow", "xla", "python"])
def test_one_line_with_what_takes_less(failing, error, capsys):
    assert failing(error) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "memory ran out in training; nothing was saved yet" in line
    assert "--batch_size (now 16)" in line and "--precision=mixed_bfloat16" in line


def test_the_checkpoint_that_is_whole_is_named(failing, tmp_path, capsys):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name in ("ckpt-20.index", "ckpt-20.data-00000-of-00001", "ckpt-40.index"):
        (folder / name).touch()
    assert failing(ERRORS[0], "--precision=mixed_bfloat16") == 2
    line = capsys.readouterr().err
    assert "the checkpoint of step 20 is whole" in line and "--precision" not in line


def test_other_errors_keep_their_trace(failing):
    with pytest.raises(tf.errors.InternalError, match="ILLEGAL_ADDRESS"):
        failing(tf.errors.InternalError(None, None, "CUDA_ERROR_ILLEGAL_ADDRESS"))
