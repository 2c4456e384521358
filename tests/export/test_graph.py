"""What an exported graph does around the network: the Inpainter's numbers."""

import numpy as np
import pytest

from inpaint_tf.attention.tuning import GraphTuning
from inpaint_tf.export.graph import InpaintingGraph
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.registry import MODELS, build_model


def test_whole_network_in_tiles_gives_the_holes_pixels(inpainter, photo):
    image, mask = photo(75, 130)
    tuning = GraphTuning(most_whole_scores=0, tile_scores=64 * 170)
    graph = InpaintingGraph(inpainter.model, inpainter.channel_order, tuning=tuning)
    completed = graph.complete_levels(np.stack([image, image[::-1]]), np.stack([mask, mask[::-1]])).numpy()
    np.testing.assert_allclose(completed[0].astype(int), inpainter(image, mask), atol=1)
    np.testing.assert_allclose(completed[1].astype(int), inpainter(image[::-1], mask[::-1]), atol=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_of_the_registry(name, photo):
    image, mask = photo(19, 27)
    model = build_model(name, width=4)
    completed = InpaintingGraph(model, "RGB").complete_levels(image[None], mask[None]).numpy()[0]
    np.testing.assert_allclose(completed.astype(int), Inpainter(model, plan="full")(image, mask), atol=1)
