"""Runs a generator along a plan: the hole comes out as in a full run, at a cost that follows the hole."""

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.attention.tiled.layout import AttentionPlan
from inpaint_tf.attention.tiled.run import TiledAttention
from inpaint_tf.devices import free_gpu_memory
from inpaint_tf.errors import OutOfMemory
from inpaint_tf.layers.conv_block import ConvBlock
from inpaint_tf.machine_memory import ADVICE, free_memory, ran_out_of_memory
from inpaint_tf.models.generator import Generator
from inpaint_tf.models.network import PHOTO, Attention, Network, Node, Stack, View
from inpaint_tf.planned.chains import Segment
from inpaint_tf.planned.feature_map import FeatureMap, joined
from inpaint_tf.planned.memory import in_mib
from inpaint_tf.planned.plan import Plan, make_plan
from inpaint_tf.planned.segment_graph import segment_graph, tile_layout
from inpaint_tf.planned.tuning import TUNING, Tuning
from inpaint_tf.regions import Rect, bounding_rect, painted
from inpaint_tf.shared_arrays import as_tensor


class PlannedRun:
    """Runs a generator on one image, computing only what the hole can see.

    Graphs are built once per segment of the network; sizes, holes and plans of any number of photos share them.

    Args:
        model: A `Generator`. Its attentions, if it has any, must be the paper's (`TiledAttention.supports`).
        memory_budget: Bytes of working memory; None is a share of what is free when a run starts.
        tuning: What is worth what when tiles are chosen.

    Call arguments:
        image: float32 [H, W, 3] in [-1, 1], the model's channel order; H and W multiples of 8.
        hole_mask: float32 [H, W, 1], 1 = hole; at least one hole pixel.
        guide: float32 [H, W, 1], 1 = line, for a guided model; None means that nothing is sketched.
        report: Called during the run with the share of its arithmetic that is done, in [0, 1]. What it raises ends the
            run.

    Returns:
        A dictionary: "coarse" and "refined", float32 [H, W, 3], the first and the last stage's image, right inside the
        hole and the photo elsewhere; with attention also "offsets", int32 [h, w, 2] of the last one, -1 where the plan
        did not compute it; and "plan", the `Plan`.

    Raises:
        UserError: for a memory budget that is too small; `OutOfMemory` if memory runs out twice.
        ValueError: for a hole without a pixel, a size that is no multiple of 8, another attention.
    """

    def __init__(self, model: Generator, memory_budget: int | None = None, tuning: Tuning = TUNING):
        self.model = model
        self.memory_budget = memory_budget
        self.tuning = tuning
        self._graphs = {}
        layers = {node.name: getattr(model, node.name) for node in model.network.attentions}
        if not all(map(TiledAttention.supports, layers.values())):
            raise ValueError("the plan knows the paper's attention only: rate 2, 3x3 patches, fusion over 3.")
        self._attentions = {name: TiledAttention(layer) for name, layer in layers.items()}

    @staticmethod
    def supports(model: Generator) -> bool:
        """Whether a model can run along a plan: the fast form of the paper's attention, or none."""
        layers = [getattr(model, node.name) for node in model.network.attentions]
        return all(layer.form == "fast" and TiledAttention.supports(layer) for layer in layers)

    @property
    def traces(self) -> int:
        """How many graphs were built so far; it does not grow with the number of sizes."""
        return len(self._graphs) + sum(attention.traces for attention in self._attentions.values())

    def plan(self, hole: np.ndarray, memory_budget: int | None = None) -> Plan:
        """The plan for a hole, bool [H, W], without running it; see `make_plan`."""
        model = self.model
        return make_plan(model.network, model.width, hole, memory_budget, self.tuning)

    def __call__(
        self,
        image: np.ndarray,
        hole_mask: np.ndarray,
        guide: np.ndarray | None = None,
        report: Callable[[float], object] | None = None,
    ) -> dict[str, Any]:
        hole = hole_mask[..., 0] > 0.5
        plan = self.plan(hole, self._budget())
        try:
            return self._run(plan, image, hole, guide, report)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            budget = plan.bytes_needed // 2
        gc.collect()
        print(
            f"inpaint-tf: memory ran out at about {in_mib(plan.bytes_needed)}; trying again within {in_mib(budget)}.",
            file=sys.stderr,
        )
        plan = self.plan(hole, budget)
        try:
            return self._run(plan, image, hole, guide, report)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"memory ran out twice on a photo of {hole.shape[1]}x{hole.shape[0]}, the second time within "
                f"{in_mib(budget)}: {ADVICE}."
            ) from None

    def _budget(self) -> int:
        if self.memory_budget is not None:
            return self.memory_budget
        on_gpu = free_gpu_memory()
        return int(self.tuning.free_memory_share * (free_memory() if on_gpu is None else on_gpu))

    def _run(
        self,
        plan: Plan,
        image: np.ndarray,
        hole: np.ndarray,
        guide: np.ndarray | None,
        report: Callable[[float], object] | None,
    ) -> dict[str, Any]:
        network, progress = self.model.network, _Progress(plan.macs, report)
        masks = {"hole": hole[..., np.newaxis].astype(np.float32)}
        if network.guided:
            masks["guide"] = np.zeros_like(masks["hole"]) if guide is None else guide
        images, maps, offsets = {PHOTO: image}, {}, {}
        for node in network:
            match node:
                case Attention():
                    attention = plan.attentions[node.name]
                    maps[node.name], offsets["offsets"] = self._run_attention(node, attention, maps[node.reads])
                    progress.add(attention.macs)
                case Stack():
                    source = self._source(node, images, masks, maps)
                    result = self._run_chain(plan.segments[node.name], source, progress)
                    if node.image is None:
                        maps[node.name] = result
                    else:
                        # Outside the hole a stage's image is the photo, so it is what the next stage sees.
                        images[node.name] = image.copy()
                        _fill(images[node.name], hole, result)
            for name in node.sources:
                if name in maps and _is_last_reader(network, node, name):
                    del maps[name]
        _, *stages = images.values()
        return {"coarse": stages[0], "refined": stages[-1], "plan": plan, **offsets}

    def _source(
        self, node: Stack, images: dict[str, np.ndarray], masks: dict[str, np.ndarray], maps: dict[str, FeatureMap]
    ) -> Callable[[Rect], list[tf.Tensor]]:
        """What gives the parts of any region of a stack's input, float32 [1, h, w, C] tensors; see `_beginning`."""
        if (view := self._view(node)) is not None:
            parts = [images[view.of], *(masks[name] for name in _masks_of(view))]
            return lambda rect: [as_tensor(part[rect.slices][np.newaxis]) for part in parts]
        read = [maps[name] for name in node.sources]
        return _tensors_of(read[0]) if len(read) == 1 else lambda rect: [joined(read, rect)]

    def _run_attention(
        self, node: Attention, plan: AttentionPlan, features: FeatureMap
    ) -> tuple[FeatureMap, np.ndarray]:
        """What an attention yields, and its offsets."""
        # The last reader takes the map, so that its memory is free before the tiles begin.
        is_last = _is_last_reader(self.model.network, node, node.reads)
        copied, rect, offsets = self._attentions[node.name](features.take if is_last else features.whole, plan)
        return FeatureMap(rect, copied), offsets

    def _run_chain(
        self, segments: Sequence[Segment], source: Callable[[Rect], list[tf.Tensor]], progress: "_Progress"
    ) -> FeatureMap:
        """The last segment's output; `source` gives the parts of regions of the first one's input."""
        result = None
        for segment in segments:
            graph, blocks = self._graph(segment), self._blocks(segment)
            result = None
            if len(segment.tiles) > 1:
                bounds = bounding_rect(painted((tile.output for tile in segment.tiles), segment.size_out))
                assert bounds is not None
                result = FeatureMap.empty(bounds, segment.channels_out)
            for tile in segment.tiles:
                output = graph(*source(tile.source), tf.constant(tile_layout(blocks, tile.regions), tf.int32))
                if result is None:
                    result = FeatureMap(tile.output, output)
                else:
                    result.write(tile.output, output)
                progress.add(segment.macs * tile.output.area / segment.area)
            assert result is not None
            source = _tensors_of(result)
        assert result is not None
        return result

    def _graph(self, segment: Segment) -> Callable[..., tf.Tensor]:
        key = segment.stack, segment.first, segment.last
        if key not in self._graphs:
            stack = self._stack(segment)
            blocks = self._blocks(segment)
            channels_in, begin = self._beginning(segment, blocks[0])
            end = stack.image if segment.last == len(stack.convs) else None
            self._graphs[key] = segment_graph(blocks, channels_in, begin, end)
        return self._graphs[key]

    def _blocks(self, segment: Segment) -> list[ConvBlock]:
        return getattr(self.model, segment.stack).blocks[segment.first : segment.last]

    def _stack(self, segment: Segment) -> Stack:
        node = self.model.network[segment.stack]
        assert isinstance(node, Stack)
        return node

    def _view(self, node: Stack) -> View | None:
        """The view that a stack reads; None if it reads feature maps."""
        read = self.model.network[node.sources[0]]
        return read if isinstance(read, View) else None

    def _beginning(self, segment: Segment, block: ConvBlock) -> tuple[tuple[int, ...], Callable[..., tf.Tensor]]:
        """Channels of the parts that a segment is given, and the function that makes its layers' input of them."""
        view = self._view(self._stack(segment))
        if segment.first or view is None:
            return (int(block.kernel.shape[2]),), lambda x: x
        masks = _masks_of(view)

        def begin(image: tf.Tensor, *parts: tf.Tensor) -> tf.Tensor:
            given = dict(zip(masks, parts))
            return self.model.view(view, image, given["hole"], given.get("guide"))

        return (3, *(1 for _ in masks)), begin


class _Progress:
    """Tells `report`, if it is given, which share of so many multiply-adds is done."""

    def __init__(self, macs: int, report: Callable[[float], object] | None):
        self._macs, self._report = macs, report
        self._done = 0.0

    def add(self, macs: float) -> None:
        self._done += macs
        if self._report is not None:
            self._report(min(1.0, self._done / self._macs))


def _tensors_of(feature_map: FeatureMap) -> Callable[[Rect], list[tf.Tensor]]:
    return lambda rect: [feature_map.tensor(rect)]


def _masks_of(view: View) -> tuple[str, ...]:
    """What a view is made of in addition to its image: the hole, and the guide if it shows it."""
    return ("hole", "guide") if "guide" in view.shows else ("hole",)


def _is_last_reader(network: Network, node: Node, name: str) -> bool:
    return network.readers(name)[-1] is node


def _fill(image: np.ndarray, hole: np.ndarray, result: FeatureMap) -> None:
    """Puts a stage's output into the hole of `image`, tile by tile as far as they were computed."""
    rect = result.rect
    np.copyto(image[rect.slices], result.read(rect), where=hole[rect.slices][..., np.newaxis])
