"""Rows: what is kept, what is computed again, and what a failure does."""

import json

import numpy as np
import pytest

from inpaint_tf.evaluation.method import Completion, Method
from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource, prepare
from inpaint_tf.evaluation.runner import folder_name, run_method
from inpaint_tf.masks.manifest import write_mask_set


class Counter:
    """A method that counts its calls and fails on the second image it sees, if asked."""

    def __init__(self, fail=(), value=7):
        self.calls, self.fail, self.value = 0, fail, value

    def __call__(self, image, hole):
        self.calls += 1
        if self.calls in self.fail:
            raise RuntimeError("no luck\nat all")
        completed = image.copy()
        completed[hole] = self.value
        return Completion(completed)


@pytest.fixture
def scene(photos, tmp_path):
    manifest, holes = prepare(PROTOCOLS["center128"], ImageSource(photos))
    write_mask_set(tmp_path / "out", manifest, holes)

    def run(function, fingerprint="1", warm_up=False):
        method = Method("count", fingerprint, function, warm_up)
        return run_method(method, manifest, ImageSource(photos), tmp_path / "out", tmp_path / "out")

    return run


def test_a_second_run_computes_nothing(scene):
    counter = Counter()
    first = scene(counter)
    again = scene(counter)
    assert counter.calls == first.computed == 3 and again.computed == 0
    assert again.rows == first.rows
    assert all(row.terms["l1/hole/absolute"][1] == 128 * 128 * 3 for row in again.rows)


def test_a_broken_run_goes_on_where_it_was(scene):
    counter = Counter()
    first = scene(counter)
    (first.folder / "00001.json").unlink()
    (first.folder / "00002.json").write_text("{half")
    again = scene(counter)
    assert again.computed == 2 and [row.terms for row in again.rows] == [row.terms for row in first.rows]


def test_interrupting_keeps_what_is_done(scene):
    calls = []

    def interrupted(image, hole):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return Completion(image)

    with pytest.raises(KeyboardInterrupt):
        scene(interrupted)
    assert scene(Counter()).computed == 2


def test_another_version_of_the_method_is_computed_anew(scene):
    scene(Counter(value=7))
    other = scene(Counter(value=9), fingerprint="2")
    assert other.computed == 3
    assert json.loads((other.folder / "method.json").read_text())["fingerprint"] == "2"


def test_a_failure_leaves_the_others_alone_and_is_tried_again(scene):
    first = scene(Counter(fail=(2,)))
    assert [row.error for row in first.rows] == [None, "RuntimeError: no luck at all", None]
    assert len(first.failed) == 1 and first.rows[1].terms is None
    again = scene(Counter())
    assert again.computed == 1 and not again.failed


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda image, hole: Completion(np.zeros_like(image)), "changed known pixels"),
        (lambda image, hole: Completion(image[:-1]), "input's size"),
        (lambda image, hole: Completion(image / 255), "input's size"),
    ],
)
def test_what_is_no_completion_is_a_failure(scene, function, said):
    assert all(said in row.error for row in scene(function).rows)


def test_the_first_call_of_a_model_is_not_timed(scene):
    counter = Counter()
    assert scene(counter, warm_up=True).computed == 3 and counter.calls == 4


def test_attention_flow_is_kept(scene):
    offsets = np.zeros((32, 32, 2), np.int32)
    run = scene(lambda image, hole: Completion(image, offsets))
    assert run.flow(0).exists() and run.picture(0).exists()


def test_methods_do_not_share_a_folder():
    assert folder_name("telea") == "telea"
    assert len({folder_name(name) for name in ("preset:a/b", "preset:a_b", "preset_a_b")}) == 3
