"""Small photos in files."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def photos(tmp_path):
    """A folder with 12 JPEG photos of 40x48 px, each of one grey value: 10, 20, ... 120."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(12):
        cv2.imwrite(str(folder / f"{index:02d}.jpg"), np.full((40, 48, 3), 10 * (index + 1), np.uint8))
    return folder
