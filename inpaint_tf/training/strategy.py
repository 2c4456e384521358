"""Chooses what a run trains on: one device, several of one machine, or several machines."""

import json
import os
import re
import shutil
import subprocess

import tensorflow as tf

from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig

# Ports of SLURM's workers: below those that systems give to others.
FIRST_PORT, PORTS = 12000, 16000


def make_strategy(name: str) -> tf.distribute.Strategy:
    """A `tf.distribute` strategy. Call it before anything else touches TensorFlow: several workers meet here.

    Args:
        name: "one_device"; "mirrored": all GPUs of this machine; "multi_worker": the cluster that `TF_CONFIG` or
            SLURM describes; "auto": the last if there is a cluster of several tasks, else mirrored if there are several
            GPUs, else one device.

    Returns:
        The strategy.

    Raises:
        UserError: if the strategy needs what is not there.
    """
    tasks = _cluster_tasks()
    if name == "auto":
        gpus = len(tf.config.list_physical_devices("GPU")) if tasks < 2 else 0
        name = "multi_worker" if tasks > 1 else "mirrored" if gpus > 1 else "one_device"
    if name == "multi_worker":
        if tasks == 0:
            raise UserError(
                "--strategy=multi_worker needs a cluster: set TF_CONFIG for every worker, or use srun (SLURM)."
            )
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=_resolver())
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def set_arithmetic(config: TrainingConfig) -> None:
    """Switches TF32 and deterministic operations on or off for this process, as the configuration says."""
    tf.config.experimental.enable_tensor_float_32_execution(config.precision == "tf32")
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes checkpoints and logs: always, but for all workers of a cluster except the first."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or (resolver.task_type, resolver.task_id) in _firsts(resolver)


def is_cluster(strategy: tf.distribute.Strategy) -> bool:
    """Whether several processes train together."""
    return strategy.extended._in_multi_worker_mode()  # noqa: SLF001 - there is no public way to ask.


def check_devices(config: TrainingConfig, strategy: tf.distribute.Strategy) -> None:
    """Raises UserError unless the batch can be cut evenly and the devices can compute in the precision."""
    if config.precision == "mixed_float16" and not config.jit_compile and not tf.config.list_physical_devices("GPU"):
        raise UserError(
            "--precision=mixed_float16 needs a GPU or --jit_compile: TensorFlow has no float16 gradient of dilated "
            "convolutions on CPUs. Use mixed_bfloat16 or float32."
        )
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % (replicas * config.accumulate):
        raise UserError(
            f"--batch_size={config.batch_size} must be a multiple of replicas x --accumulate = "
            f"{replicas} x {config.accumulate}."
        )


def _cluster_tasks():
    """Number of workers that TF_CONFIG or SLURM describe; 0 if neither does."""
    if os.environ.get("TF_CONFIG"):
        try:
            cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]
            return sum(len(addresses) for addresses in cluster.values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"TF_CONFIG is no JSON with a cluster: {os.environ['TF_CONFIG']}") from error
    if "SLURM_PROCID" in os.environ and int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        return int(os.environ["SLURM_STEP_NUM_TASKS"])
    return 0


def _resolver():
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    return _slurm_resolver(int(os.environ["SLURM_STEP_NUM_TASKS"]))


def _slurm_resolver(tasks):
    """TensorFlow's resolver for `srun`, told what it would get wrong.

    It counts GPUs with nvidia-smi and deals them out evenly. With fewer GPUs than tasks of a node (none at all, or
    SLURM has dealt them out already, with --gpus-per-task) it fails, so it is then told to leave them alone.
    """
    # Two jobs on one node must not meet at one port.
    port = FIRST_PORT + int(os.environ.get("SLURM_JOB_ID", "0")) % PORTS
    try:
        on_a_node = max(map(int, re.findall(r"(?:^|,)(\d+)", os.environ["SLURM_STEP_TASKS_PER_NODE"])))
        dealt = {} if _visible_gpus() >= on_a_node else {"gpus_per_node": tasks, "gpus_per_task": 1}
        return tf.distribute.cluster_resolver.SlurmClusterResolver(port_base=port, auto_set_gpu=not dealt, **dealt)
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(
            f"the SLURM environment describes no cluster ({error}): start with srun, or set TF_CONFIG."
        ) from error


def _visible_gpus():
    """GPUs that this process may use, without TensorFlow, which would take them all at once."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return len([number for number in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if number.strip()])
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def _firsts(resolver):
    """The (type, number) of the task that counts as the first: the chief if there is one, else worker 0."""
    jobs = resolver.cluster_spec().jobs
    return {("chief", 0)} if "chief" in jobs else {("worker", 0)}
