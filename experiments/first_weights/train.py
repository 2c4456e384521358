"""Trains the first weights: both stages on spatially discounted L1, no critics, in hours on two cores.

    nice python experiments/first_weights/train.py --photos=DIR --run_dir=DIR

Photos are scaled by 0.5 to 1, cropped and mirrored at random. Most holes are one box of half the crop's side, shrunk
a little at random as the authors do; the rest are one to four smaller boxes. The crop grows from 128 to 256 pixels
after `--minutes_small`. Both the phases and the learning rate follow the clock, so that a run ends when it should on
a machine that does other work. The same command again goes on where it stopped.
"""

import json
import os
import pathlib
import time

import cv2
import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from inpaint_tf.models import DeepFillV1

FLAGS = flags.FLAGS
flags.DEFINE_string("photos", None, "Folder of training photos, short side at least 256.", required=True)
flags.DEFINE_string("run_dir", None, "Folder for checkpoints and the log.", required=True)
flags.DEFINE_integer("width", 16, "Base width of the generator.", lower_bound=2)
flags.DEFINE_float("minutes_small", 40, "Minutes at 128x128.", lower_bound=0)
flags.DEFINE_float("minutes_large", 70, "Minutes at 256x256.", lower_bound=0)
flags.DEFINE_float("learning_rate", 4e-4, "Peak learning rate; decays linearly over the last 40% of the time.")
flags.DEFINE_float("discount", 0.98, "Spatial discount of the hole's loss per pixel from its border.")
flags.DEFINE_float("known_weight", 0.4, "Weight of the L1 on known pixels.")
flags.DEFINE_float("ema", 0.998, "Decay of the averaged weights.")

BATCH = {128: 8, 256: 4}


def load_photos(folder):
    """All photos as uint8 RGB arrays, short side 256."""
    photos = []
    for path in sorted(pathlib.Path(folder).glob("*.jpg")):
        photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        scale = 256 / min(photo.shape[:2])
        if scale < 1:
            photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(photo.shape[:2]) >= 256:
            photos.append(photo)
    return photos


