"""Runs a generator along a plan: the hole comes out as in a full run, at a cost that follows the hole."""

import gc
import sys

import cv2
import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.run import TiledAttention
from inpaint_tf.attention.tuning import Tuning
from inpaint_tf.errors import UserError
from inpaint_tf.models.two_stage import TwoStageGenerator
from inpaint_tf.planned.memory import SHARE_OF_FREE, free_memory, in_mib
from inpaint_tf.planned.plan import make_plan
from inpaint_tf.regions import bounding_rect, painted
from inpaint_tf.shared_arrays import aligned_zeros, as_tensor


class PlannedRun:
    """Runs a two-stage generator on one image, computing only what the hole can see.

    Graphs are built once per segment of the network; sizes, holes and plans of any number of photos share them.

    Args:
        model: A `TwoStageGenerator`. Its attention, if it has any, must be the paper's (`TiledAttention.supports`).
        memory_budget: Bytes of working memory; None is a share of what is free when a run starts.
        border: How many pixels around the hole are wanted of the refined image too.
        attention_tuning: How the attention cuts its work.

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

    def __init__(self, model, memory_budget=None, border=0, attention_tuning=Tuning()):
        self.model = model
        self.memory_budget = memory_budget
        self.border = border
        self.attention_tuning = attention_tuning
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
            attention_tuning=self.attention_tuning,
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
        mask = hole[..., np.newaxis].astype(np.float32)
        guides = [np.zeros_like(mask) if guide is None else guide] if self.model.guided else []
        _fill(coarse, hole, self._run_chain(plan.segments["coarse"], _Pixels(image, mask, *guides).source))

        # Outside the hole the coarse result is the image, so it is what the second stage sees.
        pixels = _Pixels(coarse, mask)
        branches = [self._run_chain(plan.segments["convolution_branch"], pixels.source)]
        offsets = None
        if plan.attention is not None:
            features = self._run_chain(plan.segments["attention_encoder"], pixels.source)
            copied, rect, offsets = self._attention(features.take, plan.attention)
            branches.append(self._run_chain(plan.segments["attention_decoder"], _Map(rect, copied).source))
            del copied

        def both(rect):
            parts = [branch.read(rect) for branch in branches]
            result = aligned_zeros((1, rect.height, rect.width, sum(part.shape[-1] for part in parts)))
            np.concatenate(parts, axis=-1, out=result[0])
            return [as_tensor(result)]

        refined = image.copy()
        _fill(refined, self._wanted(hole), self._run_chain(plan.segments["decoder"], both))
        outputs = {"coarse": coarse, "refined": refined, "plan": plan}
        return outputs if offsets is None else {**outputs, "offsets": offsets}

    def _run_chain(self, segments, source):
        """The `_Map` of the last segment's output; `source` gives the parts of regions of the first one's input."""
        for segment in segments:
            graph, blocks = self._chain(segment), self._blocks(segment)
            result = None
            if len(segment.tiles) > 1:
                bounds = bounding_rect(painted((tile.output for tile in segment.tiles), segment.size_out))
                channels = 3 if self._ends_in_image(segment) else segment.channels_out
                result = _Map(bounds, aligned_zeros((bounds.height, bounds.width, channels)))
            for tile in segment.tiles:
                output = graph(*source(tile.source), tf.constant(_layout(blocks, tile.regions), tf.int32))
                if result is None:
                    result = _Map(tile.output, output)
                else:
                    result.write(tile.output, output)
            source = result.source
        return result

    def _chain(self, segment):
        key = segment.stack, segment.first, segment.last
        if key not in self._chains:
            blocks = self._blocks(segment)
            channels_in, begin = self._beginning(segment, blocks[0])
            end = self.model.to_image if self._ends_in_image(segment) else None
            graph = tf.function(
                lambda *inputs: _run_blocks(blocks, begin(*inputs[:-1]), inputs[-1], end),
                input_signature=[
                    *(tf.TensorSpec((1, None, None, channels)) for channels in channels_in),
                    tf.TensorSpec((len(blocks), 4, 2), tf.int32),
                ],
                autograph=False,
            )
            self._chains[key] = graph.get_concrete_function()
        return self._chains[key]

    def _blocks(self, segment):
        return getattr(self.model, segment.stack).blocks[segment.first : segment.last]

    def _beginning(self, segment, block):
        """Channels of the parts that a segment is given, and the function that makes its layers' input of them."""
        if segment.first or segment.stack in ("attention_decoder", "decoder"):
            return (block.kernel.shape[2],), lambda x: x
        if segment.stack == "coarse":
            return (3, 1, 1) if self.model.guided else (3, 1), self._coarse_input
        return (3, 1), self.model.refinement_input

    def _coarse_input(self, image, mask, *guide):
        return self.model.coarse_input(image * (1 - mask), mask, *guide)

    def _ends_in_image(self, segment):
        return segment.stack in ("coarse", "decoder") and segment.last == len(getattr(self.model, segment.stack).blocks)


