"""When training has gone wrong, and how to say it: which terms at which step, on which photos, and the way on."""

import pathlib
from collections.abc import Mapping, Sequence

from inpaint_tf.errors import UserError, name_some

# So many photos of a batch that diverged are named.
NAMED_PHOTOS = 4


class Diverged(UserError):
    """A loss term is not a number or beyond `loss_limit`."""


def bad_terms(terms: Mapping[str, float], limit: float, scaled: bool) -> dict[str, float]:
    """The terms that are no number or larger than `limit`.

    Args:
        terms: Name -> value of one step.
        limit: The configuration's `loss_limit`.
        scaled: Whether the loss is scaled: then a gradient may overflow, and that step was skipped.
    """
    beyond = {name: value for name, value in terms.items() if not abs(value) <= limit}
    return {name: value for name, value in beyond.items() if not (scaled and name.endswith("_norm"))}


def diverged(
    step: int,
    bad: Mapping[str, float],
    limit: float,
    photos: Sequence[str],
    last_saved: int | None,
    checkpoints: pathlib.Path,
) -> Diverged:
    """The error that says so.

    Args:
        step: Where it happened.
        bad: See `bad_terms`.
        limit: The configuration's `loss_limit`.
        photos: Names of the photos of the batch.
        last_saved: Step of the last checkpoint; None if there is none.
        checkpoints: Their folder.
    """
    before = "there is no checkpoint yet" if last_saved is None else f"the last good checkpoint is of step {last_saved}"
    shown = ", ".join(f"{name} = {value:g}" for name, value in bad.items())
    return Diverged(
        f"training diverged at step {step}: {shown} (--loss_limit={limit:g}), on a batch of "
        f"{name_some(photos, NAMED_PHOTOS)}; {before}, in {checkpoints}. A lower --learning_rate or --clip_norm may "
        "help: the same command with another value resumes there."
    )
