"""On what and with which code a number was made."""

import functools
import os
import pathlib
import platform
import subprocess

import tensorflow as tf

import inpaint_tf


@functools.cache
def revision() -> str:
    """Package version and, in a git checkout, its commit: "0.1.0+1a2b3c4", "-modified" if the package was changed."""
    folder = pathlib.Path(inpaint_tf.__file__).parent
    # Installed into some other repository's virtual environment, the package is not tracked there.
    tracked = _git(folder, "ls-files", "__init__.py")
    commit = tracked and _git(folder, "rev-parse", "--short", "HEAD")
    if not commit:
        return inpaint_tf.__version__
    modified = "-modified" if _git(folder, "status", "--porcelain", "--untracked-files=no", ".") else ""
    return f"{inpaint_tf.__version__}+{commit}{modified}"


@functools.cache
def device() -> str:
    """The processor with its cores and, if TensorFlow sees any, the GPUs."""
    names = [f"{processor()}, {os.cpu_count()} cores"]
    for gpu in tf.config.list_physical_devices("GPU"):
        names.append(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
    return " + ".join(names)


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git(folder, *words):
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
