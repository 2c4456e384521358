"""The loop: critic steps, a generator step, and now and then a look at the clock, the losses and the pictures.

Between two log points nothing waits for the device: loss terms stay where they are and are fetched together.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.data.pipeline import PhotoLoader, batch_names, distributed_batches
from inpaint_tf.errors import UserError
from inpaint_tf.models.presets import read_config, save_preset
from inpaint_tf.progress import duration
from inpaint_tf.training.checkpoints import Checkpoints
from inpaint_tf.training.configuration import TrainingConfig
from inpaint_tf.training.divergence import bad_terms, diverged
from inpaint_tf.training.initial_weights import take_initial_weights
from inpaint_tf.training.monitor import Monitor, encode_png
from inpaint_tf.training.optimizers import learning_rate
from inpaint_tf.training.recipes import recipe_for
from inpaint_tf.training.run_folder import RunFolder
from inpaint_tf.training.state import TrainingState
from inpaint_tf.training.steps import Steps
from inpaint_tf.training.strategy import check_devices, is_chief, is_cluster
from inpaint_tf.training.summaries import EventWriter
from inpaint_tf.visualize.curves import draw_runs
from inpaint_tf.visualize.plots import can_draw

# A share of time spent waiting for photos that is worth mentioning.
DATA_BOUND = 0.1
# Of a metrics record, what is no curve.
NO_CURVE = ("step", "phase", "data_share", "images_per_second")
# Loss terms on the progress line.
SHOWN = ("critic_loss", "generator_loss", "l1", "known")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: Generator steps done.
        finished: Whether that is all of them; if not, somebody asked it to stop.
        resume_command: The command that resumes it.
    """

    step: int
    finished: bool
    resume_command: str


