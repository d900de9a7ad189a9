"""A report of a dry run or a real one over the sample phantoms, as a file for the browser."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.sandbox.demo import commands, environment_of, stage


def report_of_samples(folder: Path) -> Path:
    """The folder of the report of a run over all phantoms; nothing of public images is in it."""
    out = folder / "out"
    out.mkdir()
    said = io.StringIO()
    with stage(folder / "site", public=False) as made, environment_of(made):
        for words in commands(made, out):
            with redirect_stdout(said), redirect_stderr(said):
                status = status_of(words)
            assert status == 0, said.getvalue()
    return out / "report"
