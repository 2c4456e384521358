"""Names of models. A preset, a flag file and a checkpoint name a model by these."""

import inspect

from inpaint_tf.errors import UserError
from inpaint_tf.models.deepfill_v1 import DeepFillV1
from inpaint_tf.models.deepfill_v2 import DeepFillV2
from inpaint_tf.models.glcic import GLCIC

# Name -> class and the arguments that the name fixes.
MODELS = {
    "deepfill_v1": (DeepFillV1, {"attention_branch": True, "refinement_stage": True, "fusion": True}),
    "deepfill_v1_no_fusion": (DeepFillV1, {"attention_branch": True, "refinement_stage": True, "fusion": False}),
    "deepfill_v1_baseline": (DeepFillV1, {"attention_branch": False, "refinement_stage": True, "fusion": False}),
    "deepfill_v1_single_stage": (DeepFillV1, {"attention_branch": False, "refinement_stage": False, "fusion": False}),
    "deepfill_v2": (DeepFillV2, {"attention_branch": True, "guided": False}),
    "deepfill_v2_guided": (DeepFillV2, {"attention_branch": True, "guided": True}),
    "glcic": (GLCIC, {}),
}


def open_arguments(name):
    """Names of the constructor arguments that a model's name leaves open."""
    model_class, fixed = MODELS[name]
    return set(inspect.signature(model_class).parameters) - {"kwargs"} - set(fixed)


def build_model(name, **config):
    """A built generator with fresh weights.

    Args:
        name: A key of `MODELS`.
        **config: Constructor arguments of the model's class that the name leaves open, e.g. `width`.

    Raises:
        UserError: for an unknown name, or an argument that the name fixes or the class does not know.
    """
    if name not in MODELS:
        raise UserError(f"unknown model {name!r}; known: {', '.join(sorted(MODELS))}.")
    model_class, fixed = MODELS[name]
    if clash := sorted(set(config) & set(fixed)):
        raise UserError(f"model {name!r} fixes {', '.join(clash)}; choose another model name instead.")
    known = open_arguments(name)
    if unknown := sorted(set(config) - known):
        raise UserError(f"model {name!r} has no {', '.join(unknown)}; it takes {', '.join(sorted(known))}.")
    model = model_class(**fixed, **config)
    model.build(None)
    return model
