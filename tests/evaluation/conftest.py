"""Small image folders for evaluations."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path):
    """A folder with three images of 300x256, 256x256 and 512x600 pixels (width first): smooth shapes, some noise."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, (height, width) in {"a.png": (256, 300), "b.png": (256, 256), "more/c.png": (600, 512)}.items():
        rows, columns = np.indices((height, width))
        waves = [np.sin(rows / random.uniform(10, 40)) + np.cos(columns / random.uniform(10, 40)) for _ in range(3)]
        image = 128 + 50 * np.stack(waves, axis=-1) + random.normal(0, 3, (height, width, 3))
        Image.fromarray(np.uint8(np.clip(image, 0, 255))).save(folder / name)
    return folder


@pytest.fixture
def photo(photos, tmp_path):
    """A list with the smallest of the photos."""
    listed = tmp_path / "one.txt"
    listed.write_text(f"{photos.relative_to(tmp_path)}/b.png\n")
    return listed
