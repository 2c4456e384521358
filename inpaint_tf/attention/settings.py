"""What a contextual attention layer is set to."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class AttentionSettings:
    """Settings of the arithmetic, the same for every form; the defaults are the paper's.

    Attributes:
        rate: Matching happens at 1/rate of the size; patches to paste are 2 rate x 2 rate. 1, 2 or more.
        fuse: Whether scores are propagated between neighbours.
        fuse_kernel: Odd length of the propagation's diagonal.
        softmax_scale: Factor in front of the softmax.
        kernel_size: Odd side of the matching patches.
    """

    rate: int = 2
    fuse: bool = True
    fuse_kernel: int = 3
    softmax_scale: float = 10.0
    kernel_size: int = 3

    @property
    def has_tiles(self) -> bool:
        """Whether the forms that work in tiles are laid out for these settings: the paper's, at any softmax scale."""
        return (self.rate, bool(self.fuse), self.fuse_kernel, self.kernel_size) == (2, True, 3, 3)
