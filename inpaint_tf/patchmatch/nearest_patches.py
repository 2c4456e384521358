"""PatchMatch: for every patch of the hole an approximate nearest patch of the known region.

Barnes et al. observe that a random field of correspondences has a few good guesses in it, and that a good guess is
good for the neighbours too. So each round a patch tries what its neighbours found, shifted by their distance
(propagation), and random places around its best find in shrinking windows (random search). A find is replaced only by
a better one, so no round makes any patch worse.

As in the paper, patches are visited row by row, forwards and backwards in turn, and use what was found in the same
round: a find travels across the hole at once. The patches are split into bands that run at the same time; across a
band's limits the finds of the round before are used. Limits depend on the number of patches alone and random numbers on
(seed, round, patch), so the result is the same for any number of threads.

The loops are compiled by numba, which is why that is a dependency and there is no second form. Measured with two
processors, 256x256 with a hole of 128x128: 0.13 to 0.24 s (written with NumPy's whole-array operations, the same search
took 1 to 1.5 s). The first call ever compiles, which takes 1.5 s; the first of a process loads what was compiled,
0.3 s. PyPI's pypatchmatch 2.2 (C++) took 0.7 s with patches of 7 pixels and 2.7 to 6 s with its default of 31.

Reference: Barnes et al., PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing, SIGGRAPH
2009.
"""

import cv2
import numpy as np

from inpaint_tf.patchmatch.compiled import compiled, run_bands

# Patches in a band: enough for finds to travel, few enough for all processors to have work.
BAND = 1024


