"""The sweep is no rubber stamp: with one action of the cleaning disabled it finds the leak, and the proof holds it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from tests.pipeline.conftest import InProcess, Site, banner_template, clean_template, slices, told_in, ultrasound
from xnat_pixelanon.headers import (
    EncodedHeader,
    HeaderMemory,
    HeaderProof,
    HeaderRequest,
    clean_header,
    encode_parts,
)
from xnat_pixelanon.pipeline import work
from xnat_pixelanon.pixels import PixelProof, Reopened, pixel_digest
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.sample_session import BurnedText

PERSON = Person.numbered(7)
Left = Callable[[Dataset, Dataset], None]


def station_name(copy: Dataset, source: Dataset) -> None:
    copy.StationName = source.StationName


def birth_date(copy: Dataset, source: Dataset) -> None:
    copy.PatientBirthDate = source.PatientBirthDate


def private_element(copy: Dataset, source: Dataset) -> None:
    block = copy.private_block(0x0029, "ACME PRIVATE HEADER 1.0", create=True)
    block.add_new(0x10, "LO", source[0x0029, 0x1010].value)


def private_number(copy: Dataset, source: Dataset) -> None:
    """A private element that holds nothing of the person: there is none on the clean side at all."""
    copy.private_block(0x0029, "UNKNOWN", create=True).add_new(0x10, "US", 7)


def unmapped_uid(copy: Dataset, source: Dataset) -> None:
    copy.FrameOfReferenceUID = source.FrameOfReferenceUID


def unmapped_nested_uid(copy: Dataset, source: Dataset) -> None:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    copy.SourceImageSequence = DicomSequence([item])


def nested_institution(copy: Dataset, source: Dataset) -> None:
    copy.DeidentificationMethodCodeSequence[0].InstitutionName = source.InstitutionName


def free_text(copy: Dataset, source: Dataset) -> None:
    copy.PositionReferenceIndicator = source.PositionReferenceIndicator


def whole_sequence(copy: Dataset, source: Dataset) -> None:
    copy.ReferringPhysicianIdentificationSequence = source.ReferringPhysicianIdentificationSequence


ELEMENTS: dict[Left, str] = {
    station_name: "an identifying text",
    birth_date: "an identifying text",
    private_element: "a private element",
    private_number: "a private element",
    unmapped_uid: "a UID of staging",
    unmapped_nested_uid: "a UID of staging",
    nested_institution: "an identifying text",
    free_text: "an identifying text",
    whole_sequence: "an identifying text",
}


def preamble(head: bytes) -> bytes:
    return PERSON.spoken.encode().ljust(128, b"\0") + head[128:]


def file_meta(head: bytes) -> bytes:
    """Source Application Entity Title, behind what is there: (0002,0016) AE, and the longer group length."""
    value = PERSON.station.encode().ljust(16)
    element = struct.pack("<HH2sH", 0x0002, 0x0016, b"AE", len(value)) + value
    (length,) = struct.unpack("<I", head[140:144])
    return head[:140] + struct.pack("<I", length + len(element)) + head[144:] + element


HEADS: dict[Callable[[bytes], bytes], str] = {preamble: "an identifying text", file_meta: "an identifying text"}


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    made = make_site()
    image = ultrasound(PERSON)
    burned = BurnedText(image.SOPInstanceUID, PERSON.banner, (2, 4), 10)
    made.seed(f"{PERSON.id}_VISIT", [image, *slices(PERSON, 2)], person=PERSON, burned=[burned])
    made.templates(banner_template(), clean_template())
    made.policy()
    return made


def leave(patch: pytest.MonkeyPatch, left: Left) -> None:
    """The cleaning of headers leaves something in."""

    def careless(source: Dataset, request: HeaderRequest, _: HeaderMemory) -> EncodedHeader:
        cleaned = clean_header(source, request)
        left(cleaned.dataset, source)
        return EncodedHeader(*encode_parts(cleaned.dataset, request.transfer_syntax_uid), cleaned.actions)

    patch.setattr(work, "write_header", careless)


def write_head(patch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]) -> None:
    """The writing of a file's head leaves something in."""
    whole = work.write_header

    def careless(source: Dataset, request: HeaderRequest, memory: HeaderMemory) -> EncodedHeader:
        header = whole(source, request, memory)
        return replace(header, head=change(header.head))

    patch.setattr(work, "write_header", careless)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """The writing of pixels leaves the rectangle out, and says that it did not."""
    whole = work.plan_pixels

    def careless(source: Any, rectangles: Any) -> Any:
        honest = whole(source, rectangles)
        return replace(whole(source, ()), route=honest.route, fill=honest.fill, effective=honest.effective)

    patch.setattr(work, "plan_pixels", careless)


