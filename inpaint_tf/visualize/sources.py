"""Where filled pixels were copied from, drawn on the photo: arrows, and the way of one pixel."""

import cv2
import numpy as np

from inpaint_tf.visualize.flow import flow_colours

LINE, OUTLINE = (255, 225, 77), (0, 0, 0)


def draw_arrows(picture: np.ndarray, arrows: list[tuple[tuple[int, int], tuple[int, int]]]) -> np.ndarray:
    """Draws arrows from sources to where they were pasted.

    Args:
        picture: uint8 [H, W, 3] RGB.
        arrows: (source, target), each (row, column).

    Returns:
        uint8 [H, W, 3]; the lines' width follows the picture's size.
    """
    drawn = picture.copy()
    width = max(1, round(max(picture.shape[:2]) / 700))
    for colour, thickness in ((OUTLINE, width + 2), (LINE, width)):
        for source, target in arrows:
            begin, end = (source[1], source[0]), (target[1], target[0])
            length = max(1.0, float(np.hypot(end[0] - begin[0], end[1] - begin[1])))
            cv2.circle(drawn, begin, 2 * width + 1, colour, thickness, cv2.LINE_AA)
            tip = min(0.4, 8 * width / length)
            cv2.arrowedLine(drawn, begin, end, colour, thickness, cv2.LINE_AA, tipLength=tip)
    return drawn


def spread_arrows(
    sources: np.ndarray, copied: np.ndarray, most: int = 40
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Some pixels spread evenly over those that were copied, with their sources.

    Args:
        sources: int [H, W, 2], (row, column).
        copied: bool [H, W], which pixels were copied.
        most: About how many.

    Returns:
        (source, target) pairs.
    """
    count = int(np.count_nonzero(copied))
    if not count:
        return []
    step = max(1, int(np.sqrt(count / most)))
    rows, columns = np.nonzero(copied)
    chosen = (rows % step == step // 2) & (columns % step == step // 2)
    targets = np.stack([rows, columns], axis=-1)[chosen if chosen.any() else slice(0, 1)]
    return [(tuple(sources[row, column].tolist()), (int(row), int(column))) for row, column in targets.tolist()]


def heat_colours(values: np.ndarray, valid: np.ndarray, gamma: float = 1.0) -> np.ndarray:
    """Numbers as colours from black over violet and orange to light yellow (OpenCV's inferno).

    Args:
        values: float [h, w].
        valid: bool [h, w]; elsewhere the picture is grey.
        gamma: Power of the values' share of their range; below 1 shows small ones.

    Returns:
        uint8 [h, w, 3] RGB.
    """
    low, high = (float(values[valid].min()), float(values[valid].max())) if valid.any() else (0.0, 1.0)
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1) ** gamma
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.where(valid[..., np.newaxis], colours, np.uint8(96))


def overlay(picture: np.ndarray, colours: np.ndarray, opacity: float = 0.7) -> np.ndarray:
    """Colours [h, w, 3] enlarged over a darkened grey picture [H, W, 3]; both uint8 RGB."""
    size = picture.shape[1::-1]
    large = cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(large, opacity, grey, 1 - opacity, 0)


def source_flow(sources: np.ndarray, copied: np.ndarray) -> np.ndarray:
    """Exact sources as flow colours.

    Args:
        sources: int [H, W, 2], (row, column).
        copied: bool [H, W], which pixels were copied.

    Returns:
        uint8 [H, W, 3]; white elsewhere.
    """
    targets, flow = source_offsets(sources, copied)
    picture = np.full((*copied.shape, 3), 255, np.uint8)
    picture[tuple(targets.T)] = flow_colours(flow[np.newaxis])[0]
    return picture


def source_offsets(sources: np.ndarray, copied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, column) of the pixels that were copied, int [N, 2], and source minus pixel, int [N, 2]."""
    targets = np.argwhere(copied)
    return targets, sources[tuple(targets.T)] - targets


def longest_source(sources: np.ndarray, copied: np.ndarray) -> int:
    """The distance that the strongest colour of `source_flow` stands for, pixels."""
    _, flow = source_offsets(sources, copied)
    return round(float(np.hypot(flow[:, 0], flow[:, 1]).max(initial=0)))


def was_copied(sources: np.ndarray) -> np.ndarray:
    """bool [H, W]: which pixels have a source."""
    return sources[..., 0] >= 0
