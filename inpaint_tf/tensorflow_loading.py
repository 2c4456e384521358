"""Loads TensorFlow without its start-up chatter, so that a command's own words are the only ones."""

import os
import re
import sys
import tempfile

# What TensorFlow's C++ logs before its log level is in force: informations and warnings, about missing CUDA above all.
_CHATTER = re.compile(rb"^(WARNING: All log messages before absl|[IW]\d{4} |E\d{4} .*cu(Init|da_platform|dart))")


def load_tensorflow():
    """Imports TensorFlow and looks for devices; what it says of no consequence meanwhile is dropped, the rest shown."""
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            for line in said:
                if not _CHATTER.match(line):
                    sys.stderr.write(line.decode(errors="replace"))
