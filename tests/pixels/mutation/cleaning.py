"""One phantom through `pipeline.work`, as a run does it, with whatever is done to the copy before it is proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xnat_pixelanon.headers import HeaderRequest, Identity
from xnat_pixelanon.pipeline import work
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadTask
from xnat_pixelanon.pixels import WrittenPixels

from .subjects import Subject, write

Change = Callable[[Path, WrittenPixels], None]
REQUEST = HeaderRequest(
    identity=Identity.from_keys(b"mutation".ljust(32)),
    subject_label="SUBJECT0000000A1",
    session_label="SESSION0000000A1",
    project="CLEAN",
    transfer_syntax_uid="",
    pixels_changed=True,
    reviewed=True,
    template_digest="ab" * 32,
    tool_version="0",
)


def source_of(subject: Subject, folder: Path) -> Path:
    """The phantom of a subject; made once."""
    path = folder / f"{subject.name.replace(' ', '-').replace(':', '')}.dcm"
    return path if path.exists() else write(subject, path)


def clean(subject: Subject, source: Path, out: Path, *, change: Change | None = None) -> Cleaned | Failed:
    """Read and clean `source`; `change` comes between the writing of the copy and its proof."""
    with pytest.MonkeyPatch.context() as patch:
        if change is not None:
            write_instance = work.write_instance

            def write_and_change(*given: object, **named: object) -> WrittenPixels:
                written: WrittenPixels = write_instance(*given, **named)  # type: ignore[arg-type]
                change(out, written)
                return written

            patch.setattr(work, "write_instance", write_and_change)
        read = work.read(ReadTask(source, "source.dcm", out.parent))
        assert read.facts.damage is None, read.facts.damage
        request = replace(REQUEST, pixels_changed=bool(subject.boxes))
        assert read.facts.edit_refusal is None, read.facts.edit_refusal
        return work.clean(CleanTask(read, subject.boxes, request, out, out.parent))
