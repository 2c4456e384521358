"""Completion by example: the hole is made of patches of the known region that agree where they overlap.

The paper's first row. Wexler et al. ask for an image of which every patch that touches the hole looks like some known
patch, and minimise

    E = sum over patches p that touch the hole of  w(p) |patch p of the image - match of p|^2

in turns: find each patch's match (`nearest_patches`, the randomised search of Barnes et al.), then set every hole pixel
to the weighted mean of what the matches of all patches around it say ("voting"). The search replaces a match only by a
nearer one, the mean is the minimiser of E for fixed matches, so E never grows within a level of the pyramid.

What makes the difference between a blur and a picture:

- Coarse to fine. At the coarsest level the hole is a few patches wide and the large shapes are settled; a finer level
  starts from the matches of the coarser one, doubled, not from its blurred picture.
- The start, at the coarsest level, is the harmonic fill (every hole pixel the mean of its neighbours): right in the
  mean, which keeps the search from wandering.
- Texture channels. Voting averages, averages are smooth, and smooth known patches then look like good matches: left
  alone, grass becomes a green wall. So two more channels travel with the colours: the mean absolute horizontal and
  vertical differences around each pixel, measured once at the full size (Newson et al.). They are matched and voted
  like colours.
- Weights w(p) that fall with the distance of the patch's centre from the known region, so that what is near the border
  is settled first (Wexler et al. 2007, section 3.2).

Reference: Wexler, Shechtman and Irani, Space-Time Completion of Video, PAMI 2007; Barnes et al., PatchMatch, SIGGRAPH
2009; Newson et al., Video Inpainting of Complex Scenes, SIAM J. Imaging Sciences 2014.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from inpaint_tf.patchmatch.nearest_patches import PatchField, patches_touching

# Changes whenever results do for the same options.
VERSION = "2"
# A level needs this many patches to choose from.
_LEAST_SOURCES = 64
_HARMONIC_ROUNDS = 1000
COLOURS = 3


@dataclasses.dataclass(frozen=True)
class PatchMatchOptions:
    """How a completion is made.

    The defaults were searched for on the Kodak photos, so this method is mildly tuned to `kodak24_center128`; patch
    side and falloff were then confirmed on forty photos that are in no benchmark here.

    Attributes:
        patch: Side of the patches, odd; where the known region has no patch of this side, a smaller one is taken.
        steps: Turns of search and voting at the coarsest level, the next, ... ; the last number goes on.
        search_rounds: Rounds of propagation and random search a turn.
        falloff: The weight of a patch is falloff ** -(distance of its centre from the known region in pixels).
        texture: Weight of the texture channels against the colours; 0 leaves them out.
        texture_window: Side of the window that they are averaged over, pixels at full size.
        seed: Of the search.
    """

    patch: int = 5
    steps: tuple[int, ...] = (20, 10, 6, 4)
    search_rounds: int = 2
    falloff: float = 1.2
    texture: float = 3.0
    texture_window: int = 7
    seed: int = 0


class Level(NamedTuple):
    """An image at one size.

    Attributes:
        image: float32 [h, w, C].
        hole: bool [h, w].
        unusable: bool [h, w], what is known but must not be copied; None: nothing.
    """

    image: np.ndarray
    hole: np.ndarray
    unusable: np.ndarray | None = None


def fingerprint() -> str:
    """What `complete` depends on besides its input when it is called with the default options."""
    return f"version {VERSION}, {PatchMatchOptions()}"


def complete(
    image: np.ndarray,
    hole: np.ndarray,
    options: PatchMatchOptions = PatchMatchOptions(),
    energies: list[tuple[int, float]] | None = None,
    threads: int | None = None,
) -> np.ndarray:
    """Completes an image from its own patches. Deterministic for a seed, whatever the number of threads.

    Args:
        image: uint8 [H, W, 3] RGB; what lies inside the hole is not looked at.
        hole: bool [H, W], True = hole.
        options: `PatchMatchOptions`.
        energies: A list that gets (level, energy) after every turn, level 0 being the coarsest; or None.
        threads: How many to use; None takes as many as there are processors.

    Returns:
        uint8 [H, W, 3], bit-identical outside the hole.

    Raises:
        ValueError: if not even a 3x3 patch of the image is free of the hole.
    """
    if not hole.any():
        return image.copy()
    size = patch_size(hole, options.patch)
    channels = colours_and_texture(image, hole, options)
    channels[hole] = 0
    levels = pyramid(channels, hole, size)
    levels[0] = levels[0]._replace(image=harmonic_fill(levels[0].image, levels[0].hole))
    field = complete_levels(levels, size, channels.shape[-1], options, energies=energies, threads=threads)
    colours = np.clip(np.round(field.image[..., :COLOURS]), 0, 255).astype(np.uint8)
    return np.where(hole[..., np.newaxis], colours, image)


def complete_levels(
    levels: Sequence[Level],
    size: int,
    voted: int,
    options: PatchMatchOptions,
    *,
    energies: list[tuple[int, float]] | None = None,
    report: Callable[[float], None] | None = None,
    threads: int | None = None,
    search_finest: bool = True,
) -> PatchField:
    """Searches and votes in turns, from the coarsest level to the finest.

    Args:
        levels: Coarsest first, see `pyramid`. What the coarsest has in its hole is where the search starts. The images
            are changed.
        size: Side of the patches.
        voted: How many of the first channels are unknown in the hole; the others are known everywhere.
        options: `PatchMatchOptions`.
        energies: See `complete`.
        report: Called with the finished share of the work, in [0, 1]; what it raises ends the work.
        threads: How many to use; None takes as many as there are processors.
        search_finest: Whether the finest of several levels is searched; else it votes with the matches of the one
            before, doubled.

    Returns:
        The `PatchField` of the finest level; its `image` is the completed one.
    """
    steps = [options.steps[min(number, len(options.steps) - 1)] for number in range(len(levels))]
    if not search_finest and len(levels) > 1:
        steps[-1] = 0
    costs = np.cumsum([0, *(count * int(np.count_nonzero(hole)) for count, (_, hole, _) in zip(steps, levels))])
    field = None
    for number, (image, hole, unusable) in enumerate(levels):
        start = None if field is None else _doubled_matches(field, hole)
        field = PatchField(np.ascontiguousarray(image), hole, size, options.seed + number, start, unusable, threads)
        weights = _weights(field, hole, options.falloff)
        if number:
            field.vote(weights, voted)
            field.update()
        for turn in range(steps[number]):
            field.search(options.search_rounds)
            field.vote(weights, voted)
            field.update()
            if energies is not None:
                energies.append((number, float(np.dot(weights.astype(np.float64), field.distances))))
            if report is not None:
                done = costs[number] + (costs[number + 1] - costs[number]) * (turn + 1) / steps[number]
                report(float(done / costs[-1]))
    assert field is not None  # There is always the finest level.
    return field


def colours_and_texture(image: np.ndarray, hole: np.ndarray, options: PatchMatchOptions) -> np.ndarray:
    """float32 [H, W, 3 or 5]: the colours, and the texture channels if they have a weight."""
    channels = image.astype(np.float32)
    if not options.texture:
        return channels
    texture = texture_channels(channels, hole, options.texture_window)
    return np.concatenate([channels, np.float32(options.texture) * texture], axis=-1)


def texture_channels(image: np.ndarray, hole: np.ndarray, window: int) -> np.ndarray:
    """How rough the surroundings of each pixel are, sideways and down.

    Args:
        image: float32 [H, W, C].
        hole: bool [H, W]; differences that touch it do not count.
        window: Side of the surroundings, pixels.

    Returns:
        float32 [H, W, 2]: means over the window of absolute differences of grey horizontal and vertical neighbours;
        0 inside the hole.
    """
    grey, known = image.mean(axis=-1), ~hole
    sideways, down = np.zeros(hole.shape, np.float32), np.zeros(hole.shape, np.float32)
    sideways[:, 1:] = np.abs(np.diff(grey, axis=1)) * (known[:, 1:] & known[:, :-1])
    down[1:] = np.abs(np.diff(grey, axis=0)) * (known[1:] & known[:-1])

    def windowed(values):
        return cv2.boxFilter(values, -1, (window, window), normalize=False, borderType=cv2.BORDER_CONSTANT)

    count = np.maximum(windowed(known.astype(np.float32)), 1)
    texture = np.stack([windowed(sideways) / count, windowed(down) / count], axis=-1)
    return np.where(hole[..., np.newaxis], np.float32(0), texture)


def pyramid(image: np.ndarray, hole: np.ndarray, patch: int, unusable: np.ndarray | None = None) -> list[Level]:
    """Halved copies, coarsest first, down to where the hole is less than a patch deep or too few patches are left.

    A coarse pixel is the mean of its four fine ones; it is hole, or unusable, if one of them is. An odd last row or
    column counts twice.

    Returns:
        The levels; the last is the image itself.
    """
    levels = [Level(image, hole, unusable)]
    while True:
        image, hole, unusable = levels[-1]
        depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5).max()
        hole, unusable = halved_hole(hole), None if unusable is None else halved_hole(unusable)
        blocked = hole if unusable is None else hole | unusable
        if depth <= patch or min(hole.shape) < 2 * patch or _sources(blocked, patch) < _LEAST_SOURCES:
            return levels[::-1]
        levels.append(Level(halved(image), hole, unusable))


def halved(image: np.ndarray) -> np.ndarray:
    """float32 [H, W, C] -> [ceil(H/2), ceil(W/2), C], means of four; an odd last row or column counts twice."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, [(0, height % 2), (0, width % 2), (0, 0)], mode="edge")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) * np.float32(0.25)


