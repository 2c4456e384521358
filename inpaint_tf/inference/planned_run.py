"""Runs a generator along a plan: the hole comes out as in a full run, at a cost that follows the hole."""

import gc
import sys

import cv2
import numpy as np
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.inference.plan import make_plan
from inpaint_tf.inference.plan_memory import SHARE_OF_FREE, free_memory, in_mib
from inpaint_tf.inference.regions import Rect, bounding_rect, painted
from inpaint_tf.inference.tiled_attention import TiledAttention
from inpaint_tf.models.two_stage import TwoStageGenerator


class PlannedRun:
    """Runs a two-stage generator on one image, computing only what the hole can see.

    Graphs are built once per segment of the network; sizes, holes and plans of any number of photos share them.

    Args:
        model: A `TwoStageGenerator`. Its attention, if it has any, must be the paper's (`TiledAttention.supports`).
        memory_budget: Bytes of working memory; None is a share of what is free when a run starts.
        border: How many pixels around the hole are wanted of the refined image too.

    Call arguments:
        image: float32 [H, W, 3] in [-1, 1], the model's channel order; H and W multiples of 8.
        hole_mask: float32 [H, W, 1], 1 = hole; at least one hole pixel.
        guide: float32 [H, W, 1], 1 = line, for a guided model; None means that nothing is sketched.

    Returns:
        A dictionary: "coarse" and "refined", float32 [H, W, 3], right inside the hole ("refined" on its border too)
        and the image elsewhere; with attention also "offsets", int32 [H/8, W/8, 2], -1 where the plan did not compute
        it; and "plan", the `Plan`.

    Raises:
        UserError: for a memory budget that is too small; if memory runs out twice.
        ValueError: for a hole without a pixel, a size that is no multiple of 8, another attention.
    """

    def __init__(self, model, memory_budget=None, border=0):
        self.model = model
        self.memory_budget = memory_budget
        self.border = border
        self._chains = {}
        self._attention = None
        if model.attention_branch:
            if not TiledAttention.supports(model.attention):
                raise ValueError("the plan knows the paper's attention only: rate 2, 3x3 patches, fusion over 3.")
            self._attention = TiledAttention(model.attention)

    @staticmethod
    def supports(model):
        """Whether a model can run along a plan: two stages, and no attention or the fast one as in the paper."""
        if not isinstance(model, TwoStageGenerator) or not model.refinement_stage:
            return False
        return not model.attention_branch or (
            model.attention_form == "fast" and TiledAttention.supports(model.attention)
        )

    @property
    def traces(self):
        """How many graphs were built so far; it does not grow with the number of sizes."""
        return len(self._chains) + (self._attention.traces if self._attention else 0)

    def plan(self, hole, memory_budget=None):
        """The plan for a hole, bool [H, W], without running it; see `make_plan`."""
        return make_plan(
            self.model.LAYERS,
            self.model.width,
            hole,
            memory_budget,
            attention_branch=self.model.attention_branch,
            input_channels=(self._channels_in("coarse"), self._channels_in("convolution_branch")),
            wanted=self._wanted(hole),
        )

    def __call__(self, image, hole_mask, guide=None):
        hole = hole_mask[..., 0] > 0.5
        plan = self.plan(hole, self._budget())
        try:
            return self._run(plan, image, hole, guide)
        except (tf.errors.ResourceExhaustedError, MemoryError):
            budget = plan.bytes_needed // 2
        gc.collect()
        print(
            f"inpaint-tf: memory ran out at about {in_mib(plan.bytes_needed)}; trying again within {in_mib(budget)}.",
            file=sys.stderr,
        )
        plan = self.plan(hole, budget)
        try:
            return self._run(plan, image, hole, guide)
        except (tf.errors.ResourceExhaustedError, MemoryError):
            raise UserError(
                f"memory ran out twice on a photo of {hole.shape[1]}x{hole.shape[0]}, the second time within "
                f"{in_mib(budget)}: close other programs or give a smaller photo."
            ) from None

    def _wanted(self, hole):
        """bool [H, W]: the hole and its border."""
        return cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=self.border) > 0

    def _budget(self):
        return int(SHARE_OF_FREE * free_memory()) if self.memory_budget is None else self.memory_budget

    def _channels_in(self, stack):
        return int(getattr(self.model, stack).blocks[0].kernel.shape[2])

    def _run(self, plan, image, hole, guide=None):
        coarse = image.copy()
        _fill(coarse, hole, self._run_chain(plan.segments["coarse"], self._coarse_reader(image, hole, guide)))

        # Outside the hole the coarse result is the image, so it is what the second stage sees.
        branches = [
            self._run_chain(plan.segments["convolution_branch"], self._refinement_reader(coarse, hole))
        ]
        offsets = None
        if plan.attention is not None:
            features = self._run_chain(plan.segments["attention_encoder"], self._refinement_reader(coarse, hole))
            copied, rect, offsets = self._attention(features.take, plan.attention)
            branches.append(self._run_chain(plan.segments["attention_decoder"], _Map(rect, copied).read))
            del copied

        def both(rect):
            return np.concatenate([branch.read(rect) for branch in branches], axis=-1)

        refined = image.copy()
        _fill(refined, self._wanted(hole), self._run_chain(plan.segments["decoder"], both))
        outputs = {"coarse": coarse, "refined": refined, "plan": plan}
        return outputs if offsets is None else {**outputs, "offsets": offsets}

    def _coarse_reader(self, image, hole, guide):
        """Function from a rectangle to what stage 1 sees of it, float32 [1, h, w, C]."""

        def read(rect):
            known, mask = _cut(image, hole, rect)
            lines = None if guide is None else guide[rect.slices][np.newaxis]
            return self.model.coarse_input(known * (1 - mask), mask, lines)

        return read

    def _refinement_reader(self, pasted, hole):
        """Function from a rectangle to what stage 2 sees of it, float32 [1, h, w, C]."""
        return lambda rect: self.model.refinement_input(*_cut(pasted, hole, rect))

    def _run_chain(self, segments, read):
        """The `_Map` of the last segment's output; `read` gives regions of the first one's input."""
        for segment in segments:
            graph = self._chain(segment)
            bounds = bounding_rect(painted((tile.output for tile in segment.tiles), segment.size_out))
            result = None
            for tile in segment.tiles:
                layout = [
                    (*region.padding, *region.crop, region.output.height, region.output.width)
                    for region in tile.regions
                ]
                source = tf.convert_to_tensor(read(tile.source))
                output = np.asarray(graph(source, tf.constant(layout, tf.int32)))[0]
                if len(segment.tiles) == 1:
                    result = _Map(tile.output, output)
                    break
                result = result or _Map(bounds, np.zeros((bounds.height, bounds.width, output.shape[-1]), np.float32))
                result.write(tile.output, output)
            read = result.read
        return result

    def _chain(self, segment):
        key = segment.stack, segment.first, segment.last
        if key not in self._chains:
            stack = getattr(self.model, segment.stack).blocks
            blocks = stack[segment.first : segment.last]
            ends_in_image = segment.stack in ("coarse", "decoder") and segment.last == len(stack)
            graph = tf.function(
                lambda x, layout: _run_blocks(blocks, x, layout, self.model.to_image if ends_in_image else None),
                input_signature=[
                    tf.TensorSpec((1, None, None, blocks[0].kernel.shape[2])),
                    tf.TensorSpec((len(blocks), 8), tf.int32),
                ],
                autograph=False,
            )
            self._chains[key] = graph.get_concrete_function()
        return self._chains[key]


