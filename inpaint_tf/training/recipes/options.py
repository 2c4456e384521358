"""What a recipe says of the options of a run: its own defaults, which options it does not have, what contradicts what.

No module of options imports TensorFlow, so that flags are defined, and a configuration is refused, before it is loaded.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from inpaint_tf.errors import UserError
from inpaint_tf.models.registry import MODELS

if TYPE_CHECKING:
    from inpaint_tf.training.configuration import TrainingConfig


class RecipeOptions:
    """The options of one system.

    Attributes:
        title: The system's name for people.
        defaults: Option -> value where none is given: the authors' for their main data set. Every recipe has all of
            those fields of `TrainingConfig` whose default is None.
    """

    title: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]]

    def unused(self, config: "TrainingConfig") -> Mapping[str, str]:
        """Option that says nothing in this configuration -> why, a sentence. It may be given its default all the same,
        as flag files that list everything do."""
        raise NotImplementedError

    def contradictions(self, config: "TrainingConfig") -> Iterator[str]:
        """What contradicts the system or another option, a message each, flags named."""
        raise NotImplementedError

    def check(self, config: "TrainingConfig", defaults: Mapping[str, Any]) -> None:
        """Refuses what cannot be meant.

        Args:
            config: With no value missing.
            defaults: Option -> default, of all options.

        Raises:
            UserError: naming the flag.
        """
        unused = dict(self.unused(config))
        if not MODELS[config.model].guided:
            unused |= dict.fromkeys(("sketches", "sketch_collages"), "it is not made to follow a sketch.")
        for name, reason in unused.items():
            value = getattr(config, name)
            if value != defaults[name]:
                raise UserError(f"--{name}={value} contradicts --model={config.model}: {reason} Leave it out.")
        for message in self.contradictions(config):
            raise UserError(message)
