"""What TF_CONFIG and SLURM say is understood before anything meets."""

import pytest
import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.strategy import FIRST_PORT, _resolver, make_strategy, set_arithmetic

SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NODELIST": "n[01-02]",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
}


@pytest.fixture
def environment(monkeypatch):
    """Function: SLURM's variables and changes to them (None removes one) into the environment."""
    for name in ("TF_CONFIG", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)

    def change(**changes):
        for name, value in {**SLURM, **changes}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)

    return change


@pytest.mark.parametrize("visible, left", [("", ""), ("5", "5"), ("0,1,2,3", "0,1")])
def test_slurms_tasks_and_gpus(visible, left, environment):
    """No GPU, one that SLURM dealt to each task, or four to deal out to the two tasks of a node."""
    import os

    environment(CUDA_VISIBLE_DEVICES=visible)
    resolver = _resolver()
    port = FIRST_PORT + 7
    workers = [f"n{node}:{port + offset}" for node in ("01", "02") for offset in (0, 1)]
    assert resolver.cluster_spec().as_dict() == {"worker": workers}
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == left


def test_gpus_are_counted_by_nvidia_smi(environment, monkeypatch, tmp_path):
    import os

    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A'\necho 'GPU 1: B'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    environment(SLURM_PROCID="1")
    _resolver().cluster_spec()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    "changes", [{"SLURM_STEP_NODELIST": None}, {"SLURM_STEP_TASKS_PER_NODE": None}, {"SLURM_STEP_NODELIST": "n[1"}]
)
def test_what_is_no_cluster_is_said_in_a_line(changes, environment):
    environment(**changes)
    with pytest.raises(UserError, match="the SLURM environment describes no cluster .*: start with srun"):
        make_strategy("multi_worker")


def test_several_workers_need_a_cluster(environment):
    environment(**dict.fromkeys(SLURM))
    with pytest.raises(UserError, match="needs a cluster: set TF_CONFIG"):
        make_strategy("multi_worker")


@pytest.mark.parametrize(("precision", "switched_on"), [("tf32", True), ("float32", False)])
def test_tf32_is_on_only_if_it_was_asked_for(precision, switched_on):
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    try:
        tf.config.experimental.enable_tensor_float_32_execution(not switched_on)
        set_arithmetic(TrainingConfig(precision=precision))
        assert tf.config.experimental.tensor_float_32_execution_enabled() == switched_on
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
