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

import cv2
import numpy as np

from inpaint_tf.patchmatch.nearest_patches import PatchField, patches_touching

# Changes whenever results do for the same options.
VERSION = "1"
# A level needs this many patches to choose from.
_LEAST_SOURCES = 64
_HARMONIC_ROUNDS = 1000


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
    search_rounds: int = 1
    falloff: float = 1.2
    texture: float = 3.0
    texture_window: int = 7
    seed: int = 0


def fingerprint():
    """What `complete` depends on besides its input when it is called with the default options."""
    return f"version {VERSION}, {PatchMatchOptions()}"


def complete(image, hole, options=PatchMatchOptions(), energies=None):
    """Completes an image from its own patches. Deterministic for a seed.

    Args:
        image: uint8 [H, W, 3] RGB; what lies inside the hole is not looked at.
        hole: bool [H, W], True = hole.
        options: `PatchMatchOptions`.
        energies: A list that gets (level, energy) after every turn, level 0 being the coarsest; or None.

    Returns:
        uint8 [H, W, 3], bit-identical outside the hole.

    Raises:
        ValueError: if not even a 3x3 patch of the image is free of the hole.
    """
    if not hole.any():
        return image.copy()
    size = _patch_size(hole, options.patch)
    random = np.random.default_rng(options.seed)
    channels = image.astype(np.float32)
    if options.texture:
        texture = texture_channels(channels, hole, options.texture_window)
        channels = np.concatenate([channels, np.float32(options.texture) * texture], axis=-1)
    field = None
    for number, (level, level_hole) in enumerate(pyramid(channels, hole, size)):
        if field is None:
            field = PatchField(harmonic_fill(level, level_hole), level_hole, size, random)
        else:
            field = PatchField(level, level_hole, size, random, _doubled_matches(field, level_hole))
        weights = _weights(field, level_hole, options.falloff)
        if number:
            field.update(vote(field, level, level_hole, weights))
        for _ in range(options.steps[min(number, len(options.steps) - 1)]):
            field.search(options.search_rounds)
            estimate = vote(field, level, level_hole, weights)
            field.update(estimate)
            if energies is not None:
                energies.append((number, float(np.dot(weights.astype(np.float64), field.distances))))
    colors = np.uint8(np.clip(np.round(estimate[..., : image.shape[-1]]), 0, 255))
    return np.where(hole[..., np.newaxis], colors, image)


def vote(field, image, hole, weights):
    """The image whose hole pixels are the weighted means of what the matches of all patches around them say.

    Args:
        field: `PatchField`.
        image: float32 [H, W, C], known outside the hole.
        hole: bool [H, W].
        weights: float32 [T], one for each target.

    Returns:
        float32 [H, W, C].
    """
    # Float64 sums: the mean must be the minimiser, or the energy could grow by rounding.
    total, weight = np.zeros(image.shape), np.zeros((*hole.shape, 1))
    rows, columns = field.targets.T
    match_rows, match_columns = field.matches.T
    column_weights = weights[:, np.newaxis]
    for down in range(field.size):
        for right in range(field.size):
            # No two targets share a pixel at the same place of the patch, so += on an index list is safe.
            says = image[match_rows + down, match_columns + right]
            total[rows + down, columns + right] += column_weights * says
            weight[rows + down, columns + right] += column_weights
    return np.where(hole[..., np.newaxis], total / np.where(weight > 0, weight, 1), image).astype(np.float32)


def texture_channels(image, hole, window):
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
    sideways, down = np.zeros((2, *hole.shape), np.float32)
    sideways[:, 1:] = np.abs(np.diff(grey, axis=1)) * (known[:, 1:] & known[:, :-1])
    down[1:] = np.abs(np.diff(grey, axis=0)) * (known[1:] & known[:-1])

    def windowed(values):
        return cv2.boxFilter(values, -1, (window, window), normalize=False, borderType=cv2.BORDER_CONSTANT)

    count = np.maximum(windowed(known.astype(np.float32)), 1)
    texture = np.stack([windowed(sideways) / count, windowed(down) / count], axis=-1)
    return np.where(hole[..., np.newaxis], np.float32(0), texture)


def pyramid(image, hole, patch):
    """Halved copies, coarsest first, down to where the hole is less than a patch deep or too few patches are left.

    A coarse pixel is the mean of its four fine ones; it is hole if one of them is. An odd last row or column counts
    twice.

    Returns:
        List of (float32 [h, w, C], bool [h, w]); the last is the image itself.
    """
    levels = [(image, hole)]
    while True:
        image, hole = levels[-1]
        depth = cv2.distanceTransform(np.uint8(hole), cv2.DIST_L2, 5).max()
        image = _halved(image).mean(axis=(1, 3), dtype=np.float32)
        hole = _halved(hole[..., np.newaxis]).any(axis=(1, 3))[..., 0]
        if depth <= patch or min(hole.shape) < 2 * patch or _sources(hole, patch) < _LEAST_SOURCES:
            return levels[::-1]
        levels.append((np.where(hole[..., np.newaxis], np.float32(0), image), hole))


def harmonic_fill(image, hole):
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


def _doubled_matches(field, hole):
    """Matches for the patches of the next finer level: the coarse patch's displacement, doubled."""
    matches = np.indices(field.is_source.shape).transpose(1, 2, 0).copy()
    matches[tuple(field.targets.T)] = field.matches
    fine = np.argwhere(patches_touching(hole, field.size))
    coarse = np.minimum(fine // 2, np.array(field.is_source.shape) - 1)
    return fine + 2 * (matches[tuple(coarse.T)] - coarse)


def _weights(field, hole, falloff):
    depth = cv2.distanceTransform(np.uint8(hole), cv2.DIST_L2, 5)
    centres = field.targets + field.size // 2
    return np.float32(falloff) ** -depth[tuple(centres.T)]


def _patch_size(hole, wanted):
    for size in range(wanted, 2, -2):
        if size <= min(hole.shape) and _sources(hole, size):
            return size
    raise ValueError("not even a 3x3 patch of the image is free of the hole")


def _sources(hole, size):
    return np.count_nonzero(~patches_touching(hole, size))


def _halved(array):
    """[H, W, C] -> [h, 2, w, 2, C], the last row or column repeated where the size is odd."""
    array = np.pad(array, [(0, array.shape[0] % 2), (0, array.shape[1] % 2), (0, 0)], mode="edge")
    return array.reshape(array.shape[0] // 2, 2, array.shape[1] // 2, 2, array.shape[2])
