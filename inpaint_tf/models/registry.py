"""Names of models. A preset, a flag file and a checkpoint name a model by these.

Looking up a name imports no TensorFlow; building one does.
"""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from inpaint_tf.errors import UserError

if TYPE_CHECKING:
    from inpaint_tf.models.generator import Generator


class Entry(NamedTuple):
    """What a model's name stands for.

    Attributes:
        module: Name of the module that defines the class.
        class_name: Name of the generator's class.
        fixed: Constructor arguments that the name fixes.
        open: Names of those that it leaves open.
    """

    module: str
    class_name: str
    fixed: Mapping[str, Any]
    open: tuple[str, ...]

    @property
    def model_class(self) -> "type[Generator]":
        """The generator's class."""
        return getattr(importlib.import_module(self.module), self.class_name)

    @property
    def guided(self) -> bool:
        """Whether the model is made to follow a sketch."""
        return bool(self.fixed.get("guided"))


def _deepfill_v1(**fixed: bool) -> Entry:
    return Entry("inpaint_tf.models.deepfill_v1", "DeepFillV1", fixed, ("width", "attention_form"))


def _deepfill_v2(**fixed: bool) -> Entry:
    return Entry("inpaint_tf.models.deepfill_v2", "DeepFillV2", fixed, ("width", "attention_form"))


WHOLE = {"attention_branch": True, "refinement_stage": True, "fusion": True}
MODELS = {
    "deepfill_v1": _deepfill_v1(**WHOLE),
    "deepfill_v1_no_fusion": _deepfill_v1(**{**WHOLE, "fusion": False}),
    "deepfill_v1_baseline": _deepfill_v1(attention_branch=False, refinement_stage=True, fusion=False),
    "deepfill_v1_single_stage": _deepfill_v1(attention_branch=False, refinement_stage=False, fusion=False),
    "deepfill_v2": _deepfill_v2(**WHOLE, guided=False),
    "deepfill_v2_guided": _deepfill_v2(**WHOLE, guided=True),
    "glcic": Entry("inpaint_tf.models.glcic", "GLCIC", {}, ("width",)),
}


def open_arguments(name: str) -> set[str]:
    """Names of the constructor arguments that a model's name leaves open."""
    return set(MODELS[name].open)


def build_model(name: str, **config: Any) -> "Generator":
    """A built generator with fresh weights.

    Args:
        name: A key of `MODELS`.
        **config: Constructor arguments of the model's class that the name leaves open, e.g. `width`.

    Raises:
        UserError: for an unknown name, or an argument that the name fixes or the class does not know.
    """
    if name not in MODELS:
        raise UserError(f"unknown model {name!r}; known: {', '.join(sorted(MODELS))}.")
    entry = MODELS[name]
    if clash := sorted(set(config) & set(entry.fixed)):
        raise UserError(f"model {name!r} fixes {', '.join(clash)}; choose another model name instead.")
    if unknown := sorted(set(config) - set(entry.open)):
        raise UserError(f"model {name!r} has no {', '.join(unknown)}; it takes {', '.join(sorted(entry.open))}.")
    model = entry.model_class(**entry.fixed, **config)
    model.build(None)
    return model
