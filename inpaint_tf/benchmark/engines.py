"""The forms of a run that are measured, each as a function of a photo and a hole."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_tf.benchmark.cases import Size, padded
from inpaint_tf.models.precision import building_with
from inpaint_tf.pixels import pad_to_multiple

# Commands define their flags without TensorFlow.
if TYPE_CHECKING:
    from inpaint_tf.models.generator import Generator
    from inpaint_tf.models.network import Network

FORMS = ("planned", "full", "literal")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is run, whatever the photo and the form.

    Attributes:
        model: Name in the registry; a preset brings its own.
        width: Base width; a preset brings its own.
        preset: Name or folder; None is random weights.
        precision: Of `models.precision.PRECISIONS`.
        memory_budget: Bytes that the planned form may take; None leaves it to the form.
    """

    model: str = "deepfill_v1"
    width: int = 32
    preset: str | None = None
    precision: str = "float32"
    memory_budget: int | None = None


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of the run.

    Attributes:
        name: Of `FORMS`.
        xla: Whether it is compiled by XLA; never for "planned", whose sizes differ from photo to photo.
    """

    name: str
    xla: bool = False

    @property
    def label(self) -> str:
        return f"{self.name}+xla" if self.xla else self.name


class Engine:
    """A form of the run: float32 image [H, W, 3] and bool hole [H, W] of any size -> the form's dictionary.

    Args:
        model: The generator.
        call: image [h, w, 3] and mask [h, w, 1], float32, sides multiples of 8 -> the dictionary.
    """

    def __init__(self, model: "Generator", call: Callable[[np.ndarray, np.ndarray], dict[str, Any]]) -> None:
        self.model = model
        self._call = call

    def __call__(self, photo: np.ndarray, hole: np.ndarray) -> dict[str, Any]:
        return self._call(pad_to_multiple(photo), pad_to_multiple(hole)[..., np.newaxis].astype(np.float32))


def load_engine(settings: Settings, form: Form) -> Engine:
    """Builds the network and its run. Raises UserError for a preset that cannot be read."""
    import tensorflow as tf

    from inpaint_tf.inference.full_run import FullRun
    from inpaint_tf.models.presets import load_preset
    from inpaint_tf.models.registry import build_model
    from inpaint_tf.planned.run import PlannedRun

    attention = {"attention_form": "literal"} if form.name == "literal" else {}
    with building_with(settings.precision):
        if settings.preset:
            model, _ = load_preset(settings.preset, **attention)
        else:
            model = build_model(settings.model, width=settings.width, **attention)
    if form.name == "planned":
        return Engine(model, PlannedRun(model, settings.memory_budget))
    if not form.xla:
        return Engine(model, FullRun(model))
    compiled = tf.function(lambda image, mask: model(image, mask), jit_compile=True)

    def call(image: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
        outputs = compiled(image[np.newaxis], mask[np.newaxis])
        return {name: output[0].numpy() for name, output in outputs.items()}

    return Engine(model, call)


def too_large(form: Form, network: "Network", size: Size) -> str | None:
    """Why a form cannot run on a size, or None: both full forms hold several matrices of all pairs of positions."""
    from inpaint_tf.devices import free_gpu_memory
    from inpaint_tf.machine_memory import free_memory
    from inpaint_tf.planned.macs import attention_pairs
    from inpaint_tf.planned.memory import in_mib

    if form.name == "planned":
        return None
    matrices = 4 if form.name == "literal" else 6
    needed = matrices * 4 * attention_pairs(network, padded(size))
    on_gpu = free_gpu_memory()
    free = free_memory() if on_gpu is None else on_gpu
    return f"skipped: needs about {in_mib(needed)}, {in_mib(free)} are free" if needed > 0.8 * free else None
