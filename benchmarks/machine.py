"""The machine and the software in words: no host name, no path."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = (
    "pydicom", "numpy", "imagecodecs", "pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pillow", "deid",
)  # fmt: skip


def machine(folder: Path) -> dict[str, str]:
    """Processors, memory, system, the file system of `folder`, Python and libraries."""
    return {
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "file system": _file_system(folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
    }


def _processor() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    info = Path("/proc/cpuinfo")
    text = info.read_text("utf-8", "replace") if info.exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    virtual = ", virtual" if re.search(r"^flags\s*:.*\bhypervisor\b", text, re.MULTILINE) else ""
    name = " ".join(model[1].split()) if model else platform.machine()
    return f"{cores} core{'' if cores == 1 else 's'}, {name}{virtual}"


def _memory() -> str:
    if not hasattr(os, "sysconf"):
        return "unknown"
    return f"{round(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / (1 << 30))} GiB"


def _file_system(folder: Path) -> str:
    """Its kind, by the longest mount point that `folder` lies under."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "unknown"
    rows = [line.split()[1:3] for line in mounts.read_text("utf-8", "replace").splitlines()]
    resolved = folder.resolve()
    fitting = [(len(point), kind) for point, kind in rows if resolved.is_relative_to(point)]
    return max(fitting)[1] if fitting else "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
