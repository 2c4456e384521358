"""Which processor the work runs on, and why a GPU is not used.

TensorFlow drops a GPU whose libraries it cannot open, and computes without it. Here the question is answered from both
sides: what the machine has (its driver's files), and what TensorFlow made of it.
"""

import ctypes
import importlib.util
import os
import pathlib
import re
import subprocess
from typing import NamedTuple

from inpaint_tf.errors import NoSuchDevice, UserError
from inpaint_tf.tensorflow_loading import load_tensorflow

DRIVER = pathlib.Path("/proc/driver/nvidia")
# What TensorFlow 2.20 and 2.21 open for a GPU: CUDA 12 and cuDNN 9.
LIBRARIES = (
    "libcuda.so.1",
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
    "libcudnn.so.9",
)
LEAST_DRIVER = (525, 60, 13)
INSTALL = 'pip install "inpaint_tf[cuda]"'
_NAME = re.compile(r"auto|cpu|gpu(:\d+)?")


class Gpu(NamedTuple):
    """A GPU as its driver names it.

    Attributes:
        name: For example "NVIDIA H100 80GB HBM3".
        driver: Version of the driver, for example "550.54.15"; empty if it does not say.
    """

    name: str
    driver: str


def machine_gpus() -> list[Gpu]:
    """The NVIDIA GPUs that the machine's driver knows, whether or not TensorFlow can use them."""
    driver = driver_version()
    names = []
    for file in sorted(DRIVER.glob("gpus/*/information")):
        found = re.search(r"^Model:\s*(.+)$", _text(file), re.MULTILINE)
        names.append(found[1].strip() if found else "NVIDIA GPU")
    if not names:
        # WSL has no such files.
        listed = _output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
        pairs = [line.split(",") for line in listed.splitlines() if "," in line]
        return [Gpu(name.strip(), version.strip()) for name, version in pairs]
    return [Gpu(name, driver) for name in names]


def driver_version() -> str:
    """Version of the NVIDIA kernel driver, or an empty string."""
    found = re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)", _text(DRIVER / "version"))
    return found[1] if found else ""


def missing_libraries() -> list[str]:
    """Of `LIBRARIES`, those that cannot be opened, neither from the system nor from NVIDIA's Python packages."""
    return [name for name in LIBRARIES if not _can_be_opened(name)]


def tensorflow_gpus() -> list[str]:
    """Names of the GPUs that TensorFlow uses, "GPU:0" first. Imports TensorFlow."""
    load_tensorflow()
    import tensorflow as tf

    names = []
    for index, device in enumerate(tf.config.list_physical_devices("GPU")):
        details = tf.config.experimental.get_device_details(device)
        capability = ".".join(map(str, details.get("compute_capability", ())))
        names.append(
            f"GPU:{index} {details.get('device_name', 'unnamed')}, compute capability {capability or 'unknown'}"
        )
    return names


def reasons_without_gpu() -> list[str]:
    """Why TensorFlow uses no GPU, one sentence each, the first one to mend first; empty if it uses one."""
    if tensorflow_gpus():
        return []
    import tensorflow as tf

    reasons = []
    gpus = machine_gpus()
    if not gpus:
        reasons.append("the machine shows no NVIDIA GPU (no driver, or a container started without --gpus all).")
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1"):
        reasons.append(f"CUDA_VISIBLE_DEVICES={os.environ['CUDA_VISIBLE_DEVICES']!r} hides all GPUs; unset it.")
    if not tf.test.is_built_with_cuda():
        reasons.append(f"this TensorFlow is built without CUDA; {INSTALL} on Linux or WSL.")
    if gpus and gpus[0].driver and _numbers(gpus[0].driver) < LEAST_DRIVER:
        reasons.append(
            f"the driver {gpus[0].driver} is too old: {'.'.join(map(str, LEAST_DRIVER))} or newer is needed."
        )
    if gpus and (missing := missing_libraries()):
        reasons.append(
            f"these libraries cannot be opened: {', '.join(missing)}; {INSTALL} brings all but libcuda.so.1."
        )
    return reasons or ["TensorFlow does not say; run with TF_CPP_MIN_LOG_LEVEL=0 to see its own messages."]


def use_device(name: str) -> None:
    """Makes TensorFlow use one processor, or all it finds. Call it before anything is computed.

    GPU memory is taken as it is needed, not all at once.

    Args:
        name: "auto": GPUs if there are any; "cpu": no GPU; "gpu": all GPUs; "gpu:1": the second one.

    Raises:
        UserError: for another word.
        NoSuchDevice: for a GPU that is not there; the message says why.
    """
    check_device_name(name)
    # Who chooses the CPU knows that no GPU is used; who wants a GPU gets an error instead.
    load_tensorflow(warn_of_unused_gpu=name == "auto")
    gpus = tensorflow_gpus()
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    wanted = devices
    if name == "cpu":
        wanted = []
    elif name.startswith("gpu"):
        if not gpus:
            raise NoSuchDevice(
                f"--device={name}: TensorFlow has no GPU here: {reasons_without_gpu()[0]} See inpaint-tf doctor."
            )
        number = int(name[4:]) if ":" in name else None
        if number is not None and number >= len(devices):
            raise NoSuchDevice(f"--device={name}: there is no such GPU; there are {len(devices)}, counted from gpu:0.")
        wanted = devices if number is None else [devices[number]]
    try:
        tf.config.set_visible_devices(wanted, "GPU")
        for device in wanted:
            tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError as error:
        if tf.config.get_visible_devices("GPU") != wanted:
            raise UserError(f"--device={name} must be chosen before TensorFlow computes anything.") from error


def use_device_in_children(name: str) -> None:
    """`use_device` for this process and for those that it starts from now on."""
    use_device(name)
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    if name == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    elif ":" in name:
        os.environ["CUDA_VISIBLE_DEVICES"] = _driver_name(int(name[4:]))


def check_device_name(name: str) -> None:
    """Raises UserError unless `use_device` knows the word."""
    if not _NAME.fullmatch(name):
        raise UserError(f"--device={name} is unknown; known: auto, cpu, gpu, gpu:N (N counts from 0).")


def free_gpu_memory() -> int | None:
    """Free bytes of the GPU that TensorFlow uses first; None if it uses none or the driver does not say."""
    import tensorflow as tf

    if not tf.config.get_visible_devices("GPU"):
        return None
    index = tf.config.list_physical_devices("GPU").index(tf.config.get_visible_devices("GPU")[0])
    listed = _output(
        "nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits", f"--id={_driver_name(index)}"
    )
    return int(listed.split()[0]) << 20 if listed.strip().split("\n")[0].strip().isdigit() else None


def _driver_name(index: int) -> str:
    """What the driver calls the GPU that is number `index` here: its number or UUID, by CUDA_VISIBLE_DEVICES."""
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return visible[index] if index < len(visible) and visible[index] else str(index)


def _can_be_opened(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        spec = importlib.util.find_spec("nvidia")
        folders = [pathlib.Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
        return any(any(folder.glob(f"*/lib/{name}")) for folder in folders)
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _output(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