def _fill(image, wanted, result):
    """Puts a stage's output into the wanted pixels of `image`, tile by tile as far as they were computed."""
    rect = result.rect
    np.copyto(image[rect.slices], result.read(rect), where=wanted[rect.slices][..., np.newaxis])


class _Pixels:
    """What the stages see of an image: float32 [H, W, 3], its hole [H, W, 1], and a guide [H, W, 1] if there is one."""

    def __init__(self, *parts):
        self._parts = parts

    def source(self, rect):
        """A rectangle of every part: float32 [1, h, w, C] tensors."""
        return [as_tensor(part[rect.slices][np.newaxis]) for part in self._parts]


class _Map:
    """A rectangle of a feature map: float32 [h, w, C], or what one tile gave, a tensor [1, h, w, C]."""

    def __init__(self, rect, values):
        self.rect = rect
        self._tensor = values if tf.is_tensor(values) else None
        self._values = np.asarray(values)[0] if tf.is_tensor(values) else values

    def read(self, rect):
        """float32 [h, w, C] of a rectangle within this one, a view."""
        return self._values[rect.moved(-self.rect.top, -self.rect.left).slices]

    def source(self, rect):
        """A rectangle within this one: a list of one float32 [1, h, w, C] tensor."""
        whole = rect == self.rect and self._tensor is not None
        return [self._tensor if whole else as_tensor(self.read(rect)[np.newaxis])]

    def write(self, rect, output):
        """Puts a tile's output, a tensor [1, h, w, C], into its place."""
        self._values[rect.moved(-self.rect.top, -self.rect.left).slices] = np.asarray(output)[0]

    def take(self):
        """float32 [h, w, C] tensor; the map forgets it, so that the taker can free the memory."""
        (tensor,) = self.source(self.rect)
        self._tensor = self._values = None
        return tensor[0]


def _layout(blocks, regions):
    """int [layers, 4, 2]: of every layer the zeros in front and behind, along all axes; of one that upsamples, where
    what is kept of its output begins, and its size."""
    return [
        [[0, 1], [region.crop[0], region.output.height], [region.crop[1], region.output.width], [0, block.filters]]
        if block.upsample
        else [[0, 0], region.padding[:2], region.padding[2:], [0, 0]]
        for block, region in zip(blocks, regions)
    ]


def _run_blocks(blocks, x, layout, to_image):
    """A segment's layers on one tile.

    Args:
        blocks: The layers.
        x: float32 [1, H, W, C], the tile's source region.
        layout: int32 [layers, 4, 2], see `_layout`.
        to_image: What ends the stage if its last layer is among these, else None.

    Returns:
        float32 [1, h, w, C'].
    """
    for block, place in zip(blocks, tf.unstack(layout)):
        if block.upsample:
            x = tf.slice(block(x), *tf.unstack(place, axis=1))
        else:
            x = block(tf.pad(x, place), padding="VALID")
    return tf.cast(x, tf.float32) if to_image is None else to_image(x)