class Trainer:
    """A training run, from its data to finished weights.

    Args:
        config: The `TrainingConfig`.
        source: The usable photos, see `data.sources`.
        fingerprint: Of the data, see `RunFolder`.
        strategy: The `tf.distribute` strategy.
        say: Called with every line for people.

    Attributes:
        stop: Set it to True to end after the current step, saved.
        state: The `TrainingState`.

    Raises:
        UserError: see `RunFolder`, `Checkpoints`, `recipe_for`, `check_devices`.
    """

    def __init__(
        self,
        config: TrainingConfig,
        source: Any,
        fingerprint: str,
        strategy: tf.distribute.Strategy,
        say: Callable[[str], None] = print,
    ) -> None:
        self.config, self.strategy, self.say = config, strategy, say
        self.stop = False
        self.recipe = recipe_for(config.model)
        check_devices(config, strategy)
        self.recipe.prepare(config)
        self.chief = is_chief(strategy)
        self.folder = RunFolder(config, fingerprint, writes=self.chief)
        self.state = TrainingState(config, self.recipe, strategy)
        self.steps = Steps(config, self.recipe, self.state, strategy)
        self.checkpoints = Checkpoints(
            self.folder.path / "checkpoints", self.state, config.keep_checkpoints, writes=self.chief
        )
        if self.checkpoints.restore(report=say):
            say(f"resumes after step {self.state.counters.step}")
        elif config.initial_preset:
            take_initial_weights(self.state, config)
        self.folder.forget_after(self.state.counters.step)
        self.loader = PhotoLoader(source, config)
        self.monitor = Monitor(config, self.state, self._sample_photos(source)) if self.chief else None
        self.events = EventWriter(self.folder.path if self.chief else None, resumed_after=self.checkpoints.last_saved)
        # Terms still on the device, with their step and the number of their batch; and fetched ones that no log line
        # has averaged yet: (step, name -> value).
        self._pending, self._window = [], []
        self._told_failures = 0
        self._restart_clock()

    def run(self) -> Outcome:
        """Trains until `max_steps` or `stop`.

        Returns:
            An `Outcome`.

        Raises:
            Diverged: naming the step, the offending terms and the last good checkpoint.
            UserError: if something cannot be written.
        """
        config, counters = self.config, self.state.counters
        photos = distributed_batches(self.loader, config, counters.batches, self.strategy)
        self._catch_up()
        first = counters.step
        while counters.step < config.max_steps and not self._asked_to_stop():
            phase = self._iterate(photos)
            if counters.step == first + 1:
                self._restart_clock()  # The first step traced and compiled.
            self._look_and_save(phase)
        self._flush(None)
        self._save()
        self.events.close()
        self.folder.close()
        return Outcome(counters.step, counters.step >= config.max_steps, self.folder.resume_command)

    def _iterate(self, photos):
        counters = self.state.counters
        phase = self.recipe.phase(self.config, counters.step)
        for _ in range(phase.critic_steps):
            batch = counters.batches
            self._pending.append((counters.step + 1, batch, self.steps.critic(self._next(photos))))
        if phase.generator_moves:
            batch = counters.batches
            self._pending.append((counters.step + 1, batch, self.steps.generator(self._next(photos), phase.name)))
        counters.step += 1
        return phase

    def _next(self, photos):
        started = time.perf_counter()
        batch = next(photos)
        self._waited += time.perf_counter() - started
        self._batches += 1
        return batch

    def _look_and_save(self, phase):
        config = self.config
        if self._due(config.log_every):
            self._flush(phase)
        if self._due(config.checkpoint_every):
            self._flush(None)
            self._save()
        if self.monitor is not None and self._due(config.sample_every):
            self._draw_samples()
        if self.monitor is not None and config.validation_images and self._due(config.validate_every):
            self._validate()

    def _flush(self, phase):
        """Fetches the pending loss terms, checks them and, with a phase, logs their means."""
        for step, batch, terms in self._pending:
            fetched = {name: float(value) for name, value in terms.items()}
            self._check(step, batch, fetched)
            self._window.append((step, fetched))
        self._pending = []
        if phase is None or not self._window:
            return
        values = {}
        for _, terms in self._window:
            for name, value in terms.items():
                values.setdefault(name, []).append(value)
        means = {name: float(np.mean(value)) for name, value in values.items()}
        self._window = []
        elapsed = max(time.perf_counter() - self._since, 1e-9)
        speed, share = self._batches * self.config.batch_size / elapsed, self._waited / elapsed
        self._restart_clock()
        self._report(phase, means, speed, share)

    def _report(self, phase, means, speed, share):
        config, step = self.config, self.state.counters.step
        rate = learning_rate(config, step - 1)
        record = {"step": step, "phase": phase.name, "learning_rate": rate, "data_share": round(share, 4)}
        # Without a second step there is no speed: the first one traced and compiled.
        if speed > 0:
            record["images_per_second"] = round(speed, 3)
        self.folder.log({**record, **means})
        numbers = {name: value for name, value in record.items() if isinstance(value, int | float) and name != "step"}
        self.events.scalars(
            {**{f"loss/{n}": v for n, v in means.items()}, **{f"run/{n}": v for n, v in numbers.items()}}, step
        )
        remaining = (config.max_steps - step) * (phase.critic_steps + phase.generator_moves) * config.batch_size
        parts = [f"step {step}/{config.max_steps}", phase.name]
        if speed > 0:
            parts += [f"{speed:.2f} images/s", f"{duration(remaining / speed)} left"]
        parts += [f"{name} {means[name]:.4f}" for name in SHOWN if name in means]
        if share > DATA_BOUND:
            parts.append(f"waits {share:.0%} of the time for photos")
        if self.chief:
            self.say("  ".join(parts))
        self._tell_failures()

    def _tell_failures(self):
        failures = self.loader.failures
        if len(failures) > self._told_failures:
            name, reason = list(failures.items())[-1]
            self.say(f"{len(failures)} photos were replaced by others, last {name}: {reason}")
            self._told_failures = len(failures)

    def _check(self, step, batch, terms):
        limit = self.config.loss_limit
        if bad := bad_terms(terms, limit, scaled=self.state.loss_scale is not None):
            photos = batch_names(self.loader, self.config, batch)
            raise diverged(step, bad, limit, photos, self.checkpoints.last_saved, self.checkpoints.folder)

    def _save(self):
        started = time.perf_counter()
        step = self.state.counters.step
        if step == 0:
            return
        self.checkpoints.save()
        if self.chief and not self._preset_is_current():
            self.folder.replace_folder("preset", self._write_preset)
        self._since += time.perf_counter() - started

    def _write_preset(self, path):
        save_preset(
            path,
            self.state.generator,
            self.config.model,
            {"width": self.config.width},
            "RGB",
            source=self._preset_source(),
            weights=self.state.exported_weights(),
            trained_on={"image": self.config.image_size, "hole": self.config.box_size},
        )

    def _preset_source(self):
        return f"inpaint-tf train, step {self.state.counters.step} of run {self.folder.path.name}"

    def _preset_is_current(self):
        """Whether the preset is whole and of this step; after a kill between checkpoint and preset it is not."""
        try:
            return read_config(self.folder.path / "preset").source == self._preset_source()
        except UserError:
            return False

    def _catch_up(self):
        """Draws and measures what a kill after a checkpoint kept from being drawn and measured at its step."""
        config, step = self.config, self.state.counters.step
        if self.monitor is None or step == 0:
            return
        if self._due(config.sample_every) and not self._sample_file().exists():
            self._draw_samples()
        if config.validation_images and self._due(config.validate_every):
            records = [record for record in self.folder.records() if record["step"] == step]
            if not any("/" in name for record in records for name in record):
                self._validate()

    def _due(self, every):
        """Whether something that happens every so many steps, and after the last one, happens now."""
        step = self.state.counters.step
        return every > 0 and (step == self.config.max_steps or step % every == 0)

    def _sample_file(self):
        return self.folder.path / "samples" / f"step_{self.state.counters.step:08d}.png"

    def _draw_samples(self):
        started = time.perf_counter()
        step = self.state.counters.step
        assert self.monitor is not None  # It is the chief's, who alone draws and measures.
        picture = self.monitor.grid()
        encoded = encode_png(picture)
        self.folder.write(f"samples/{self._sample_file().name}", encoded)
        height, width = picture.shape[:2]
        self.events.picture("samples", encoded, height, width, step)
        self._draw_curves()
        self._since += time.perf_counter() - started

    def _draw_curves(self):
        if not can_draw():
            return
        records = self.folder.records()
        terms = dict.fromkeys(name for record in records for name in record if name not in NO_CURVE)
        picture = draw_runs({"run": records}, terms)
        if picture is not None:
            self.folder.write("curves.png", encode_png(picture))

    def _validate(self):
        started = time.perf_counter()
        step = self.state.counters.step
        assert self.monitor is not None
        found = self.monitor.measure()
        self.folder.log({"step": step, **found})
        self.events.scalars(found, step)
        self.say(f"step {step}  " + "  ".join(f"{name} {value:.4g}" for name, value in found.items()))
        self._since += time.perf_counter() - started

    def _sample_photos(self, source):
        """The photos of the sample grid: the first positions of the stream of another seed, always the same."""
        loader = PhotoLoader(source, dataclasses.replace(self.config, flip=False, colour_jitter=0.0))
        count = min(self.config.sample_images, len(source))
        return [loader(2**40 + index, index * len(source) // count) for index in range(count)]

    def _restart_clock(self):
        self._waited, self._batches, self._since = 0.0, 0, time.perf_counter()

    def _asked_to_stop(self):
        """Whether to stop; workers of a cluster ask each other, but only at log points."""
        if not is_cluster(self.strategy):
            return self.stop
        if self.state.counters.step % self.config.log_every:
            return False
        return int(self._count_stops(tf.constant(int(self.stop)))) > 0

    def _count_stops(self, asked):
        total = self.strategy.run(
            lambda flag: tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, flag), args=(asked,)
        )
        return self.strategy.experimental_local_results(total)[0]
