"""Arrays that TensorFlow reads where they lie."""

import gc
import weakref

import numpy as np
import pytest

from inpaint_tf.shared_arrays import ALIGNED_BYTES, aligned_zeros, as_tensor


@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (1, 0, 4, 2), (100, 101)])
def test_zeros_are_aligned_and_zero(shape):
    for _ in range(5):
        array = aligned_zeros(shape)
        assert array.shape == shape and array.dtype == np.float32 and not array.any()
        assert not array.size or array.ctypes.data % ALIGNED_BYTES == 0


def test_an_aligned_array_is_not_copied(rng):
    array = aligned_zeros((2, 50, 3))
    array[...] = rng.normal(size=array.shape)
    tensor = as_tensor(array)
    np.testing.assert_array_equal(tensor.numpy(), array)
    array[1, 2, 0] = 7
    assert tensor.numpy()[1, 2, 0] == 7


def test_the_tensor_keeps_the_memory_and_gives_it_back():
    array = aligned_zeros((1000, 10))
    owner = array
    while owner.base is not None:
        owner = owner.base
    owner = weakref.ref(owner)
    tensor = as_tensor(array)
    del array
    gc.collect()
    assert owner() is not None and not tensor.numpy().any()
    del tensor
    gc.collect()
    assert owner() is None


def test_others_are_copied(rng):
    values = rng.normal(size=(6, 40, 5)).astype("float32")
    read_only = values.copy()
    read_only.flags.writeable = False
    moved = np.zeros(values.size + 1, np.float32)[1:].reshape(values.shape)
    moved[...] = values
    for array in (values[1:5, 3:17], values.transpose(2, 0, 1), read_only, moved, values[:0]):
        np.testing.assert_array_equal(as_tensor(array).numpy(), array)
    view = aligned_zeros((8, 32))[:, :16]
    tensor = as_tensor(view)
    view[...] = 1
    assert not tensor.numpy().any()
