"""How each system is trained: two modules for each (what it does, and its options), and a line in `RECIPES`.

Looking up options imports no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from inpaint_tf.errors import UserError
from inpaint_tf.lazy_names import lazy_names
from inpaint_tf.training.recipes.deepfill_v1_options import DeepFillV1Options, SingleStageOptions
from inpaint_tf.training.recipes.deepfill_v2_options import DeepFillV2Options
from inpaint_tf.training.recipes.glcic_options import GLCICOptions
from inpaint_tf.training.recipes.options import RecipeOptions

if TYPE_CHECKING:
    from inpaint_tf.training.recipes.base import Phase, Recipe

__all__ = ["Phase", "RECIPES", "Recipe", "options_for", "option_defaults", "recipe_for"]

__getattr__ = lazy_names(__name__, {name: f"{__name__}.base" for name in ("Phase", "Recipe")})

# Name of a model in the registry of models -> its options, and module here and class of how it is trained.
RECIPES: dict[str, tuple[RecipeOptions, str, str]] = {
    "deepfill_v1": (DeepFillV1Options(), "deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_no_fusion": (DeepFillV1Options(), "deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_baseline": (DeepFillV1Options(), "deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v1_single_stage": (SingleStageOptions(), "deepfill_v1", "DeepFillV1Recipe"),
    "deepfill_v2": (DeepFillV2Options(), "deepfill_v2", "DeepFillV2Recipe"),
    "deepfill_v2_guided": (DeepFillV2Options(), "deepfill_v2", "DeepFillV2Recipe"),
    "glcic": (GLCICOptions(), "glcic", "GLCICRecipe"),
}


def options_for(model: str) -> RecipeOptions:
    """The options of a model's recipe. Raises UserError if it has none."""
    return _entry(model)[0]


def option_defaults(option: str) -> dict[str, Any]:
    """Title of a system -> its default of an option, for those that differ from DeepFill v1's and for that."""
    found = {options.title: options.defaults[option] for options, _, _ in RECIPES.values()}
    first = found[DeepFillV1Options.title]
    return {title: value for title, value in found.items() if title == DeepFillV1Options.title or value != first}


def recipe_for(model: str) -> "Recipe":
    """The recipe of a model. Raises UserError if it has none."""
    _, module, name = _entry(model)
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)()


def _entry(model: str) -> tuple[RecipeOptions, str, str]:
    if model not in RECIPES:
        raise UserError(f"there is no way to train --model={model}; known: {', '.join(sorted(RECIPES))}.")
    return RECIPES[model]
