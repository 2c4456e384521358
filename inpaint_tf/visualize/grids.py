"""Comparison grids: images down, methods across, as one picture."""

from collections.abc import Sequence

import cv2
import numpy as np

_GAP = 4
_HEADER = 22
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def comparison_grid(titles: Sequence[str], rows: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
    """A grid with a title over every column.

    Args:
        titles: One for each column; what does not fit is cut.
        rows: Sequence of rows, each as many pictures as there are titles: uint8 [H, W, 3] of one size, or None, which
            is drawn as a grey field.

    Returns:
        uint8 [.., .., 3] RGB on white.

    Raises:
        ValueError: if a row has another number of pictures, a picture another size, or all are None.
    """
    sizes = {picture.shape for row in rows for picture in row if picture is not None}
    if len(sizes) != 1 or any(len(row) != len(titles) for row in rows):
        raise ValueError(f"a grid needs {len(titles)} pictures of one size in every row; got sizes {sorted(sizes)}.")
    ((height, width, _),) = sizes
    grid = np.full((_HEADER + len(rows) * (height + _GAP), len(titles) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for column, title in enumerate(titles):
        left = column * (width + _GAP)
        grid[:_HEADER, left : left + width] = _title(title, width)
        for line, row in enumerate(rows):
            top = _HEADER + line * (height + _GAP)
            picture = row[column]
            grid[top : top + height, left : left + width] = 128 if picture is None else picture
    return grid


def padded(rows: Sequence[Sequence[np.ndarray | None]]) -> list[list[np.ndarray | None]]:
    """Rows of uint8 [H, W, 3] at the size of the highest and the widest picture: white at right and below."""
    pictures = [picture for row in rows for picture in row if picture is not None]
    height, width = (max((picture.shape[axis] for picture in pictures), default=0) for axis in (0, 1))

    def pad(picture):
        if picture is None:
            return None
        margins = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
        return np.pad(picture, margins, constant_values=255)

    return [[pad(picture) for picture in row] for row in rows]


def encode_jpeg(picture: np.ndarray, quality: int = 88) -> bytes:
    """uint8 [H, W, 3] RGB -> the bytes of a JPEG file."""
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def thumbnail(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture scaled down so that its longer side is at most `side` pixels."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = tuple(max(1, round(length * scale)) for length in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _title(text, width):
    field = np.full((_HEADER, width, 3), 255, np.uint8)
    cv2.putText(field, text, (2, _HEADER - 7), _FONT, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return field
