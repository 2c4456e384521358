"""What is said when TensorFlow is loaded: the real messages of a process of its own are in test_public_names.py."""

import sys

import pytest

from inpaint_tf import tensorflow_loading
from inpaint_tf.tensorflow_loading import has_unused_gpu, load_tensorflow


class FakeTensorFlow:
    """Finds no GPU, and says so as TensorFlow does, past Python's own stderr."""

    class config:
        @staticmethod
        def list_physical_devices(kind):
            return []


@pytest.fixture
def fake_tensorflow(monkeypatch):
    """Makes `import tensorflow` find a stand-in, and load_tensorflow believe that it is not loaded yet."""

    class Modules(dict):
        def __contains__(self, name):
            return name != "tensorflow" and super().__contains__(name)

    monkeypatch.setattr(sys, "modules", Modules(sys.modules, tensorflow=FakeTensorFlow))


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """The file of a GPU's driver."""
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(tensorflow_loading, "GPU_FILES", (str(tmp_path / "nvidia[0-9]*"),))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_gpu_that_is_not_used_is_named_in_one_line(gpu, fake_tensorflow, capfd):
    load_tensorflow()
    (line,) = capfd.readouterr().err.splitlines()
    assert "GPU that TensorFlow does not use" in line and "inpaint-tf doctor" in line
    load_tensorflow(warn_of_unused_gpu=False)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_gpu_that_is_used_or_hidden_is_not_named(gpu, hidden, monkeypatch):
    assert has_unused_gpu(used=False) and not has_unused_gpu(used=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not has_unused_gpu(used=False)


def test_a_machine_without_a_gpu_is_left_in_peace(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorflow_loading, "GPU_FILES", (str(tmp_path / "nvidia[0-9]*"),))
    assert not has_unused_gpu(used=False)