def random_crop(photo, size, rng):
    """uint8 [size, size, 3]: scaled by size/256 to 1, cropped, mirrored half of the time."""
    scale = max(rng.uniform(0.5, 1.0), size / min(photo.shape[:2]))
    if scale < 1:
        shape = [max(size, round(side * scale)) for side in photo.shape[1::-1]]
        photo = cv2.resize(photo, shape, interpolation=cv2.INTER_AREA)
    top, left = (rng.integers(0, side - size + 1) for side in photo.shape[:2])
    crop = photo[top : top + size, left : left + size]
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def random_hole(size, rng):
    """float32 [size, size, 1], 1 = hole."""
    mask = np.zeros((size, size, 1), np.float32)
    if rng.random() < 0.65:
        sides = [[size // 2 - 2 * rng.integers(0, size // 16 + 1) for _ in range(2)]]
    else:
        sides = rng.integers(size // 16, size // 3, (rng.integers(1, 5), 2))
    for height, width in sides:
        top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        mask[top : top + height, left : left + width] = 1
    return mask


def batches(photos, size, discount, seed):
    """Yields photos [B, S, S, 3] in [-1, 1], masks and discounted masks [B, S, S, 1]."""
    rng = np.random.default_rng(seed)
    while True:
        images, masks, weights = [], [], []
        for _ in range(BATCH[size]):
            images.append(random_crop(photos[rng.integers(len(photos))], size, rng))
            masks.append(random_hole(size, rng))
            distance = cv2.distanceTransform(masks[-1].astype(np.uint8), cv2.DIST_C, 3)[..., np.newaxis]
            weights.append(masks[-1] * discount**distance)
        yield np.float32(images) / 127.5 - 1, np.stack(masks), np.float32(weights)


def make_step(model, optimizer, averages):
    @tf.function(reduce_retracing=False)
    def step(image, mask, weight):
        with tf.GradientTape() as tape:
            outputs = model(image, mask)

            def l1(output):
                difference = tf.abs(image - output)
                hole = tf.reduce_sum(difference * weight) / (3 * tf.reduce_sum(weight))
                known = tf.reduce_sum(difference * (1 - mask)) / (3 * tf.reduce_sum(1 - mask))
                return hole, known

            coarse_hole, coarse_known = l1(outputs["coarse"])
            refined_hole, refined_known = l1(outputs["refined"])
            loss = coarse_hole + refined_hole + FLAGS.known_weight * (coarse_known + refined_known)
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        for average, variable in zip(averages, model.trainable_variables):
            average.assign(FLAGS.ema * average + (1 - FLAGS.ema) * tf.convert_to_tensor(variable))
        return tf.stack([coarse_hole, refined_hole, coarse_known, refined_known, norm])

    return step


def main(_):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    run_dir = pathlib.Path(FLAGS.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    model = DeepFillV1(FLAGS.width)
    model.build(None)
    optimizer = keras.optimizers.Adam(FLAGS.learning_rate, beta_1=0.9, beta_2=0.99)
    optimizer.build(model.trainable_variables)
    averages = [tf.Variable(variable, trainable=False) for variable in model.trainable_variables]
    steps, seconds = tf.Variable(0, dtype=tf.int64), tf.Variable(0.0, dtype=tf.float64)
    checkpoint = tf.train.Checkpoint(
        variables=[v.value for v in model.variables],
        slots=[v.value for v in optimizer.variables],
        averages=averages,
        steps=steps,
        seconds=seconds,
    )
    manager = tf.train.CheckpointManager(checkpoint, str(run_dir / "checkpoints"), max_to_keep=2)
    manager.restore_or_initialize()
    photos = load_photos(FLAGS.photos)
    print(f"{len(photos)} photos, {model.count_params():,} parameters, from step {int(steps)}", flush=True)

    step = make_step(model, optimizer, averages)
    small, total = 60 * FLAGS.minutes_small, 60 * (FLAGS.minutes_small + FLAGS.minutes_large)
    size, data, window, saved = None, None, [], time.time()
    while float(seconds) < total:
        if size != (128 if float(seconds) < small else 256):
            size = 128 if float(seconds) < small else 256
            seed = int(steps) + 1
            data = iter(
                tf.data.Dataset.from_generator(
                    lambda size=size, seed=seed: batches(photos, size, FLAGS.discount, seed),
                    output_signature=tuple(tf.TensorSpec((BATCH[size], size, size, c)) for c in (3, 1, 1)),
                ).prefetch(4)
            )
        started = time.time()
        optimizer.learning_rate = FLAGS.learning_rate * min(
            1.0, (int(steps) + 1) / 200, (1 - float(seconds) / total) / 0.4 + 0.01
        )
        window.append(step(*next(data)).numpy())
        steps.assign_add(1)
        seconds.assign_add(time.time() - started)
        if int(steps) % 50 == 0:
            names = ("coarse_hole", "refined_hole", "coarse_known", "refined_known", "gradient_norm")
            record = {"step": int(steps), "minutes": round(float(seconds) / 60, 2), "size": size}
            record |= {name: round(float(value), 5) for name, value in zip(names, np.mean(window, axis=0))}
            with open(run_dir / "metrics.jsonl", "a") as log:
                log.write(json.dumps(record) + "\n")
            print(record, flush=True)
            window = []
        if time.time() - saved > 180 or float(seconds) >= total:
            manager.save()
            arrays = {v.path: a.numpy() for v, a in zip(model.trainable_variables, averages)}
            np.savez(run_dir / "average.partial.npz", **arrays)
            os.replace(run_dir / "average.partial.npz", run_dir / "average.npz")
            saved = time.time()


if __name__ == "__main__":
    app.run(main)