def believe_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(work, "prove_header", lambda *_: HeaderProof(True, ()))
    patch.setattr(work, "prove_opened", believed)


def believed(source: Reopened, written: Reopened, *_: Any, **__: Any) -> PixelProof:
    path = Path(str(written.stream.name))
    return PixelProof(True, (), 1, "identical-bytes", pixel_digest(path, path.parent))


def held_as_proof_failed(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 5, nothing was sent, and what it says names no one."""
    monkeypatch.setattr("xnat_pixelanon.cli.run.Workers", InProcess)
    site.clean.clear_requests()
    assert site.command("run", "--from", "xnat:STAGING") == 5
    assert site.reads_only()
    assert site.visible() == {}
    out, err = capsys.readouterr()
    assert "hold: proof-failed" in out
    assert "session STAGE_E00001: waiting" in err
    assert told_in(out + err, site.samples) == []


def found(site: Site) -> set[str]:
    """What the sweep finds once the session was published without a proof."""
    assert site.outcomes() == ["published"]
    return {leak.what for leak in site.sweep().leaks}


def test_with_nothing_disabled_nothing_is_found(site: Site) -> None:
    assert found(site) == set()


@pytest.mark.parametrize("left", ELEMENTS, ids=lambda left: left.__name__)
def test_an_element_that_is_left_in_is_found_by_the_sweep(
    site: Site, monkeypatch: pytest.MonkeyPatch, left: Left
) -> None:
    leave(monkeypatch, left)
    believe_everything(monkeypatch)
    assert ELEMENTS[left] in found(site)


@pytest.mark.parametrize("left", ELEMENTS, ids=lambda left: left.__name__)
def test_an_element_that_is_left_in_is_held_by_the_proof(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], left: Left
) -> None:
    leave(monkeypatch, left)
    held_as_proof_failed(site, monkeypatch, capsys)


@pytest.mark.parametrize("change", HEADS, ids=lambda change: change.__name__)
def test_text_in_the_head_of_a_file_is_found_by_the_sweep(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]
) -> None:
    write_head(monkeypatch, change)
    believe_everything(monkeypatch)
    assert any(kind.startswith(HEADS[change]) for kind in found(site))


@pytest.mark.parametrize("change", HEADS, ids=lambda change: change.__name__)
def test_text_in_the_head_of_a_file_is_held_by_the_proof(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Callable[[bytes], bytes]
) -> None:
    write_head(monkeypatch, change)
    held_as_proof_failed(site, monkeypatch, capsys)


def test_a_template_that_misses_the_text_is_found_by_the_sweep_alone(site: Site) -> None:
    """No proof can know where a text stands: a template is what its author made it."""
    elsewhere = {"top": 40, "left": 0, "bottom": 64, "right": 96}
    site.templates(banner_template(rectangles=[elsewhere]), clean_template())
    assert found(site) == {"burned-in text"}


def test_a_template_that_leaves_half_of_the_text_is_found_by_the_sweep(site: Site) -> None:
    half = {"top": 0, "left": 0, "bottom": 24, "right": 36}
    site.templates(banner_template(rectangles=[half]), clean_template())
    assert found(site) == {"burned-in text"}


def test_a_rectangle_that_is_not_drawn_is_found_by_the_sweep(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)
    believe_everything(monkeypatch)
    assert found(site) == {"burned-in text"}


def test_a_rectangle_that_is_not_drawn_is_held_by_the_proof(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_nothing(monkeypatch)
    held_as_proof_failed(site, monkeypatch, capsys)


def test_a_proof_that_fails_in_one_session_does_not_stop_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the status is 5, however many were published."""
    other = Person.numbered(9)
    site.seed(f"{other.id}_VISIT", slices(other, study=2), person=other)

    def only_mine(copy: Dataset, source: Dataset) -> None:
        if source.StationName == PERSON.station:
            copy.StationName = source.StationName

    leave(monkeypatch, only_mine)
    monkeypatch.setattr("xnat_pixelanon.cli.run.Workers", InProcess)
    assert site.command("run", "--from", "xnat:STAGING") == 5
    assert "sessions: waiting 1, published 1" in capsys.readouterr().out
    assert len(site.visible()) == 1
    assert site.sweep().leaks == ()
