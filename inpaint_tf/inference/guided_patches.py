"""Fills a hole with pixels of the photo's known part, led by a network's completion.

PatchMatch completion (`patchmatch.completion`) gives crisp texture and wrong structure; a network that was trained on
reconstruction gives structure and no texture. Here the network leads: besides colours and texture, patches are compared
in three more channels, the slightly blurred colours of the photo with the network's completion in its hole. These are
known everywhere and never voted. So a patch is taken from where it fits its neighbours *and* looks, from afar, like
what the network expects; and the hole starts from the network's completion.

- **Every pixel is a copy.** The last vote gives means; each pixel is then replaced by the one, among those that the
  patches around it point to, that is nearest to the mean. So of every pixel it is known where in the photo it is from
  (`PatchFill.sources`, exact before blending), at no price: on forty photos of 256x256 with holes of 128 the means had
  17.94 dB and distances of .529 and .699 by two feature networks, the copies 17.92 dB, .530 and .698.
- **Blending** gives the copies the low frequencies of the network's completion, which fits the hole's border, and
  leaves them their texture (`copies_blending`; on the same photos 17.95 dB, .525, .699). Poisson blending would
  do nothing here: patches overlap the border, so there is no step to take away.
- **Blending keeps a seventh of the network** besides (`GuidedPatchesOptions.network`): copies and network are two
  guesses whose errors differ. With `photos`, whose completion has texture of its own, on 48 photos kept for choosing:
  hole PSNR 18.97 -> 19.03 dB with a tenth and 19.09 with a fifth, distances .4703 -> .4684, .4678 and .6454 -> .6422,
  .6381. Not in texture, and where does not matter (below).
- **In texture the network leads less.** Where nearly all of the surroundings' variance is fine (grass, gravel, cloth,
  stripes), the network gives their mean. Patches that resemble a mean are the smoothest there are, and blending takes
  from them what contrast they have. So there, larger patches, more weight of the texture, half of the guide's, and
  lower frequencies from the network (`InTexture`). On 23 photos of this kind, 20 of them textures, that the rule was
  not found on: hole PSNR +1.48 dB (median +0.23), distances -.065 and -.067 with 8 px; with 16 px, which was then taken
  for what these same photos say, +1.98 dB (median +0.71), -.070 and -.087, better on 18 and 20 of the 23. The means owe
  much to stripes. About one photo in a hundred, and one texture in four, is of this kind; none of Kodak's.
- **Where the photo is plain** (a screenshot's page, a drawing's ground), copies stay what they are
  (`inference.plain_areas`): a page with text and a bar is filled exactly, where blending left a ghost of 1 to 8 levels.
  Of 48 photos one changed, by at most 2 levels in .4% of its hole, and none of Kodak's.
- **Where nothing can be copied**, because the photo has no patch without hole, the network's pixels stay.
- **Next to a sketch's lines**, copies that miss what the network drew there give way to it (`inference.drawn_lines`).

Tried without gain over that: the network's pixels mixed in where the patches' distances are large, against a quantile
of those that known patches have to their best other ones, against nothing, or where votes disagree. On 48 photos with
`photos_small`, mixing a fifth on average (change of PSNR in dB and of the two distances): by that ratio +.11, +.0005,
-.003; by the distance alone +.18, +.003, +.002; by the votes' variance +.17, +.009, +.006; a fifth everywhere +.12,
-.002, -.005. So a map says nothing that a constant does not. With `photos_small`, which draws no texture, most of what
the constant gains is had by weakening the copies' high frequencies (+.14, +.0004, -.004), of which they have too little
already (median .42 of the photo's): hence no more than a seventh. To the eye, patches were no worse than the network
where the map was high, and textures went flat.

Measured on kodak24_center128 (256x256, hole 128): PSNR, distance in features of VGG16, and in those of
EfficientNet-Lite0, which nothing was trained against (experiments/campaign_2/judge.py). `photos_small` with Poisson
blending alone 17.03 dB, .739, .819, with patches 16.78, .668, .741; `photos` 16.98, .687, .794, and 16.77, .658, .740;
PatchMatch without a network 15.95 dB, .72, .79.

Cost and memory follow the hole: patches come from a neighbourhood of the hole of about three times its size, and large
holes are filled in squares of `GuidedPatchesOptions.tile` pixels, one after the other. What an earlier square filled is
known to the next, but never copied.

The result does not depend on the number of threads; the sum of weighted distances never grows within a level.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from inpaint_tf.inference.copies_blending import blend_copies
from inpaint_tf.inference.drawn_lines import distances_to_lines, missed_by_copies
from inpaint_tf.inference.plain_areas import common_colours
from inpaint_tf.inference.working_size import hole_boxes, reduced, tiles
from inpaint_tf.patchmatch.completion import (
    COLOURS,
    PatchMatchOptions,
    colours_and_texture,
    complete_levels,
    harmonic_fill,
    patch_size,
    pyramid,
)
from inpaint_tf.patchmatch.completion import VERSION as SEARCH_VERSION
from inpaint_tf.patchmatch.nearest_patches import PatchField
from inpaint_tf.regions import Rect, bounding_rect

# Changes whenever results do for the same options.
VERSION = "4"
# What is different from a completion without a guide. The finest levels of large holes change little and cost most.
SEARCH = PatchMatchOptions(steps=(20, 10, 6, 4, 4, 3, 2))


@dataclasses.dataclass(frozen=True)
class InTexture:
    """What is different where the hole's surroundings are texture.

    Attributes:
        most: Surroundings are texture if their low frequencies hold at most this share of their variance.
        sigma: Of the Gaussian that tells low from high there, pixels at the size that the network worked at.
        patch, texture: See `PatchMatchOptions`.
        guide, low_frequencies, network: See `GuidedPatchesOptions`.
    """

    most: float = 0.15
    sigma: float = 12.0
    patch: int = 7
    texture: float = 6.0
    guide: float = 0.5
    low_frequencies: float = 16.0
    network: float = 0.0


@dataclasses.dataclass(frozen=True)
class GuidedPatchesOptions:
    """How patches are chosen.

    The defaults were searched for on 24 to 40 photos that are in no benchmark here, by features of two networks first.

    Attributes:
        search: The search's.
        guide: Weight of the guide's channels against the colours.
        sigma: Of the Gaussian that blurs the guide where the photo is known, pixels at the size that the network worked
            at.
        sigma_of_hole: The same in the hole; the network's completion is blurred as it is.
        low_frequencies: Sigma of what blending takes from the network, pixels.
        network: Share of the network's pixels in what blending gives.
        margin: Pixels around the hole, at least and at most, that patches come from; in between it is the hole's size.
        tile: Side of the squares that large holes are filled in, pixels.
        most_searched: With more hole pixels than this, full size is not searched: matches at half the size are doubled.
        in_texture: What is different where the hole's surroundings are texture; None: nothing.
    """

    search: PatchMatchOptions = SEARCH
    guide: float = 1.0
    sigma: float = 3.0
    sigma_of_hole: float = 0.7
    low_frequencies: float = 4.0
    network: float = 0.15
    margin: tuple[int, int] = (96, 512)
    tile: int = 1024
    most_searched: int = 4_000_000
    in_texture: InTexture | None = InTexture()


def fingerprint() -> str:
    """What fills depend on besides their input when they are made with the default options."""
    return f"version {VERSION}, {GuidedPatchesOptions()}, search version {SEARCH_VERSION}"


class PatchFill(NamedTuple):
    """What the patches gave for one rectangle of the photo.

    Attributes:
        box: The rectangle.
        sources: int32 [h, w, 2], (row, column) in the photo of what each of its pixels was copied from; -1 where it was
            not.
    """

    box: Rect
    sources: np.ndarray


class Filled(NamedTuple):
    """What the patches gave.

    Attributes:
        completed: uint8 [H, W, 3], the photo outside the hole.
        fills: A `PatchFill` for every part of the hole that patches were found for.
        without: How many parts had no patch to copy, so that the network's pixels stayed.
    """

    completed: np.ndarray
    fills: tuple[PatchFill, ...]
    without: int


def fill_with_patches(
    network: np.ndarray,
    hole: np.ndarray,
    options: GuidedPatchesOptions = GuidedPatchesOptions(),
    *,
    blend: bool = True,
    scale: Callable[[Rect], float] | None = None,
    lines: np.ndarray | None = None,
    report: Callable[[float], None] | None = None,
    energies: list[tuple[int, float]] | None = None,
    threads: int | None = None,
) -> Filled:
    """Replaces a network's pixels by copies of known ones.

    Args:
        network: uint8 [H, W, 3] RGB, the photo with the network's completion in its hole.
        hole: bool [H, W].
        options: `GuidedPatchesOptions`.
        blend: Whether colours are fitted to the network's.
        scale: Size at which the network worked on a part of the photo, against the photo's; None: 1 everywhere.
        lines: bool [H, W], the sketch that the network was given; None: none. Copies next to its lines in the hole give
            way to the network where they miss what it drew.
        report: Called with the finished share of the work in [0, 1]; what it raises ends the work.
        energies: A list that gets (level, energy) after every turn of a part, level 0 being the coarsest; or None.
        threads: How many to use; None takes as many as there are processors.

    Returns:
        A `Filled`; deterministic for the search's seed.
    """
    completed, fills, without = network.copy(), [], 0
    if not hole.any():
        return Filled(completed, (), 0)
    parts = [part for box in hole_boxes(hole, options.margin[0]) for part in tiles(box, options.tile)]
    parts = [part for part in parts if hole[part.slices].any()]
    weights = np.cumsum([0, *(int(np.count_nonzero(hole[part.slices])) for part in parts)])
    for number, part in enumerate(parts):
        shares = weights[number : number + 2] / weights[-1]

        def report_part(share, shares=shares):
            if report is not None:
                report(float(shares[0] + (shares[1] - shares[0]) * share))

        report_part(0.0)
        margin = int(np.clip(max(part.height, part.width), *options.margin))
        window = part.grown(margin, hole.shape)
        inside = np.zeros((window.height, window.width), bool)
        own = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(part.slices, window.slices))
        inside[own] = hole[part.slices]
        enlarging = 1.0 if scale is None else 1 / scale(part)
        own_options = _for_surroundings(options, network[window.slices], hole[window.slices], enlarging)
        away = None if lines is None else distances_to_lines(lines[window.slices] & inside, enlarging)
        found = _fill_window(
            completed[window.slices],
            inside,
            hole[window.slices] & ~inside,
            own_options,
            own_options.low_frequencies if blend else 0.0,
            report_part,
            energies,
            threads,
            weights[-1] <= options.most_searched,
            away,
            enlarging,
        )
        if found is None:
            without += 1
            continue
        colours, sources = found
        completed[part.slices][inside[own]] = colours[own][inside[own]]
        sources = sources[own]
        sources[sources[..., 0] >= 0] += np.array(window[:2], np.int32)
        fills.append(PatchFill(part, sources))
        report_part(1.0)
    return Filled(completed, tuple(fills), without)


def share_of_low_frequencies(image: np.ndarray, hole: np.ndarray, sigma: float) -> float:
    """Which share of the known region's variance is left after it was blurred; small for texture.

    Args:
        image: uint8 [H, W, 3]; what lies in the hole is not looked at.
        hole: bool [H, W].
        sigma: Of the Gaussian, pixels.

    Returns:
        In [0, 1]; 1 for a region of one colour, or none.
    """
    known = ~hole
    colours = image[known].astype(np.float32)
    variance = colours.var(axis=0).sum() if len(colours) else 0.0
    if variance < 1:
        return 1.0
    share = known.astype(np.float32)
    blurred = cv2.GaussianBlur(image * share[..., np.newaxis], (0, 0), sigma)
    blurred /= np.maximum(cv2.GaussianBlur(share, (0, 0), sigma), 1e-3)[..., np.newaxis]
    return float(min(1.0, blurred[known].var(axis=0).sum() / variance))


def _for_surroundings(options, image, hole, enlarging):
    """The options for a window: sigmas in its own pixels, and what is different in texture."""
    own = options.in_texture
    if own is not None:
        small, small_hole = reduced(image, hole, 1 / enlarging)
        if share_of_low_frequencies(small, small_hole, own.sigma) <= own.most:
            search = dataclasses.replace(options.search, patch=own.patch, texture=own.texture)
            options = dataclasses.replace(
                options, search=search, guide=own.guide, low_frequencies=own.low_frequencies, network=own.network
            )
    return dataclasses.replace(
        options,
        sigma=options.sigma * enlarging,
        sigma_of_hole=options.sigma_of_hole * enlarging,
        low_frequencies=options.low_frequencies * enlarging,
    )


def _fill_window(
    network, hole, unusable, options, low_frequencies, report, energies, threads, search_finest, away, enlarging
):
    """Colours uint8 [h, w, 3] and sources int32 [h, w, 2] of a window, (row, column) in it; None without a patch."""
    try:
        size = patch_size(hole | unusable, options.search.patch)
    except ValueError:
        return None
    field = _search(network, hole, unusable, size, options, report, energies, threads, search_finest)
    chosen = field.sources(COLOURS)
    place = tuple(field.pixels.T)
    sources = np.full((*hole.shape, 2), -1, np.int32)
    sources[place] = chosen
    copied = network.copy()
    copied[place] = network[tuple(chosen.T)]
    if not low_frequencies:
        if away is not None:
            drawn = hole & (missed_by_copies(copied, network, hole, away, enlarging) >= 0.5)
            copied[drawn], sources[drawn] = network[drawn], -1
        return copied, sources
    # What is further away than the Gaussian reaches plays no part.
    box = bounding_rect(hole)
    assert box is not None  # Called for windows with a hole.
    near = box.grown(int(4 * low_frequencies) + 1, hole.shape).slices
    plain = common_colours(network, ~(hole | unusable))
    away = None if away is None else away[near]
    copied[near], drawn = blend_copies(
        copied[near], network[near], hole[near], plain, low_frequencies, options.network, away, enlarging
    )
    sources[near][drawn] = -1
    return copied, sources


def _guide(network, hole, options):
    """float32 [h, w, 3]: the blurred photo, and the less blurred completion in its hole."""
    known, filled = (cv2.GaussianBlur(network, (0, 0), sigma) for sigma in (options.sigma, options.sigma_of_hole))
    share = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), options.sigma_of_hole)[..., np.newaxis]
    known += share * (filled - known)
    return known


def _search(network, hole, unusable, size, options, report, energies, threads, search_finest) -> PatchField:
    search = options.search
    channels = colours_and_texture(network, hole | unusable, search)
    voted = channels.shape[-1]
    guide = _guide(network.astype(np.float32), hole | unusable, options)
    levels = pyramid(np.concatenate([channels, np.float32(options.guide) * guide], axis=-1), hole, size, unusable)
    # Colours start as the network's; texture is unknown in the hole and starts smooth.
    coarsest = levels[0]
    if voted > COLOURS:
        texture = slice(COLOURS, voted)
        coarsest.image[..., texture] = harmonic_fill(coarsest.image[..., texture], coarsest.hole)
    return complete_levels(
        levels,
        size,
        voted,
        search,
        energies=energies,
        report=report,
        threads=threads,
        search_finest=search_finest,
    )
