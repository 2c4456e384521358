"""PatchMatch: for every patch of the hole an approximate nearest patch of the known region.

Barnes et al. observe that a random field of correspondences has a few good guesses in it, and that a good guess is
good for the neighbours too. So each round a patch tries what its neighbours found, shifted by their distance
(propagation), and random places around its best find in shrinking windows (random search). A find is replaced only by
a better one, so no round makes any patch worse.

The paper scans row by row and can use a find in the same pass. Here all patches try the same kind of candidate at
once, which vectorises; so that a find still travels far in one round, neighbours at distances 8, 4, 2 and 1 are asked
(the pattern of the jump flooding algorithm), not only the adjacent ones.

Reference: Barnes et al., PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing, SIGGRAPH
2009; Rong and Tan, Jump Flooding in GPU with Applications to Voronoi Diagram and Distance Transform, I3D 2006.
"""

import numpy as np

JUMPS = (8, 4, 2, 1)
# Patches compared at once: bounds the memory of one comparison to some tens of megabytes.
CHUNK = 1 << 15


class PatchField:
    """The patches of one image, split by a hole, and each hole patch's best known match.

    Patches are square and wholly inside the image; a patch goes by its upper left pixel. A target touches the hole,
    a source does not. Distances are sums of squared differences over pixels and channels.

    Args:
        image: float32 [H, W, C]; inside the hole the present estimate.
        hole: bool [H, W], True = hole.
        size: Side of the patches in pixels.
        matches: int [T, 2], (row, column) of a source patch for each target, or None: random ones.
        random: `np.random.Generator`; all randomness comes from it.

    Attributes:
        targets: int [T, 2], (row, column), row-major order.
        matches: int [T, 2], the present match of each target.
        distances: float32 [T], their distances.

    Raises:
        ValueError: if no patch is free of hole pixels.
    """

    def __init__(self, image, hole, size, random, matches=None):
        self.size = size
        self.random = random
        touched = patches_touching(hole, size)
        self.is_source = ~touched
        self.targets = np.argwhere(touched)
        sources = np.argwhere(self.is_source)
        if not len(sources):
            raise ValueError(f"no {size}x{size} patch of {hole.shape[1]}x{hole.shape[0]} pixels is free of the hole.")
        # Row-major number of the target at a patch position, -1 elsewhere.
        self._number = np.full(touched.shape, -1)
        self._number[touched] = np.arange(len(self.targets))
        self.matches = sources[random.integers(len(sources), size=len(self.targets))]
        if matches is not None:
            keep = self._usable(matches)
            self.matches[keep] = matches[keep]
        self.update(image)

    def update(self, image):
        """Takes a new estimate of the hole; matches stay, distances are measured anew."""
        self._patches = np.lib.stride_tricks.sliding_window_view(image, (self.size, self.size), axis=(0, 1))
        everything = np.arange(len(self.targets))
        self.distances = self._distance(everything, self.matches)

    def search(self, rounds):
        """Some rounds of propagation and random search. No distance grows."""
        for _ in range(rounds):
            self._propagate()
            self._search_randomly()

    def _propagate(self):
        for jump in JUMPS:
            for step in ((-jump, 0), (0, -jump), (jump, 0), (0, jump)):
                neighbour = self._at(self._number, self.targets + step, outside=-1)
                asked = np.flatnonzero(neighbour >= 0)
                self._try(asked, self.matches[neighbour[asked]] - step)

    def _search_randomly(self):
        radius = max(self.is_source.shape)
        everything = np.arange(len(self.targets))
        while radius >= 1:
            self._try(everything, self.matches + self.random.integers(-radius, radius + 1, size=self.matches.shape))
            radius //= 2

    def _try(self, asked, candidates):
        """Replaces the matches of the targets `asked` by `candidates` where these are sources and nearer."""
        usable = self._usable(candidates)
        usable &= (candidates != self.matches[asked]).any(axis=1)
        asked, candidates = asked[usable], candidates[usable]
        distances = self._distance(asked, candidates)
        better = distances < self.distances[asked]
        self.matches[asked[better]] = candidates[better]
        self.distances[asked[better]] = distances[better]

    def _distance(self, asked, candidates):
        distances = np.empty(len(asked), np.float32)
        for start in range(0, len(asked), CHUNK):
            part = slice(start, start + CHUNK)
            rows, columns = self.targets[asked[part]].T
            difference = self._patches[rows, columns]
            rows, columns = candidates[part].T
            difference = (difference - self._patches[rows, columns]).reshape(len(rows), -1)
            distances[part] = np.einsum("ij,ij->i", difference, difference)
        return distances

    def _usable(self, positions):
        return self._at(self.is_source, positions, outside=False)

    @staticmethod
    def _at(grid, positions, outside):
        """grid[row, column] for int [N, 2] positions, `outside` where they leave the grid."""
        rows, columns = positions.T
        inside = (rows >= 0) & (rows < grid.shape[0]) & (columns >= 0) & (columns < grid.shape[1])
        return np.where(inside, grid[rows * inside, columns * inside], outside)


def patches_touching(hole, size):
    """bool [H - size + 1, W - size + 1]: whether the patch at a position holds a hole pixel."""
    windows = np.lib.stride_tricks.sliding_window_view
    return windows(windows(hole, size, axis=0).any(axis=-1), size, axis=1).any(axis=-1)