class PatchField:
    """The patches of one image, split by a hole, and each hole patch's best known match.

    Patches are square and wholly inside the image; a patch goes by its upper left pixel. A target touches the hole,
    a source touches neither the hole nor what is not to be copied. Distances are sums of squared differences over
    pixels and channels.

    Args:
        image: float32 [H, W, C], C-contiguous; inside the hole the present estimate. Kept, and changed by `vote`.
        hole: bool [H, W], True = hole.
        size: Side of the patches in pixels.
        seed: Of all randomness.
        matches: int [T, 2], (row, column) of a source patch for each target, or None: random ones.
        unusable: bool [H, W], True where pixels must not be copied though they are known; None: nowhere.
        threads: How many to use; None takes as many as there are processors.

    Attributes:
        targets: int32 [T, 2], (row, column), row-major order.
        matches: int32 [T, 2], the present match of each target.
        distances: float32 [T], their distances.
        pixels: int32 [N, 2], (row, column) of the hole's pixels.
        number: int32 [H - size + 1, W - size + 1], row-major number of the target at a position, -1 elsewhere.

    Raises:
        ValueError: if no patch is free of hole pixels.
    """

    def __init__(
        self,
        image: np.ndarray,
        hole: np.ndarray,
        size: int,
        seed: int = 0,
        matches: np.ndarray | None = None,
        unusable: np.ndarray | None = None,
        threads: int | None = None,
    ):
        self.image, self.size, self.seed, self.threads = image, size, seed, threads
        touched = patches_touching(hole, size)
        self.is_source = ~(touched if unusable is None else patches_touching(hole | unusable, size))
        self.targets = np.argwhere(touched).astype(np.int32)
        self.pixels = np.argwhere(hole).astype(np.int32)
        sources = np.argwhere(self.is_source).astype(np.int32)
        if not len(sources):
            raise ValueError(f"no {size}x{size} patch of {hole.shape[1]}x{hole.shape[0]} pixels is free of the hole.")
        self.number = np.full(touched.shape, -1, np.int32)
        self.number[touched] = np.arange(len(self.targets), dtype=np.int32)
        self.matches = sources[np.random.default_rng(seed).integers(len(sources), size=len(self.targets))]
        if matches is not None:
            keep = self._usable(matches)
            self.matches[keep] = matches[keep]
        self._rounds = 0
        self.distances = np.empty(len(self.targets), np.float32)
        self.update()

    def update(self) -> None:
        """Measures all distances anew, after the image has changed."""
        self._run(measures=True, searches=False, radius=0)

    def search(self, rounds: int = 1, radius: int | None = None) -> None:
        """Some rounds of propagation and random search. No distance grows.

        Args:
            rounds: How many.
            radius: Of the widest window of the random search, pixels; None: the image's longer side. 0: none.
        """
        for _ in range(rounds):
            self._rounds += 1
            self._run(measures=False, searches=True, radius=max(self.is_source.shape) if radius is None else radius)

    def vote(self, weights: np.ndarray, channels: int) -> None:
        """Sets the hole's pixels to the weighted means of what the matches of all patches around them say.

        Distances are not measured anew; see `update`.

        Args:
            weights: float32 [T], one for each target.
            channels: How many of the image's first channels are set; the others stay.
        """

        def work(start, stop):
            _vote(self.image, self.pixels, self.number, self.matches, weights, self.size, channels, start, stop)

        self._in_bands_of_pixels(work)

    def sources(self, channels: int) -> np.ndarray:
        """Which known pixel says of each pixel of the hole what is nearest to the image.

        Every patch around a pixel has a match, and in it the pixel at the same place. Of these, the one that differs
        least from the image (the mean of them all, after `vote`) is a copy that stands for the mean.

        Args:
            channels: How many of the image's first channels are compared.

        Returns:
            int32 [N, 2], (row, column) for each of `pixels`.
        """
        found = np.empty_like(self.pixels)

        def work(start, stop):
            _choose(self.image, self.pixels, self.number, self.matches, found, self.size, channels, start, stop)

        self._in_bands_of_pixels(work)
        return found

    def _in_bands_of_pixels(self, work):
        run_bands(work, len(self.pixels), max(1, len(self.pixels) // BAND), self.threads)

    def _run(self, measures, searches, radius):
        before = self.matches.copy() if searches else self.matches
        rows, channels = self.image.reshape(self.image.shape[0], -1), self.image.shape[-1]
        places = (self.targets, self.number, self.is_source)
        found = (before, self.matches, self.distances)
        settings = (self.size, channels, measures, searches, self._rounds % 2 == 1, self.seed + 7919 * self._rounds)

        def work(start, stop):
            _visit(rows, *places, *found, start, stop, *settings, radius)

        run_bands(work, len(self.targets), max(1, len(self.targets) // BAND), self.threads)

    def _usable(self, positions):
        rows, columns = positions.T
        height, width = self.is_source.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return inside & self.is_source[rows * inside, columns * inside]


def patches_touching(hole: np.ndarray, size: int) -> np.ndarray:
    """bool [H - size + 1, W - size + 1]: whether the patch at a position holds a hole pixel."""
    if min(hole.shape) < size:
        return np.zeros((max(hole.shape[0] - size + 1, 0), max(hole.shape[1] - size + 1, 0)), bool)
    touched = cv2.dilate(hole.astype(np.uint8), np.ones((size, size), np.uint8), anchor=(0, 0), borderValue=0)
    return touched[: hole.shape[0] - size + 1, : hole.shape[1] - size + 1] > 0


@compiled
def _distance(rows, row, start, other_row, other_start, size, length, bound):
    """Squared difference of two patches; some number of at least `bound` as soon as it is known not to be less.

    `rows` is float32 [H, W * C]; `length` is size * C, and `start` the column times C.
    """
    total = np.float32(0)
    for down in range(size):
        ours = rows[row + down, start : start + length]
        theirs = rows[other_row + down, other_start : other_start + length]
        part = np.float32(0)
        for place in range(length):
            difference = ours[place] - theirs[place]
            part += difference * difference
        total += part
        if total >= bound:
            break
    return total


@compiled
def _visit(
    rows,
    targets,
    number,
    is_source,
    before,
    matches,
    distances,
    start,
    stop,
    size,
    channels,
    measures,
    searches,
    forwards,
    seed,
    radius,
):
    """Visits the targets from `start` to `stop`: measures their matches anew, searches for better ones, or both.

    One function with one place that compares patches, because compiling takes time.
    """
    height, width = is_source.shape
    step = -1 if forwards else 1
    for count in range(stop - start):
        target = start + count if forwards else stop - 1 - count
        row, column = targets[target, 0], targets[target, 1]
        best_row, best_column = matches[target, 0], matches[target, 1]
        best = np.float32(np.inf) if measures else distances[target]
        window, attempt = radius, np.uint32(0 if measures else 1)
        while attempt == 0 or (searches and (attempt < 3 or window >= 1)):
            if attempt == 0:
                try_row, try_column = best_row, best_column
            elif attempt < 3:
                # What the neighbour above (or below) and the one to the left (or right) found, shifted.
                down, right = (step, 0) if attempt == 1 else (0, step)
                other = -1
                if 0 <= row + down < height and 0 <= column + right < width:
                    other = number[row + down, column + right]
                if other < 0:
                    attempt += np.uint32(1)
                    continue
                found = matches if start <= other < stop else before
                try_row, try_column = found[other, 0] - down, found[other, 1] - right
            else:
                # A random number of 32 bits for (seed, target, attempt), by the mixing steps that end MurmurHash3.
                bits = np.uint32(seed) * np.uint32(0x9E3779B9) + np.uint32(target) * np.uint32(0x85EBCA77) + attempt
                bits = np.uint32((bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B))
                bits = np.uint32((bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35))
                bits = np.uint32(bits ^ (bits >> np.uint32(16)))
                # It is two numbers of 16 bits.
                span = np.int64(2 * window + 1)
                try_row = best_row - window + (np.int64(bits & np.uint32(0xFFFF)) * span >> 16)
                try_column = best_column - window + (np.int64(bits >> np.uint32(16)) * span >> 16)
                window //= 2
            moved = attempt == 0 or try_row != best_row or try_column != best_column
            attempt += np.uint32(1)
            if not moved or not (0 <= try_row < height and 0 <= try_column < width):
                continue
            if not is_source[try_row, try_column]:
                continue
            distance = _distance(
                rows, row, column * channels, try_row, try_column * channels, size, size * channels, best
            )
            if distance < best:
                best_row, best_column, best = try_row, try_column, distance
        matches[target, 0], matches[target, 1], distances[target] = best_row, best_column, best


@compiled
def _vote(image, pixels, number, matches, weights, size, channels, start, stop):
    height, width = number.shape
    # Float64 sums: the mean must be the minimiser, or the energy could grow by rounding.
    total = np.zeros(channels)
    for place in range(start, stop):
        row, column = pixels[place, 0], pixels[place, 1]
        total[:] = 0
        weight = 0.0
        for down in range(min(size, row + 1)):
            for right in range(min(size, column + 1)):
                if row - down >= height or column - right >= width:
                    continue
                target = number[row - down, column - right]
                share = np.float64(weights[target])
                weight += share
                for channel in range(channels):
                    total[channel] += share * image[matches[target, 0] + down, matches[target, 1] + right, channel]
        for channel in range(channels):
            image[row, column, channel] = total[channel] / weight


@compiled
def _choose(image, pixels, number, matches, found, size, channels, start, stop):
    height, width = number.shape
    for place in range(start, stop):
        row, column = pixels[place, 0], pixels[place, 1]
        best = np.float32(np.inf)
        for down in range(min(size, row + 1)):
            for right in range(min(size, column + 1)):
                if row - down >= height or column - right >= width:
                    continue
                target = number[row - down, column - right]
                other_row, other_column = matches[target, 0] + down, matches[target, 1] + right
                distance = np.float32(0)
                for channel in range(channels):
                    difference = image[row, column, channel] - image[other_row, other_column, channel]
                    distance += difference * difference
                if distance < best:
                    best = distance
                    found[place, 0], found[place, 1] = other_row, other_column
