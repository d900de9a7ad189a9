"""Pictures of a report where a scan is not of one kind: whose image is shown, and where boxes are drawn on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from tests.pipeline.conftest import BANNER, InProcess, Site, banner_template, clean_template, slices, ultrasound
from tests.pipeline.test_report_pictures import decoded
from xnat_pixelanon.domain.pictures import Pictures, Shots
from xnat_pixelanon.pipeline.pool import Done
from xnat_pixelanon.pipeline.run import RunResult
from xnat_pixelanon.pipeline.work import look
from xnat_pixelanon.pixels import render_frame
from xnat_pixelanon.reports.cases import groups_of
from xnat_pixelanon.reports.write import render
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom

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


def drawn(result: RunResult) -> list[list[tuple[int, ...]]]:
    """Of each picture of the page with boxes: (left, top, width, height) of each."""
    page = render(result.report, result.pictures)["report.html"].decode()
    rect = r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/>'
    found = [re.findall(rect, svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    return [[tuple(map(int, box)) for box in boxes] for boxes in found if boxes]


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


def test_boxes_are_those_of_the_image_that_is_shown_not_of_its_whole_scan(armed: Site) -> None:
    small = [ultrasound(PERSON, instance=number) for number in (1, 2)]
    wide = [ultrasound(PERSON, rows=70, instance=number) for number in (3, 4, 5)]
    seeded(armed, *small, *wide)
    lower = banner_template(id="us-lower", rectangles=[BANNER | {"top": 40, "bottom": 64}])
    armed.templates(banner_template(match={"modality": "US", "rows": 70, "columns": 96}), lower)
    armed.policy(mixed="per-instance")
    for result in (armed.run(dry_run=True), armed.run()):
        assert drawn(result) == [[(0, 0, 96, 24)]]
        assert decoded(result.pictures.looks[FIRST, "1"].before).shape == (70, 96)


def test_boxes_that_jpeg_let_grow_are_drawn_on_the_jpeg_image_only(armed: Site) -> None:
    armed.templates(banner_template(rectangles=[BANNER | {"bottom": 20}]))
    seeded(armed, ultrasound(PERSON))
    seeded(armed, ultrasound(Person.numbered(2), study=2, transfer_syntax=JPEGBaseline8Bit), number=2)
    result = armed.run()
    assert result.report.outcomes == {"published": 2}
    assert drawn(result) == [[(0, 0, 96, 20)]]
    grown = result.pictures.looks["STAGE_E00002", "1"].boxes
    assert [box.bottom for box in grown] > [20]


def test_a_picture_that_cannot_be_made_small_costs_a_picture_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("xnat_pixelanon.pixels.snapshots.encoded", full)
    assert site.outcomes() == ["published"]


def test_each_case_of_the_page_has_an_example_of_its_own(armed: Site) -> None:
    rule = {"modality": "US", "rows": 64, "columns": 96}
    named = banner_template(match=rule | {"manufacturer": "Acme*"})
    again = banner_template(id="us-again", match=rule | {"manufacturer": "Other"})
    armed.templates(named, again)
    seeded(armed, ultrasound(PERSON))
    seeded(armed, ultrasound(Person.numbered(2), study=2, Manufacturer="Other"), number=2)
    two_sizes = [ultrasound(Person.numbered(3), study=3), ultrasound(Person.numbered(3), study=3, rows=70, instance=2)]
    seeded(armed, *two_sizes, number=3)
    seeded(armed, ultrasound(Person.numbered(4), study=4, rows=70), number=4)
    armed.policy(mixed="per-instance")
    result = armed.run()
    cases = [case for group in groups_of(result.report, result.pictures) for case in group.cases]
    assert [(case.code, case.example is not None) for case in cases] == [
        ("template", True), ("template", True), ("no-template", True), ("no-template", True)
    ]  # fmt: skip


def test_a_case_has_the_next_scan_as_its_example_where_the_first_cannot_be_shown(
    armed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        seeded(armed, ultrasound(Person.numbered(number), study=number), number=number)
    calls: list[Path] = []

    def first_fails(path: Path, frame: int, scratch: Path) -> object:
        calls.append(path)
        if len(calls) <= 2:
            raise ZeroDivisionError
        return render_frame(path, frame, scratch)

    monkeypatch.setattr("xnat_pixelanon.pixels.snapshots.render_frame", first_fails)
    result = armed.run()
    assert {name: bool(look.after and look.after.large) for name, look in result.pictures.looks.items()} == {
        ("STAGE_E00002", "1"): True, ("STAGE_E00003", "1"): False
    }  # fmt: skip


class DiesShowing(InProcess):
    """A pool whose worker processes end whenever they show something."""

    def each(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Done[Any]]:
        if function is not look:
            yield from super().each(function, tasks)
            return
        yield from (Done(index, None) for index in range(len(tasks)))


def test_a_worker_that_dies_while_it_shows_costs_pictures_only(site: Site) -> None:
    result = site.run(workers=DiesShowing())
    assert result.report.outcomes == {"published": 1}
    assert result.pictures == Pictures()


def test_odd_images_end_as_they_do_without_pictures(armed: Site) -> None:
    odd = [
        phantom("SEG", person=PERSON, series=1),
        phantom("DX", person=PERSON, series=2, rows=1, columns=300),
        phantom("DX", person=PERSON, series=3, rows=300, columns=1),
        phantom("OT", person=PERSON, series=4, photometric="MONOCHROME2", bits=(32, 32)),
        phantom("CT", person=PERSON, series=5, WindowWidth=0, RescaleSlope=0),
        phantom("CT", person=PERSON, series=6, WindowCenter=None, RescaleSlope="1e308", RescaleIntercept="1e308"),
        phantom("US", person=PERSON, series=7, rows=64, columns=96, frames=9),
    ]
    without_pixels = phantom("CT", person=PERSON, series=8)
    del without_pixels.PixelData
    floating = phantom("CT", person=PERSON, series=9)
    floating.FloatPixelData = bytes(4 * 128 * 128)
    del floating.PixelData
    cut = phantom("MR", person=PERSON, series=10)
    cut.PixelData = cut.PixelData[:100]
    odd += [without_pixels, floating, cut]
    seeded(armed, *odd)
    goes = {"session": {"id": FIRST}, "action": "pass", "reason": "invented"}
    armed.templates(overrides=[goes | {"series_instance_uid": ds.SeriesInstanceUID} for ds in odd])
    found = []
    for pictures, dry_run in (("none", True), ("both", True), ("both", False)):
        armed.policy(pictures=pictures, publish="available-scans")
        result = armed.run(dry_run=dry_run)
        (session,) = result.report.sessions
        assert not session.error
        found.append([(scan.id, scan.decision, scan.code) for scan in session.scans])
        shown = {scan for _, scan in result.pictures.looks}
        assert ({"2", "3"} <= shown) == (pictures == "both")
        assert shown.isdisjoint({"8", "9", "10"})
    assert len(found[0]) == 10
    assert found[0] == found[1] == found[2]
    assert result.report.outcomes == {"published": 1}
