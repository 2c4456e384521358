"""Trains with the programs of `export_program.py`. Needs JAX, OpenCV and NumPy, neither TensorFlow nor inpaint_tf.

    python train_programs.py --programs=FOLDER --data=FOLDER --output=FOLDER [--photos=elementary,deepin] [--seed=17] \
        [--side_by_side] NAME:SECONDS:RATE:FINAL_RATE[:STEPS] ...

Stages run one after the other and hand on every array of the state that the next one has too; SECONDS bounds the time
of a stage, compilation left out, and STEPS (0: as many as fit) its steps. The learning rate rises over the first 50
steps and falls linearly to FINAL_RATE over the stage. The averaged weights are saved as float16 every quarter of a
stage (OUTPUT/STAGE_NAME_QUARTER.npz), the losses as JSON lines.

With --side_by_side every program starts from its own first weights and all get the same photos, holes and number of
steps: as many as fit into the first one's SECONDS.
"""

import argparse
import fcntl
import json
import pathlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import jax
import numpy as np
from jax import export

WARM_UP, LOG_EVERY = 50, 50


class Photos:
    """Photos and holes in memory, and batches of them from threads."""

    def __init__(self, folder, prefixes, size, guided):
        self.size, self.photos, self.edges = size, [], None
        named_edges = dict(np.load(folder / "edges.npz")) if guided else {}
        edges = []
        encoded = []
        for path in sorted(folder.glob("photos_*.npz")):
            part = np.load(path)
            ends = np.cumsum(part["lengths"])
            content = part["bytes"]
            for name, begin, end in zip(part["names"], ends - part["lengths"], ends):
                if prefixes and not str(name).startswith(tuple(prefixes)):
                    continue
                encoded.append((str(name), content[begin:end]))
        encoded.sort(key=lambda pair: pair[0])

        def decode(pair):
            return cv2.cvtColor(cv2.imdecode(pair[1], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

        with ThreadPoolExecutor(12) as pool:
            self.photos = list(pool.map(decode, encoded))
        if guided:
            for (name, _), photo in zip(encoded, self.photos):
                raw = named_edges[name]
                height, width = raw[:8].view(np.int32)
                edges.append(np.unpackbits(raw[8:])[: height * width].reshape(height, width))
                assert edges[-1].shape == photo.shape[:2]
            self.edges = edges
        if not self.photos:
            raise SystemExit(f"no photos in {folder}" + (f" named {', '.join(prefixes)}*." if prefixes else "."))
        holes = np.load(folder / "holes.npz")
        self.bits, self.corners = holes["bits"], holes["corners"]

    def batch(self, number, count, seed):
        """Name -> array: a function of the batch's number and the seed alone."""
        rng = np.random.default_rng([seed, number])
        size = self.size
        photos = np.empty((count, size, size, 3), np.uint8)
        guides = np.empty((count, size, size, 1), np.uint8)
        positions = number * count + np.arange(count)
        orders = {}
        for row, position in enumerate(positions):
            epoch, place = divmod(int(position), len(self.photos))
            if epoch not in orders:
                orders[epoch] = np.random.default_rng([seed, 7, epoch]).permutation(len(self.photos))
            index = orders[epoch][place]
            photo = self.photos[index]
            top, left = (int(rng.integers(0, side - size + 1)) for side in photo.shape[:2])
            flip = -1 if rng.random() < 0.5 else 1
            photos[row] = photo[top : top + size, left : left + size][:, ::flip]
            if self.edges is not None:
                guides[row, ..., 0] = self.edges[index][top : top + size, left : left + size][:, ::flip]
        chosen = rng.integers(0, len(self.bits), count)
        holes = np.unpackbits(self.bits[chosen], axis=1).reshape(count, size, size, 1)
        alphas = rng.random((count, 2)).astype(np.float32)
        return {"photos": photos, "holes": holes, "corners": self.corners[chosen], "alphas": alphas, "guides": guides}


def batches(photos, count, seed, first, workers=6):
    """The batches in order, made ahead by threads."""
    ahead = 24
    slots = {}
    lock = threading.Condition()
    state = {"next": first, "taken": first}

    def work():
        while True:
            with lock:
                while state["next"] >= state["taken"] + ahead:
                    lock.wait()
                number = state["next"]
                state["next"] += 1
            try:
                made = photos.batch(number, count, seed)
            except Exception as error:  # Whatever it is, the one who waits has to hear of it.
                made = error
            with lock:
                slots[number] = made
                lock.notify_all()

    for _ in range(workers):
        threading.Thread(target=work, daemon=True).start()
    while True:
        with lock:
            while state["taken"] not in slots:
                lock.wait()
            made = slots.pop(state["taken"])
            state["taken"] += 1
            lock.notify_all()
        if isinstance(made, Exception):
            raise made
        yield made


class Program:
    """A step, compiled for this machine's device."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.about = json.loads((folder / f"{name}.json").read_text())
        self.names = list(self.about["arguments"])
        self.state_names = self.about["state"]
        self.config = self.about["config"]

    def compile(self):
        started = time.time()
        exported = export.deserialize(bytearray((self.folder / f"{self.name}.program").read_bytes()))
        moved = tuple(i for i, n in enumerate(self.names) if n in set(self.state_names))
        specs = [jax.ShapeDtypeStruct(tuple(shape), kind) for shape, kind in self.about["arguments"].values()]
        self.compiled = jax.jit(exported.call, donate_argnums=moved).lower(*specs).compile()
        return time.time() - started

    def __call__(self, values):
        found = self.compiled(*(values[name] for name in self.names))
        return dict(zip(self.about["results"], found))

    def first_state(self, before, seed):
        """The state to start from: what `before` has of the same shape, else the stored weights; critics at random."""
        rng = np.random.default_rng(seed)
        stored = self.folder / f"{self.name}.npz"
        stored = dict(np.load(stored)) if stored.exists() else {}
        if "generator" in stored:
            stored["averages"] = stored["generator"]
        state = {}
        for name in self.state_names:
            shape, kind = self.about["arguments"][name]
            if name in before and list(before[name].shape) == shape:
                state[name] = before[name]
                continue
            source = stored.get(name)
            if name == "critic":
                source = np.concatenate([_fresh(n, s, rng).ravel() for n, s in self.about["layout"]["critic"]])
            elif source is None and name.endswith("/u"):
                source = rng.normal(0, 1, shape)
            state[name] = jax.device_put(np.zeros(shape, kind) if source is None else np.asarray(source).astype(kind))
        return state


def _fresh(name, shape, rng):
    """Glorot's uniform kernels, no bias."""
    if not name.endswith("kernel"):
        return np.zeros(shape)
    limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape)


class Run:
    """Stages on one stream of photos.

    Args:
        program_folder: Of `export_program.py`.
        photos: `Photos`.
        output: Folder.
        seed: Of order, crops and holes.
        log: File for JSON lines.
    """

    def __init__(self, program_folder, photos, output, seed, log):
        self.photos, self.output, self.seed, self.log = photos, output, seed, log
        self.frozen = {}
        if (program_folder / "frozen.npz").exists():
            self.frozen = {f"frozen:{n}": jax.device_put(v) for n, v in np.load(program_folder / "frozen.npz").items()}
        self.stream = None
        self.update = 0
        self.state = {}

    def stage(self, program, label, *, seconds, steps, rate, final_rate, snapshots):
        """Trains until `seconds` have passed or `steps` are done; returns the seconds that a step took."""
        count, ema = program.config["batch_size"], program.config["ema_decay"]
        self.state = program.first_state(self.state, self.seed)
        if self.stream is None:
            self.stream = batches(self.photos, count, self.seed, 0)
        begun, step, kept, pending, waited = time.time(), 0, 0, [], 0.0
        while True:
            elapsed = time.time() - begun
            share = step / steps if steps else elapsed / seconds
            if share >= 1 or elapsed >= seconds:
                break
            self.update += 1
            values = {
                **self.state,
                **self.frozen,
                "update": np.float32(self.update),
                "rate": np.float32(min(1.0, (step + 1) / WARM_UP) * (rate + (final_rate - rate) * share)),
                "decay": np.float32(min(ema, (1 + step) / (10 + step))),
            }
            waiting = time.time()
            values |= next(self.stream)
            waited += time.time() - waiting
            found = program(values)
            self.state = {n: found[n] for n in program.state_names}
            pending.append({n[5:]: v for n, v in found.items() if n.startswith("term:")})
            step += 1
            if step % LOG_EVERY == 0 or step == steps:
                means = {n: float(np.mean([float(p[n]) for p in pending])) for n in pending[0]}
                pending = []
                elapsed = time.time() - begun
                speed = step * count / elapsed
                line = {"stage": label, "step": step, "images_per_second": round(speed, 1), **means}
                self.log.write(json.dumps({**line, "data_share": round(waited / elapsed, 3)}) + "\n")
                self.log.flush()
                if not all(np.isfinite(v) for v in means.values()):
                    print("NOT FINITE", line, flush=True)
                    return elapsed / step
                if step % (10 * LOG_EVERY) == 0 or step == LOG_EVERY:
                    shown = " ".join(f"{n} {v:.3f}" for n, v in means.items())
                    waits = f"waits {waited / elapsed:.0%}"
                    print(f"{label} {step} {elapsed:.0f}s {speed:.0f} images/s {waits} {shown}", flush=True)
            if snapshots and share < 1 and int(share * snapshots) > kept:
                kept = int(share * snapshots)
                self.save(f"{label}_{kept}")
        jax.block_until_ready(self.state)
        elapsed = time.time() - begun
        if snapshots:
            self.save(f"{label}_last")
        print(f"{label}: {step} steps, {step * count} images, {elapsed:.1f} s, waited {waited:.1f} s", flush=True)
        memory = jax.devices()[0].memory_stats() or {}
        about = {
            "stage": label,
            "steps": step,
            "batch_size": count,
            "seconds": round(elapsed, 1),
            "process_peak_gib": round(memory.get("peak_bytes_in_use", 0) / 2**30, 2),
            "device": jax.devices()[0].device_kind,
        }
        self.log.write(json.dumps(about) + "\n")
        self.log.flush()
        return elapsed / max(step, 1)

    def save(self, name):
        """Writes the averages, and what is not trained, as float16."""
        kept = {n: np.asarray(v).astype(np.float16) for n, v in self.state.items() if n.startswith("generator:")}
        kept["generator"] = np.asarray(self.state["averages"]).astype(np.float16)
        part = self.output / f".{name}.npz"
        np.savez_compressed(part, **kept)
        part.rename(self.output / f"{name}.npz")


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "data", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--photos", default="")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--snapshots", type=int, default=4)
    parser.add_argument("--side_by_side", action="store_true", help="Programs apart, for equally many steps.")
    parser.add_argument("--deadline", type=float, default=0.0, help="Unix time at which everything has to have ended.")
    parser.add_argument("--lock", default="", help="File: processes that name the same one train in turn.")
    parser.add_argument("stages", nargs="+")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    stages = [stage.split(":") for stage in options.stages]
    started = time.time()
    programs = {name: Program(options.programs, name) for name in dict.fromkeys(stage[0] for stage in stages)}
    first = next(iter(programs.values()))
    prefixes = [p for p in options.photos.split(",") if p]
    with ThreadPoolExecutor(len(programs) + 1) as pool:
        loading = pool.submit(Photos, options.data, prefixes, first.config["image_size"], "guides" in first.names)
        spent = {name: pool.submit(program.compile) for name, program in programs.items()}
        photos = loading.result()
        print(f"{len(photos.photos)} photos after {time.time() - started:.1f} s", flush=True)
        seconds = {name: round(future.result(), 1) for name, future in spent.items()}
    print(f"compiled after {time.time() - started:.1f} s: {seconds}", flush=True)
    if options.lock:
        turn = open(options.lock, "w")  # noqa: SIM115 - held until the process ends.
        fcntl.flock(turn, fcntl.LOCK_EX)
    log = (options.output / f"{'_'.join(programs)}.jsonl").open("w")
    log.write(json.dumps({"compile_seconds": seconds}) + "\n")

    def run():
        return Run(options.programs, photos, options.output, options.seed, log)

    def left():
        return options.deadline - time.time() - 8 if options.deadline else 1e9

    if options.side_by_side:
        took = {}
        for name, _, rate, _ in stages:
            for steps in (5, 25):  # The first, short one warms up.
                plan = {"seconds": 1e9, "steps": steps, "rate": float(rate), "final_rate": 0.0, "snapshots": 0}
                took[name] = run().stage(programs[name], f"timing_{name}", **plan)
        steps = max(1, int(0.85 * min(left(), float(stages[0][1])) / sum(took.values())))
        print(f"seconds a step {took}: {steps} steps each", flush=True)
        for name, _, rate, final_rate in stages:
            plan = {
                "seconds": 1e9,
                "steps": steps,
                "rate": float(rate),
                "final_rate": float(final_rate),
                "snapshots": 1,
            }
            run().stage(programs[name], name, **plan)
        return
    runner = run()
    for index, (name, *numbers) in enumerate(stages):
        seconds, rate, final_rate = map(float, numbers[:3])
        runner.stage(
            programs[name],
            f"{index}_{name}",
            seconds=min(seconds, left()),
            steps=int(numbers[3]) if len(numbers) > 3 else 0,
            rate=rate,
            final_rate=final_rate,
            snapshots=options.snapshots,
        )


if __name__ == "__main__":
    main()
