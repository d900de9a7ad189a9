"""What the operating system says of this process, and what it is told to allow it."""

from __future__ import annotations

import os
import re
import resource
import time
from pathlib import Path

_STATUS = Path("/proc/self/status")
_MEMORY = Path("/proc/meminfo")


def peak_bytes() -> int:
    """Peak resident bytes of this program.

    Linux says it in VmHWM; ru_maxrss of a process that was started by another begins at the peak of that one.
    """
    if _STATUS.exists():
        found = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text("ascii", "replace"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cpu_seconds() -> float:
    """User and system time of this process, all its threads, and its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def confine(cores: int) -> None:
    """To so many processors, and to the memory that is free now: MemoryError instead of a machine that swaps."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    free = _free_bytes()
    if free:
        resource.setrlimit(resource.RLIMIT_DATA, (free, free))


def _free_bytes() -> int:
    if not _MEMORY.exists():
        return 0
    found = re.search(r"^MemAvailable:\s*(\d+) kB", _MEMORY.read_text("ascii", "replace"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
