"""What a client is told when the work of a job fails."""

import pytest
import tensorflow as tf

from inpaint_tf.errors import OutOfMemory, UserError
from inpaint_tf.serve.jobs import Job

XLA = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."


@pytest.mark.parametrize(
    "error, status, said",
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor on GPU:0"), 503, "memory ran out"),
        (tf.errors.InternalError(None, None, XLA), 503, "memory ran out"),
        (MemoryError(), 503, "memory ran out"),
        (OutOfMemory("memory ran out twice: give a smaller photo."), 503, "twice"),
        (UserError("the mask has no hole."), 400, "no hole"),
        (tf.errors.InternalError(None, None, "CUDA_ERROR_ILLEGAL_ADDRESS"), 500, "log says why"),
    ],
)
def test_failures_say_whose_they_are(error, status, said, capsys):
    def work(_):
        raise error

    job = Job(work, most_seconds=60)
    job.run()
    assert job.state == "failed" and job.finished.is_set() and job.error is not None
    assert job.error.status == status and said in str(job.error)
    # To try again is worth it if others give memory back, and the log has what nobody expected.
    assert (job.error.retry_after is not None) == (status == 503)
    assert ("Traceback" in capsys.readouterr().err) == (status == 500)
