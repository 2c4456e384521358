"""What the Inpainter refuses to do in silence: give a fill that is no number, and hang in a forked process."""

import os
from typing import Any

import numpy as np

from inpaint_tf.errors import UserError, name_some

_owner: int | None = None


def check_process() -> None:
    """Notes the first process that uses TensorFlow here.

    TensorFlow's threads do not exist in a forked child, so that its first operation there waits for ever.

    Raises:
        UserError: in a child that was forked from a process that had used an Inpainter.
    """
    global _owner
    if _owner is None:
        _owner = os.getpid()
    if _owner != os.getpid():
        raise UserError(
            "this process was forked from one that had used an Inpainter already; TensorFlow would hang here. Start "
            'workers by multiprocessing.get_context("spawn"), and make the Inpainter in the worker.'
        )


def check_fill(fill: np.ndarray, hole: np.ndarray, model: Any) -> None:
    """Refuses a fill that is not finite.

    Args:
        fill: float [H, W, 3], the network's output.
        hole: bool [H, W].
        model: The Keras model that gave it.

    Raises:
        UserError: naming broken weights if there are any, else that values overflowed on this photo.
    """
    bad = ~np.isfinite(fill[hole]).all(axis=-1)
    if not bad.any():
        return
    broken = [variable.path for variable in model.variables if not np.isfinite(variable.numpy()).all()]
    why = (
        f"the weights hold NaN or infinity in {name_some(broken, 3)}; load the preset again."
        if broken
        else "the weights are finite, so values overflowed on this photo; try attention='literal' and plan='full', and "
        "train with a lower learning rate or --clip_norm if the weights are yours."
    )
    raise UserError(f"the network gave no number for {bad.sum()} of {bad.size} pixels of the hole: {why}")
