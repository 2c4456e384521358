"""Trains a generator with its critics; the same command again resumes where it stopped.

  inpaint-tf train --flagfile=flags/places2_256.flags --train_data=places2.txt --run_dir=runs/places2
  inpaint-tf train --flagfile=runs/places2/flags.txt                         (resumes)
  inpaint-tf train --flagfile=flags/cpu_small.flags --train_data=photos/ --run_dir=runs/small --dry_run

The run's folder gets the configuration, metrics.jsonl, TensorBoard events, sample grids, checkpoints and, with every
checkpoint, the generator as a preset for `inpaint-tf inpaint --preset=RUN/preset`. SIGINT and SIGTERM finish the step,
save and exit with 0.

Exit codes: 0 done or stopped and saved, 1 diverged or a worker was lost, 2 bad input or usage.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import sys
from typing import Any, cast

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag
from inpaint_tf.devices import use_device
from inpaint_tf.errors import OutOfMemory, UserError, printable
from inpaint_tf.machine_memory import ran_out_of_memory
from inpaint_tf.training.configuration import TrainingConfig, help_text

SUMMARY = "train a generator, or resume a run"


def define_flags(values: flags.FlagValues) -> None:
    for field in dataclasses.fields(TrainingConfig):
        define_option(field, values)
    define_device_flag(values)
    flags.DEFINE_enum(
        "engine",
        "local",
        ["local", "ray"],
        "Who starts the workers: you (one process, TF_CONFIG or SLURM), or a Ray cluster (RAY_ADDRESS).",
        flag_values=values,
    )
    flags.DEFINE_integer("ray_workers", 1, "Workers of --engine=ray.", lower_bound=1, flag_values=values)
    flags.DEFINE_boolean(
        "dry_run", False, "Print configuration, parameters and memory estimate; train nothing.", flag_values=values
    )


def define_option(field: dataclasses.Field, values: flags.FlagValues) -> None:
    """Defines the flag of one field of `TrainingConfig`."""
    text, default = help_text(field), cast(Any, field.default)
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if choices is not None:
        flags.DEFINE_enum(field.name, default, choices, text, flag_values=values)
    elif field.type is bool:
        flags.DEFINE_boolean(field.name, default, text, flag_values=values)
    elif field.type is str:
        flags.DEFINE_string(field.name, default, text, flag_values=values)
    else:
        define = flags.DEFINE_integer if field.type is int else flags.DEFINE_float
        define(field.name, default, text, lower_bound=low, upper_bound=high, flag_values=values)


def configuration(options: flags.FlagValues) -> TrainingConfig:
    """The `TrainingConfig` that the flags say. Raises UserError."""
    given: dict[str, Any] = {field.name: options[field.name].value for field in dataclasses.fields(TrainingConfig)}
    return TrainingConfig(**given)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"train takes flags only; got {' '.join(arguments)}.")
    config = configuration(options)
    if options.engine == "ray" and not options.dry_run:
        from inpaint_tf.training.ray_train import train_on_ray

        _say(f"{options.ray_workers} workers of a Ray cluster; progress: {config.run_dir}/metrics.jsonl")
        train_on_ray(config, options.ray_workers, options.device.startswith("gpu"))
        _say(f"done: {config.max_steps} steps; preset {config.run_dir}/preset")
        return 0
    use_device(options.device)
    if options.dry_run:
        return _describe(config)
    import tensorflow as tf

    from inpaint_tf.training.strategy import is_cluster, make_strategy, set_arithmetic

    set_arithmetic(config)
    strategy = make_strategy(config.strategy)
    try:
        return _train(config, strategy)
    except Exception as error:
        if ran_out_of_memory(error):
            raise _out_of_memory(config) from error
        if not is_cluster(strategy) or not isinstance(error, tf.errors.OpError):
            raise
        print(
            f"inpaint-tf: another worker was lost ({type(error).__name__}). Start the same command on every worker "
            "again; the run resumes from the last checkpoint.",
            file=sys.stderr,
        )
        # The runtime would wait for the lost worker when it shuts down in order.
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(1)


def _out_of_memory(config):
    from inpaint_tf.training.checkpoints import whole_checkpoints

    steps = whole_checkpoints(pathlib.Path(config.run_dir) / "checkpoints")
    saved = f"the checkpoint of step {steps[-1]} is whole" if steps else "nothing was saved yet"
    smaller = [f"a smaller --batch_size (now {config.batch_size}) or --image_size (now {config.image_size})"]
    if config.precision in ("float32", "tf32"):
        smaller.append("--precision=mixed_bfloat16")
    return OutOfMemory(
        f"memory ran out in training; {saved}. Close other programs, or start again with {' or '.join(smaller)}; "
        "--dry_run estimates what a configuration takes."
    )


def _train(config, strategy):
    from inpaint_tf.training.divergence import Diverged
    from inpaint_tf.training.loop import Trainer
    from inpaint_tf.training.prepare import prepare_photos, remember_report

    source, fingerprint, report = prepare_photos(config, say=_say)
    trainer = Trainer(config, source, fingerprint, strategy, say=_say)
    if trainer.chief:
        remember_report(config, fingerprint, report)

    try:
        with stopping_on_signals(trainer):
            outcome = trainer.run()
    except Diverged as error:
        print(f"inpaint-tf: {printable(error)}", file=sys.stderr)
        return 1
    if outcome.finished:
        _say(f"done: {outcome.step} steps; preset {trainer.folder.path / 'preset'}")
    else:
        _say(f"stopped and saved after step {outcome.step}; resume with: {outcome.resume_command}")
    return 0


@contextlib.contextmanager
def stopping_on_signals(trainer):
    """In its context, SIGINT and SIGTERM make the trainer finish its step and save; a second one ends the process.

    At once, without an exception, which would come out of whatever runs just then. What that leaves half-written is
    under a hidden name and swept by the next start.
    """

    def ask_to_stop(number, _):
        if trainer.stop:
            os.write(sys.stderr.fileno(), b"inpaint-tf: stopped at once; the last checkpoint is whole.\n")
            os._exit(128 + number)
        trainer.stop = True
        line = f"{signal.Signals(number).name}: finishes the step and saves; once more stops at once\n"
        # Not by `print`, in the middle of which the signal may have come; Python refuses a second one inside.
        os.write(sys.stdout.fileno(), line.encode())

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _describe(config):
    from inpaint_tf.training.estimate import describe

    print(json.dumps(config.to_dict(), indent=2))
    for line in describe(config):
        print(line)
    return 0


def _say(line):
    print(printable(line), flush=True)
