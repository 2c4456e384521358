"""How each system is trained: a module for each, and a line in `RECIPES`."""

import importlib

from inpaint_tf.errors import UserError
from inpaint_tf.training.recipes.base import Batch, Phase, Recipe

__all__ = ["Batch", "Phase", "RECIPES", "Recipe", "recipe_for"]

# Name of a model in the registry of models -> module here, and class, of how it is trained.
RECIPES = {
    "deepfill_v1": ("deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_no_fusion": ("deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_baseline": ("deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_single_stage": ("deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v2": ("deepfill_v2", "DeepFillV2Recipe"),
    "deepfill_v2_guided": ("deepfill_v2", "DeepFillV2Recipe"),
    "glcic": ("glcic", "GLCICRecipe"),
}


def recipe_for(model):
    """The recipe of a model. Raises UserError if it has none."""
    if model not in RECIPES:
        raise UserError(f"there is no way to train --model={model}; known: {', '.join(sorted(RECIPES))}.")
    module, name = RECIPES[model]
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)()
