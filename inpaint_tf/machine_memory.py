"""How much memory this process can still take, and whether an exception says that there was not enough."""

import os
import re
import sys

from inpaint_tf.errors import OutOfMemory

# What takes less memory, for the end of a message.
ADVICE = (
    "close other programs, or take less: a smaller --memory_budget (smaller tiles), a smaller --working_size, or a "
    "smaller photo"
)
# How TensorFlow, XLA and CUDA's libraries word it; some of it comes as another type than ResourceExhaustedError.
_WORDS = re.compile(
    r"RESOURCE_EXHAUSTED|Resource exhausted|[Oo]ut of memory|OOM when allocating|OUT_OF_MEMORY|STATUS_ALLOC_FAILED"
    r"|failed to allocate", re.IGNORECASE,
)  # fmt: skip
# TensorFlow's exception of full disks and exhausted handles is the same.
_OTHER_RESOURCES = re.compile(r"[Nn]o space left|[Qq]uota|[Tt]oo many open files|larger than max")


def free_memory() -> int:
    """Bytes that this process can still take: the system's available memory, or what its control group leaves."""
    candidates = []
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        candidates.append(int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError, ValueError):
        try:
            candidates.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, OSError, ValueError):
            candidates.append(4 << 30)
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            with open(limit, encoding="ascii") as most, open(used, encoding="ascii") as now:
                candidates.append(int(most.read()) - int(now.read()))
        except (OSError, ValueError):
            continue
    return max(0, min(candidates))


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, the processor's or a GPU's, whoever raised it.

    Python's and NumPy's MemoryError, TensorFlow's ResourceExhaustedError, and what XLA and CUDA's libraries report as
    an internal error with RESOURCE_EXHAUSTED or CUDA_ERROR_OUT_OF_MEMORY in its text. Does not load TensorFlow.
    """
    if isinstance(error, MemoryError | OutOfMemory):
        return True
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError | RuntimeError):
        return False
    text = str(error)
    exhausted = isinstance(error, tensorflow.errors.ResourceExhaustedError) or _WORDS.search(text)
    return bool(exhausted) and not _OTHER_RESOURCES.search(text)
