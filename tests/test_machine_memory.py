"""What is taken for memory that ran out: errors as Python, TensorFlow, XLA and CUDA's libraries raise them."""

import pytest
import tensorflow as tf

from inpaint_tf.errors import OutOfMemory, UserError
from inpaint_tf.machine_memory import free_memory, ran_out_of_memory

EXHAUSTED, INTERNAL = tf.errors.ResourceExhaustedError, tf.errors.InternalError


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemory("memory ran out twice"),
        EXHAUSTED(None, None, "OOM when allocating tensor with shape[1,1024,1024,256] on GPU:0 by allocator GPU_0_bfc"),
        EXHAUSTED(None, None, "Out of memory while trying to allocate 8589934592 bytes. [Op:__inference_run_42]"),
        INTERNAL(None, None, "RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB (2147483648B) on device 0"),
        INTERNAL(None, None, "Failed to load in-memory CUBIN: CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        tf.errors.UnknownError(None, None, "CUDNN_STATUS_ALLOC_FAILED in tensorflow/stream_executor"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1024 bytes."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_memory_that_ran_out(error):
    assert ran_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        EXHAUSTED(None, None, "runs/a/ckpt-2.data; No space left on device"),
        EXHAUSTED(None, None, "photos/a.png; Too many open files"),
        INTERNAL(None, None, "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered"),
        UserError("a photo of 10x10 with the name Out of memory.png is too small"),
        ValueError("out of memory"),
        RuntimeError("Visible devices cannot be modified after being initialized"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_other_errors(error):
    assert not ran_out_of_memory(error)


def test_some_memory_is_free():
    assert 1 << 20 < free_memory() < 1 << 46
