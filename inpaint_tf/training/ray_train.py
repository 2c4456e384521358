"""Training on a Ray cluster: Ray Train starts the workers and sets TF_CONFIG for each, our loop does the rest.

Everything else is as with `TF_CONFIG` by hand: the run's folder must be on a disk that all workers see, the batch is
shared out among them, and a lost worker ends the run, which resumes from its last checkpoint.
"""

import dataclasses
import importlib
import logging
from typing import Any

from inpaint_tf.errors import UserError
from inpaint_tf.training.configuration import TrainingConfig


def train_on_ray(config: TrainingConfig, workers: int, gpus: bool) -> None:
    """Trains with several workers of a Ray cluster.

    Args:
        config: The run; its `strategy` becomes "multi_worker" for more than one worker.
        workers: Their number; it must divide the batch.
        gpus: Whether each worker takes a GPU.

    Raises:
        UserError: if Ray is not installed, or a worker fails; the message has the worker's own last line.
    """
    try:
        ray, train = importlib.import_module("ray"), importlib.import_module("ray.train")
        tensorflow = importlib.import_module("ray.train.tensorflow")
    except ImportError:
        raise UserError('--engine=ray needs Ray: pip install "inpaint_tf[ray]" on every machine.') from None
    settings = {**dataclasses.asdict(config), "strategy": "multi_worker" if workers > 1 else config.strategy}
    ray.init(ignore_reinit_error=True, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    trainer = tensorflow.TensorflowTrainer(
        _worker,
        train_loop_config=settings,
        scaling_config=train.ScalingConfig(num_workers=workers, use_gpu=gpus),
        run_config=train.RunConfig(name="inpaint_tf"),
    )
    try:
        trainer.fit()
    except Exception as error:
        raise UserError(f"a worker of the Ray cluster failed: {_last_line(error)}") from error


def _worker(settings: dict[str, Any]) -> None:
    from inpaint_tf.training.loop import Trainer
    from inpaint_tf.training.prepare import prepare_photos, remember_report
    from inpaint_tf.training.strategy import make_strategy, set_arithmetic

    config = TrainingConfig(**settings)
    set_arithmetic(config)
    strategy = make_strategy(config.strategy)
    source, fingerprint, report = prepare_photos(config, say=_say)
    trainer = Trainer(config, source, fingerprint, strategy, say=_say)
    if trainer.chief:
        remember_report(config, fingerprint, report)
    importlib.import_module("ray.train").report({"step": trainer.run().step})


def _say(line: str) -> None:
    print(line, flush=True)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