def _fill(image, wanted, result):
    """Puts a stage's output into the wanted pixels of `image`, tile by tile as far as they were computed."""
    rect = result.rect
    np.copyto(image[rect.slices], result.read(rect)[0], where=wanted[rect.slices][..., np.newaxis])


def _cut(image, hole, rect):
    """A rectangle of an image and of its hole, float32 [1, h, w, 3] and [1, h, w, 1]."""
    return image[rect.slices][np.newaxis], hole[rect.slices][np.newaxis, ..., np.newaxis].astype(np.float32)


class _Map:
    """A rectangle of a feature map: float32 [h, w, C]."""

    def __init__(self, rect, values):
        self.rect = rect
        self._values = values

    def read(self, rect):
        """float32 [1, h, w, C] of a rectangle within this one, a view."""
        return self._values[rect.moved(-self.rect.top, -self.rect.left).slices][np.newaxis]

    def write(self, rect, values):
        """Puts a tile's output, float32 [h, w, C], into its place."""
        self._values[rect.moved(-self.rect.top, -self.rect.left).slices] = values

    def take(self):
        """float32 [h, w, C]; the map forgets it, so that the taker can free the memory."""
        values, self._values = self._values, None
        return values


def _run_blocks(blocks, x, layout, to_image):
    """A segment's layers on one tile.

    Args:
        blocks: The layers.
        x: float32 [1, H, W, C], the tile's source region.
        layout: int32 [layers, 8]: zeros above, below, left and right of every layer's source; and, for layers with
            upsampling, top, left, height, width of what is kept.
        to_image: What ends the stage if its last layer is among these, else None.

    Returns:
        float32 [1, h, w, C'].
    """
    for index, block in enumerate(blocks):
        above_below, left_right, kept = layout[index, :2], layout[index, 2:4], layout[index, 4:]
        if block.upsample:
            top, left, height, width = tf.unstack(kept)
            x = block(x)[:, top : top + height, left : left + width]
        else:
            nothing = tf.zeros([2], tf.int32)
            x = block(tf.pad(x, tf.stack([nothing, above_below, left_right, nothing])), padding="VALID")
    return tf.cast(x, tf.float32) if to_image is None else to_image(x)
