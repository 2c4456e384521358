"""What the tests of image files share."""

import numpy as np
import pytest


@pytest.fixture
def rgb(rng):
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
