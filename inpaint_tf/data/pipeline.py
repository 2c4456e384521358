"""The endless stream of training batches, as a tf.data pipeline that can begin anywhere.

Position p of the stream shows photo permutation_e(p mod N) of epoch e = p div N. The permutation is a keyed bijection
(`tf.random.experimental.index_shuffle`), computed per index, and every random crop is drawn from (seed, p). So batch k
is a pure function of seed and k: a run resumes by starting at k, and workers that share a batch take their rows of it.
"""

import functools
import threading
from typing import Any

import numpy as np
import tensorflow as tf

from inpaint_tf.data.crops import augment, decode, to_square
from inpaint_tf.errors import UserError, reason

# So many unusable photos in a row mean that the data is gone, not that a file is bad.
GIVE_UP_AFTER = 100


class PhotoLoader:
    """Reads training image p: decodes photo `index`, crops and augments it by a generator seeded with (seed, p).

    A photo that fails nevertheless (it changed since the check, or only its header was good) is replaced by the next
    one of the source and remembered.

    Args:
        source: See `sources`.
        config: A `TrainingConfig`, for image_size, crop, flip, colour_jitter and seed.

    Attributes:
        failures: Name -> reason of the photos that were replaced.
    """

    def __init__(self, source: Any, config: Any) -> None:
        self.source, self.config = source, config
        self.failures = {}
        self._lock = threading.Lock()

    def __call__(self, position: int, index: int) -> np.ndarray:
        """Position in the stream and number of the photo -> uint8 [S, S, 3] RGB."""
        config = self.config
        for attempt in range(GIVE_UP_AFTER):
            number = (int(index) + attempt) % len(self.source)
            rng = np.random.default_rng([config.seed, int(position)])
            try:
                square = to_square(decode(self.source.read(number)), config.image_size, config.crop, rng)
                return np.ascontiguousarray(augment(square, config.flip, config.colour_jitter, rng))
            except Exception as error:  # Whatever a decoder may throw: the others are still read.
                with self._lock:
                    self.failures[self.source.name(number)] = reason(error)
        raise UserError(f"{GIVE_UP_AFTER} training photos in a row cannot be read, last {self.source.name(number)}.")


def photo_batches(
    loader: PhotoLoader, config: Any, first_batch: int, input_context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """The stream of a worker's batches.

    Args:
        loader: A `PhotoLoader`.
        config: A `TrainingConfig`, for batch_size, image_size, seed and data_workers.
        first_batch: Number of the first global batch.
        input_context: `tf.distribute.InputContext`; None is one worker with one replica.

    Returns:
        An endless `tf.data.Dataset` of uint8 [B / replicas, S, S, 3]: for every global batch one element for each of
        the worker's replicas.
    """
    replicas = input_context.num_replicas_in_sync if input_context else 1
    workers = input_context.num_input_pipelines if input_context else 1
    worker = input_context.input_pipeline_id if input_context else 0
    local_replicas = replicas // workers
    rows = config.batch_size // replicas

    def positions(element):
        batch = first_batch + element // local_replicas
        replica = worker * local_replicas + element % local_replicas
        return batch * config.batch_size + replica * rows + tf.range(rows, dtype=tf.int64)

    def load(position):
        index = shuffled_index(position, len(loader.source), config.seed)
        image = tf.numpy_function(loader, [position, index], tf.uint8, stateful=False)
        return tf.ensure_shape(image, [config.image_size, config.image_size, 3])

    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    parallel = config.data_workers or tf.data.AUTOTUNE
    return (
        tf.data.Dataset.range(2**62)
        .map(positions)
        .unbatch()
        .map(load, num_parallel_calls=parallel, deterministic=True)
        .batch(rows, drop_remainder=True)
        .prefetch(2 + config.n_critic)
        .with_options(options)
    )


def shuffled_index(position: tf.Tensor, count: int, seed: int) -> tf.Tensor:
    """Number of the photo at a position of the stream, int64 scalar tensor -> int64 scalar tensor in [0, count)."""
    epoch, place = position // count, position % count
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.index_shuffle(place, seed=tf.cast(key, tf.int32), max_index=count - 1)


def batch_names(loader: PhotoLoader, config: Any, batch: int) -> list[str]:
    """What the photos of global batch number `batch` are called, in order."""
    first, count = batch * config.batch_size, len(loader.source)
    positions = tf.range(first, first + config.batch_size, dtype=tf.int64)
    return [loader.source.name(int(shuffled_index(position, count, config.seed))) for position in positions]


def distributed_batches(loader: PhotoLoader, config: Any, first_batch: int, strategy: tf.distribute.Strategy) -> Any:
    """The stream as the strategy's steps take it: an iterator of photo batches."""
    if strategy.num_replicas_in_sync == 1:
        return iter(photo_batches(loader, config, first_batch))
    make = functools.partial(photo_batches, loader, config, first_batch)
    return iter(strategy.distribute_datasets_from_function(lambda context: make(input_context=context)))
