"""Loads TensorFlow without its start-up chatter, and says the one thing in it that matters: a GPU that is not used."""

import glob
import multiprocessing
import os
import re
import sys
import tempfile

# What TensorFlow's C++ logs before its log level is in force: information and warnings, about missing CUDA above all.
_CHATTER = re.compile(
    rb"^(WARNING: All log messages before absl|[IW]\d{4} |E\d{4} .*cu(Init|da_platform|dart)"
    rb"|To enable the following instructions)"  # The second line of a message.
)
# Files that the NVIDIA driver makes for each GPU, on Linux and on WSL.
GPU_FILES = ("/proc/driver/nvidia/gpus/*", "/dev/nvidia[0-9]*", "/usr/lib/wsl/lib/libcuda.so.1")


def load_tensorflow(warn_of_unused_gpu: bool = True) -> None:
    """Imports TensorFlow and looks for devices; what it says of no consequence meanwhile is dropped, the rest shown.

    Does nothing if TensorFlow is loaded already.

    Args:
        warn_of_unused_gpu: Whether one line on stderr says that the machine has a GPU and TensorFlow does not use it.
    """
    if "tensorflow" in sys.modules:
        return
    # GPUs are counted as nvidia-smi counts them, not the fastest first.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            used = tf.config.list_physical_devices("GPU")
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            for line in said:
                if not _CHATTER.match(line):
                    sys.stderr.write(line.decode(errors="replace"))
    # Processes that were started to help have the same answer.
    if warn_of_unused_gpu and multiprocessing.parent_process() is None and has_unused_gpu(bool(used)):
        print(
            "inpaint-tf: this machine has a GPU that TensorFlow does not use, so it computes on the CPU; "
            "inpaint-tf doctor says why.",
            file=sys.stderr,
        )


def has_unused_gpu(used: bool) -> bool:
    """Whether the machine has a GPU that TensorFlow does not use and that nobody asked it to ignore.

    Args:
        used: Whether TensorFlow uses one.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1")
    return not used and not hidden and any(glob.glob(pattern) for pattern in GPU_FILES)
