"""What a folder destination does on its disk: written through, renamed, made to last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def free_name(wanted: Path) -> Path:
    """`wanted`, or with a number behind it where another series has that scan ID already."""
    number = 2
    chosen = wanted
    while chosen.exists():
        chosen = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return chosen


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())


def write(path: Path, content: bytes) -> None:
    with path.open("xb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())


def sync(folder: Path) -> None:
    """Make renames and new names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def swap(building: Path, final: Path, aside: Path, receipt: Callable[[Path], object], wanted: object) -> bool:
    """Put `building` in the place of `final`, which goes `aside` and is removed; nobody sees both, or part of one.

    False, with everything as it was, where `final` is no longer the one with the receipt `wanted`; OSError where
    another came to be in its place. Only what has the receipt `wanted` is ever removed.
    """
    if receipt(final) != wanted:
        return False
    final.rename(aside)
    is_wanted = False
    try:
        is_wanted = receipt(aside) == wanted
        if is_wanted:
            building.rename(final)
        return is_wanted
    finally:
        if not final.exists():
            aside.rename(final)
        elif is_wanted:
            shutil.rmtree(aside, ignore_errors=True)


def remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
