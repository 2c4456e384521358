"""What an evaluation asks of a method, whatever it is: a photo and its hole in, a `Completion` out."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """One entry of a manifest, as a method sees it.

    Attributes:
        number: Number of the entry; its mask is `masks/NUMBER.png`, with five digits.
        name: Name of its image below the folder of images, with "/".
        image: uint8 [H, W, 3] RGB.
        hole: bool [H, W], True = hole.
        only_mask: Whether no other entry has this image.
    """

    number: int
    name: str
    image: np.ndarray
    hole: np.ndarray
    only_mask: bool


@dataclasses.dataclass(frozen=True)
class Completion:
    """What a method gave for an image.

    Attributes:
        pixels: uint8 [H, W, 3] RGB.
        offsets: Attention offsets as in `inference.Result`; None where there are none.
    """

    pixels: np.ndarray
    offsets: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Method:
    """A method by name.

    Attributes:
        name: As given.
        fingerprint: What its results depend on besides its name (versions, weights). Cached results of another
            fingerprint are not used.
        run: Function of (image, hole) -> `Completion`; None if there is a `run_case`.
        run_case: Function of `Case` -> `Completion`, for methods that need to know which entry it is.
        check: Looks at the entries before anything runs, each as what `Case` calls number, name and only_mask, and
            raises UserError if it can do none of them; None if there is nothing to look at.
        warm_up: Whether the first call is slower than the rest (graphs are built) and is not to be timed.
    """

    name: str
    fingerprint: str
    run: Callable | None = None
    warm_up: bool = False
    run_case: Callable[[Case], Completion] | None = None
    check: Callable[[Sequence[tuple[int, str, bool]]], None] | None = None

    def complete(self, case: Case) -> Completion:
        """Completes one entry. Raises whatever the method raises."""
        if self.run_case is not None:
            return self.run_case(case)
        if self.run is None:
            raise ValueError(f"method {self.name} has neither a run nor a run_case.")
        return self.run(case.image, case.hole)

    def __call__(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB and bool [H, W] -> completed uint8 [H, W, 3]."""
        return self.complete(Case(0, "", image, hole, False)).pixels
