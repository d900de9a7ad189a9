"""Pictures of a report where a scan is not of one kind: whose image is shown, and where boxes are drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from tests.pipeline.conftest import Site, clean_template, slices
from tests.pipeline.test_report_pictures import decoded
from xnat_pixelanon.domain.pictures import Shots
from xnat_pixelanon.pixels import render_frame
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)
FIRST = "STAGE_E00001"


def seeded(site: Site, *images: Dataset, number: int = 1) -> Sequence[Path]:
    """A session with these images, and its files in their order."""
    site.seed(f"S{number}", images, person=Person.numbered(number))
    return site.samples[-1].files


def shows(shots: Shots | None, path: Path, scratch: Path) -> bool:
    """Whether a picture is that of the file, and not of another one."""
    frame = render_frame(path, 0, scratch).astype(int)
    grey = frame.mean(axis=2) if frame.ndim == 3 else frame
    picture = decoded(shots)
    return picture.shape == grey.shape and bool(np.corrcoef(picture.ravel(), grey.ravel())[0, 1] > 0.98)


def test_an_excluded_image_of_a_scan_that_is_held_is_not_the_one_that_is_shown(armed: Site) -> None:
    wanted, _ = slices(PERSON, 2)
    _, excluded = slices(PERSON, 2, picture="labels", SeriesDescription="of no use")
    plain, _ = seeded(armed, wanted, excluded)
    no_use = {"match": {"series_description": "of no use"}, "reason": "of no use"}
    armed.templates(clean_template(), exclusions=[no_use])
    result = armed.run()
    (session,) = result.report.sessions
    assert [scan.code for scan in session.scans] == ["mixed-decision"]
    assert shows(result.pictures.looks[FIRST, "2"].before, plain, armed.root)
