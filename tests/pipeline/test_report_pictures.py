"""Pictures of a report: before and after, as the policy's `pictures` says; what they show is read back as images."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pipeline.conftest import BANNER, Site, banner_template, clean_template, slices, ultrasound
from xnat_pixelanon.domain.pictures import Pictures, Shots
from xnat_pixelanon.pipeline import album
from xnat_pixelanon.pipeline.run import RunResult
from xnat_pixelanon.pixels import render_frame
from xnat_pixelanon.reports import sheet as sheet_module
from xnat_pixelanon.reports.write import render
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)
REDACTED, PASSED = ("STAGE_E00001", "1"), ("STAGE_E00001", "2")


def decoded(shots: Shots | None, *, small: bool = False) -> np.ndarray[Any, Any]:
    assert shots is not None
    picture = shots.thumbnail if small or shots.large is None else shots.large
    image = Image.open(io.BytesIO(picture.data))
    assert image.size == (picture.width, picture.height)
    return np.asarray(image.convert("L")).astype(int)


def embedded(result: RunResult) -> list[bytes]:
    page = render(result.report, result.pictures)["report.html"].decode()
    return [base64.b64decode(data) for data in re.findall(r'"data:image/jpeg;base64,([^"]+)"', page)]


def made(pictures: Pictures) -> dict[tuple[str, str], tuple[bool, bool]]:
    return {name: (look.before is not None, look.after is not None) for name, look in pictures.looks.items()}


def test_a_blackened_scan_is_shown_as_it_was_and_as_it_is_in_the_clean_project(site: Site) -> None:
    result = site.run()
    assert made(result.pictures) == {REDACTED: (True, True), PASSED: (False, True)}
    look = result.pictures.looks[REDACTED]
    before, after = decoded(look.before), decoded(look.after)
    top = BANNER["bottom"]
    assert before.shape == after.shape == (64, 96)
    assert before[:top].max() > 200
    assert after[: top - 1].max() < 12
    assert np.abs(before[top + 8 :] - after[top + 8 :]).max() < 12  # a block of JPEG lies across the edge
    passed = decoded(result.pictures.looks[PASSED].after)
    frames = [render_frame(path, 0, site.root).astype(int) for path in site.copies()]
    same = [frame for frame in frames if frame.shape == passed.shape]
    assert max(np.corrcoef(frame.ravel(), passed.ravel())[0, 1] for frame in same) > 0.99  # JPEG blurs the noise


def test_the_page_and_the_sheet_hold_the_pictures_and_the_other_files_do_not(site: Site) -> None:
    result = site.run()
    files = render(result.report, result.pictures)
    look = result.pictures.looks[REDACTED]
    assert look.before is not None
    assert look.after is not None
    assert look.before.large is not None
    assert look.after.large is not None
    found = embedded(result)
    assert look.before.large.data in found
    assert look.after.large.data in found
    assert look.after.thumbnail.data in found
    page = files["report.html"].decode()
    assert '<rect x="0" y="0" width="96" height="24"/>' in page
    assert "all proved" in page
    sheet = Image.open(io.BytesIO(files["contact-sheet.png"]))
    assert sheet.format == "PNG"
    assert sheet.info == {}
    assert b"base64" not in files["report.json"] + files["scans.csv"]
    assert not any("contact-sheet" in item.where for item in site.clean.stored())


def test_the_policy_says_after_only(site: Site) -> None:
    site.seed("S2", [ultrasound(PERSON, rows=70, study=2)], person=PERSON)
    site.policy(pictures="after")
    result = site.run()
    assert made(result.pictures) == {REDACTED: (False, True), PASSED: (False, True)}
    page = render(result.report, result.pictures)["report.html"].decode()
    assert "In staging" not in page
    assert "The copy" in page


def test_the_policy_says_none(site: Site) -> None:
    site.policy(pictures="none")
    result = site.run()
    assert result.report.outcomes == {"published": 1}
    assert result.pictures == Pictures()
    files = render(result.report, result.pictures)
    assert sorted(files) == ["report.html", "report.json", "scans.csv"]
    assert b"data:image" not in files["report.html"]
    assert b"Groups" in files["report.html"]


def test_a_dry_run_shows_what_would_be_black_and_what_waits(site: Site) -> None:
    site.seed("S2", [ultrasound(PERSON, rows=70, study=2)], person=PERSON)
    result = site.run(dry_run=True)
    assert made(result.pictures) == {
        REDACTED: (True, False), PASSED: (True, False), ("STAGE_E00002", "1"): (True, False)
    }  # fmt: skip
    page = render(result.report, result.pictures)["report.html"].decode()
    assert '<rect x="0" y="0" width="96" height="24"/>' in page
    assert "hold: no-template" in page


def test_one_scan_stands_for_those_that_are_decided_alike(site: Site) -> None:
    for number in (2, 3, 4):
        person = Person.numbered(number)
        site.seed(f"S{number}", [ultrasound(person, study=number), *slices(person, study=number)], person=person)
    result = site.run()
    larger = [name for name, look in result.pictures.looks.items() if look.after and look.after.large]
    assert larger == [REDACTED, PASSED]
    assert len(result.pictures.looks) == 8
    page = render(result.report, result.pictures)["report.html"].decode()
    assert page.count("4 scans in 4 sessions") == 2
    assert page.count('class="small"') == 8


def test_excluded_and_withdrawn_images_are_not_shown_around(site: Site) -> None:
    person = Person.numbered(2)
    session = site.seed("S2", [ultrasound(person, study=2)], person=person)
    no_ct = {"match": clean_template()["match"], "reason": "of no use"}
    withdrawn = {"session": {"id": session}, "action": "exclude"}
    site.templates(banner_template(), exclusions=[no_ct], overrides=[withdrawn])
    result = site.run()
    assert result.report.outcomes == {"published": 1, "withdrawn": 1}
    assert made(result.pictures) == {REDACTED: (True, True)}


def test_what_cannot_be_decoded_has_no_picture_and_is_published_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("xnat_pixelanon.pixels.snapshots.render_frame", broken)
    result = site.run()
    assert result.report.outcomes == {"published": 1}
    assert result.pictures == Pictures()


def test_what_goes_wrong_after_publishing_leaves_the_outcome_as_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(album.Album, "of_cases", broken)
    assert site.run().report.outcomes == {"published": 1}


def test_beyond_a_bound_scans_have_no_picture_and_the_page_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (2, 3):
        person = Person.numbered(number)
        site.seed(f"S{number}", [ultrasound(person, study=number)], person=person)
    monkeypatch.setattr(album, "ROOM", 1)
    result = site.run()
    assert set(result.pictures.looks) == {REDACTED, PASSED}
    assert result.pictures.left_out == 2
    assert b"2 more scans have no picture here" in render(result.report, result.pictures)["report.html"]


def test_a_contact_sheet_of_many_scans_stays_one_that_opens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Shots] = []

    def counted(shots: Shots) -> Image.Image:
        opened.append(shots)
        return made_of(shots)

    made_of = sheet_module._opened
    monkeypatch.setattr(sheet_module, "_opened", counted)
    result = site.run()
    look = result.pictures.looks[REDACTED]
    (session,) = result.report.sessions
    scan = session.scans[0]
    scans = tuple(replace(scan, id=str(number)) for number in range(1500))
    report = replace(result.report, sessions=(replace(session, scans=scans),))
    pictures = Pictures({(session.id, one.id): look for one in scans})
    sheet = Image.open(io.BytesIO(render(report, pictures)["contact-sheet.png"]))
    assert sheet.width == 1400
    assert sheet.height < 4000
    assert 24 <= len(opened) < 100  # those that are shown, not all


def test_no_label_can_break_the_sheet(site: Site) -> None:
    result = site.run()
    (session,) = result.report.sessions
    hostile = replace(session, label="\u202egnp\n\x00<b>" + "字" * 400)
    files = render(replace(result.report, sessions=(hostile,)), result.pictures)
    Image.open(io.BytesIO(files["contact-sheet.png"])).load()
