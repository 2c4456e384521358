"""What is said about GPUs, on a machine that has none: a driver's files are made up."""

import pathlib
import re

import pytest
import tensorflow as tf

from inpaint_tf import devices
from inpaint_tf.commands import doctor
from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import NoSuchDevice, UserError


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """The folder of a driver with two GPUs."""
    for number, model in enumerate(("NVIDIA H100 80GB HBM3", "NVIDIA L4")):
        folder = tmp_path / "gpus" / f"0000:0{number}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 38\n")
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024\nGCC\n"
    )
    monkeypatch.setattr(devices, "DRIVER", tmp_path)
    return tmp_path


def test_the_drivers_gpus_are_listed(driver):
    assert devices.machine_gpus() == [("NVIDIA H100 80GB HBM3", "550.54.15"), ("NVIDIA L4", "550.54.15")]


def test_no_driver_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "DRIVER", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.machine_gpus() == []
    assert devices.reasons_without_gpu()[0].startswith("the machine shows no NVIDIA GPU")


def test_missing_libraries_are_named_with_what_brings_them(driver, monkeypatch):
    monkeypatch.setattr(devices, "LIBRARIES", ("libc.so.6", "libnothing.so.12"))
    (reason,) = devices.reasons_without_gpu()
    assert "libnothing.so.12" in reason and "libc.so.6" not in reason and "inpaint_tf[cuda]" in reason


def test_an_old_driver_is_named(driver, monkeypatch):
    (driver / "version").write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  470.57.02  Tue\n")
    monkeypatch.setattr(devices, "LIBRARIES", ())
    (reason,) = devices.reasons_without_gpu()
    assert "470.57.02 is too old: 525.60.13" in reason


def test_a_hidden_gpu_is_said_to_be_hidden(driver, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "hides all GPUs" in devices.reasons_without_gpu()[0]


@pytest.mark.parametrize("name", ["GPU", "gpu:", "gpu:x", "tpu", ""])
def test_another_word_is_no_device(name):
    with pytest.raises(UserError, match="auto, cpu, gpu, gpu:N"):
        devices.use_device(name)


@pytest.mark.parametrize("name", ["gpu", "gpu:3"])
def test_a_gpu_that_is_not_there_is_refused_with_the_reason(name):
    with pytest.raises(NoSuchDevice, match=rf"--device={name}: TensorFlow has no GPU here: "):
        devices.use_device(name)


@pytest.mark.parametrize("command", ["benchmark", "train"])
def test_every_command_says_so_with_the_same_exit_code(command, capsys):
    words = {"benchmark": ["inference"], "train": ["--train_data=x", "--run_dir=y"]}[command]
    assert main([command, *words, "--device=gpu:7"]) == 1
    assert "--device=gpu:7: TensorFlow has no GPU here" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_the_processor_is_always_there(name):
    devices.use_device(name)
    assert (tf.constant([20.0]) + 22).device.endswith("CPU:0")


def test_the_doctor_says_what_is_there(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for word in ("inpaint_tf ", "tensorflow 2.", "GiB free", "XLA works", "oneDNN", "why no GPU is used"):
        assert word in said
    assert re.search(r"^  litert: (works|needs pip install)", said, re.MULTILINE)


def test_the_doctor_fails_if_a_gpu_was_asked_for(capsys):
    assert main(["doctor", "--device=gpu"]) == 1
    assert "--device=gpu is not there" in capsys.readouterr().err


def test_the_doctor_knows_every_extra():
    text = (pathlib.Path(__file__).parents[1] / "setup.py").read_text(encoding="utf-8")
    extras = set(re.findall(r'^\s{8}"(\w+)":', text[text.index("extras_require") :], re.MULTILINE)) - {"dev"}
    assert {"cuda", "onnx"} <= extras <= set(doctor.EXTRAS)


@pytest.fixture
def two_gpus(monkeypatch):
    """TensorFlow sees two GPUs, of a machine of four that nvidia-smi asks for their free memory."""
    gpus = ["GPU:0", "GPU:1"]
    free = {"0": 100, "1": 200, "2": 300, "3": 400, "GPU-5a6b": 500}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: gpus[1:])
    monkeypatch.setattr(devices, "_output", lambda *words: f"{free[words[-1].removeprefix('--id=')]}\n")


@pytest.mark.parametrize("visible, free", [("", 200), ("2,3", 400), ("0, GPU-5a6b", 500)])
def test_free_memory_is_that_of_the_gpu_that_is_used(two_gpus, monkeypatch, visible, free):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.free_gpu_memory() == free << 20


@pytest.mark.parametrize("visible, kept", [("", "1"), ("2,3", "3")])
def test_children_get_the_same_gpu(monkeypatch, visible, kept):
    monkeypatch.setattr(devices, "use_device", lambda name: None)
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    devices.use_device_in_children("gpu:1")
    assert devices.os.environ["CUDA_VISIBLE_DEVICES"] == kept