def halved_hole(hole: np.ndarray) -> np.ndarray:
    """bool [H, W] -> [ceil(H/2), ceil(W/2)]: whether one of the four is hole."""
    height, width = hole.shape
    hole = np.pad(hole, [(0, height % 2), (0, width % 2)])
    return hole[::2, ::2] | hole[1::2, ::2] | hole[::2, 1::2] | hole[1::2, 1::2]


def harmonic_fill(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fills the hole with (nearly) the solution of Laplace's equation: each pixel the mean of its four neighbours.

    Args:
        image: float32 [H, W, C].
        hole: bool [H, W].

    Returns:
        float32 [H, W, C].
    """
    filled = image.copy()
    filled[hole] = image[~hole].mean(axis=0)
    rows, columns = np.nonzero(hole)
    # At the image's border a pixel stands in for its missing neighbour.
    above, below = np.maximum(rows - 1, 0), np.minimum(rows + 1, hole.shape[0] - 1)
    left, right = np.maximum(columns - 1, 0), np.minimum(columns + 1, hole.shape[1] - 1)
    for _ in range(_HARMONIC_ROUNDS):
        neighbours = filled[above, columns] + filled[below, columns] + filled[rows, left] + filled[rows, right]
        filled[rows, columns] = neighbours / 4
    return filled


def patch_size(hole: np.ndarray, wanted: int) -> int:
    """The largest odd side of at most `wanted` of which the known region has a patch. Raises ValueError below 3."""
    for size in range(wanted, 2, -2):
        if size <= min(hole.shape) and _sources(hole, size):
            return size
    raise ValueError("not even a 3x3 patch of the image is free of the hole")


def _doubled_matches(field, hole):
    """Matches for the patches of the next finer level: the coarse patch's displacement, doubled."""
    fine = np.argwhere(patches_touching(hole, field.size)).astype(np.int32)
    coarse = np.minimum(fine // 2, np.array(field.is_source.shape, np.int32) - 1)
    number = field.number[tuple(coarse.T)]
    displacement = field.matches[number] - coarse
    displacement[number < 0] = 0
    return fine + 2 * displacement


def _weights(field, hole, falloff):
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    centres = field.targets + field.size // 2
    return np.float32(falloff) ** -depth[tuple(centres.T)]


def _sources(hole, size):
    return np.count_nonzero(~patches_touching(hole, size))
