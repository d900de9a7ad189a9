"""What a run tells while it works; the command line shows it."""

from __future__ import annotations

from typing import Protocol

from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport


class Progress(Protocol):
    """Told by the run, in this order for each session; nothing told carries a header value, label or UID."""

    def run_starts(self, sessions: int) -> None: ...

    def session_starts(self, name: str, files: int) -> None: ...

    def file_done(self, step: str) -> None:
        """One file was read, cleaned or sent; `step` is `read`, `clean` or `publish`."""

    def step_starts(self, step: str, files: int) -> None: ...

    def scan_done(self, session: str, scan: ScanReport) -> None: ...

    def session_done(self, session: SessionReport) -> None: ...

    def run_done(self, report: RunReport) -> None: ...
