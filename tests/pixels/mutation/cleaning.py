"""One phantom through `pipeline.work`, as a run does it, with whatever is done to the copy before it is proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xnat_pixelanon.headers import HeaderRequest, Identity
from xnat_pixelanon.pipeline import work
from xnat_pixelanon.pipeline.work import Cleaned, CleanTask, Failed, ReadFile, ReadTask
from xnat_pixelanon.pixels import WrittenPixels

from .case import Case, Mutation
from .parts import put_together
from .subjects import Subject, write

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


class Bench:
    """A phantom in a folder, read once and cleaned as often as wanted."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject = subject
        self.source = write(subject, folder / "source.dcm")
        self.out = folder / "out.dcm"
        self.read: ReadFile = work.read(ReadTask(self.source, "source.dcm", folder))
        assert (self.read.facts.damage, self.read.facts.edit_refusal) == (None, None)

    def clean(self, *, threads: int = 1) -> Cleaned | Failed:
        request = replace(REQUEST, pixels_changed=bool(self.subject.boxes))
        scratch = self.out.parent
        return work.clean(CleanTask(self.read, self.subject.boxes, request, self.out, scratch, threads))

    def clean_with(self, change: Callable[[Case], None]) -> Cleaned | Failed:
        """`change` comes between the writing of the copy and its proof."""
        write_instance = work.write_instance

        def write_and_change(*given: object, **named: object) -> WrittenPixels:
            written: WrittenPixels = write_instance(*given, **named)  # type: ignore[arg-type]
            case = Case(self.subject, self.source, self.out, written.effective)
            change(case)
            put_together(self.out, case.copy)
            return written

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(work, "write_instance", write_and_change)
            return self.clean()

    def why_not_found(self, mutation: Mutation) -> str:
        """Empty where the proof finds the mutation, for its own reason, and no copy is left."""
        result = self.clean_with(mutation.change)
        where = f"{self.subject.name}: {mutation.name}"
        if not isinstance(result, Failed):
            return f"{where}: proved"
        if self.out.exists():
            return f"{where}: a copy that is not proved is left"
        if result.code != "proof-failed" or not any(text in result.detail for text in mutation.found):
            return f"{where}: {result.code}, {result.detail}"
        return ""
