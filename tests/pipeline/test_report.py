"""The report: JSON that validates, a CSV that no spreadsheet runs, a page that is one file and shows texts as texts."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Site, banner_template, clean_template, ultrasound
from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind, Outcome
from xnat_pixelanon.domain.documents import schema_problems
from xnat_pixelanon.domain.pictures import Pictures
from xnat_pixelanon.domain.report import InstanceReport, NotSentReport, RunReport, ScanReport, SessionReport
from xnat_pixelanon.reports.tables import CSV_COLUMNS
from xnat_pixelanon.reports.write import render as render_with
from xnat_pixelanon.reports.write import write
from xnat_pixelanon.sandbox.person import Person

PERSON = Person.numbered(1)
HOSTILE = '=cmd|"/c calc"!A1 <script>alert(1)</script> <img src=x onerror=y> {{ 7 * 7 }} &amp; \'"'
VOID = {"meta", "br", "col", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would make of the page: elements, their attributes, and the text that is seen."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += f" {data}"

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def made_up(text: str = "plain", *, scans: int = 1, **changes: Any) -> RunReport:
    """A report with `text` wherever a text of staging, of a document or of a file name may stand."""
    one = InstanceReport(f"SCANS/{text}", "0", 1, 1, "hold", "no-template", text, (text,), scrubbed=(text,), fill=text)
    scan = ScanReport(text, (text,), "hold", "no-template", text, text, (text,), (), (), False, (one,), text)
    other = NotSentReport("assessor", text, text, 1, 1)
    session = SessionReport(
        id=text,
        label=text,
        name="n",
        outcome="waiting",
        remedy=text,
        clean_subject=text,
        clean_session=text,
        error=text,
        hint=text,
        scans=tuple(replace(scan, id=f"{text}{number}") for number in range(scans)),
        not_sent=(other,),
    )
    report = RunReport(
        run="20261122T101500-3fa2c1",
        tool_version="0.1.0",
        started="2026-11-22T10:15:00+00:00",
        finished="2026-11-22T10:15:09+00:00",
        source=text,
        destination=text,
        dry_run=False,
        templates_version=1,
        policy_version=2,
        script_version=None,
        profile="2024b",
        exit_status=0,
        sessions=(session,),
        strays=(other,),
        notes=(text,),
    )
    return replace(report, **changes)


def render(report: RunReport) -> Mapping[str, bytes]:
    """Without pictures; tests/pipeline/test_report_pictures.py is about those."""
    return render_with(report, Pictures())


def page_of(report: RunReport) -> Page:
    return Page(render(report)["report.html"].decode())


def rows_of(report: RunReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(report)["scans.csv"].decode())))


@pytest.fixture(scope="module")
def kinds() -> RunReport:
    """A report with every outcome and every code."""
    sessions = []
    for number, outcome in enumerate(Outcome):
        scans = tuple(
            ScanReport(
                str(index), ("US 64x96",), code.kind.value, name, "", code.remedy, (), (), (), False,
                (InstanceReport(f"{index}.dcm", "0", 1, 1, code.kind.value, name, ""),),
            )
            for index, (name, code) in enumerate(CODES.items())
        )  # fmt: skip
        sessions.append(
            SessionReport(
                f"E{number}", f"L{number}", f"E{number}", outcome.value, OUTCOMES[outcome].remedy, scans=scans
            )
        )
    return made_up(sessions=tuple(sessions))


# A real run


@pytest.fixture
def real(site: Site) -> RunReport:
    site.seed("S2", [ultrasound(PERSON, rows=70, study=2)], person=PERSON)
    site.templates(banner_template(), clean_template(), banner_template(id="idle", match={"rows": 99, "columns": 99}))
    return site.run().report


def test_the_report_of_a_run_validates_and_says_what_was_done_to_each_file(real: RunReport) -> None:
    document = json.loads(render(real)["report.json"])
    assert schema_problems("report", document) == []
    assert [one["outcome"] for one in document["sessions"]] == ["published", "waiting"]
    assert document["notes"] == ["template idle matched no image of this run"]
    redacted, passed = document["sessions"][0]["scans"]
    assert (redacted["templates"], redacted["asked"]) == (["us-banner"], banner_template()["rectangles"])
    for scan in (redacted, passed):
        assert scan["sent"] is True
        for one in scan["instances"]:
            assert one["proof"] == "ok"
            assert one["header_actions"] > 20
            assert one["output"].startswith("2.25.")
            assert len(one["source_sha256"]) == 64
    assert redacted["instances"][0]["fill"]
    assert redacted["instances"][0]["effective"] == banner_template()["rectangles"]


def test_the_table_has_one_row_per_scan(real: RunReport) -> None:
    rows = rows_of(real)
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["session_label"], row["scan"], row["decision"], row["sent"]) for row in rows] == [
        ("S1", "1", "redact", "yes"),
        ("S1", "2", "pass", "yes"),
        ("S2", "1", "hold", "no"),
    ]
    assert all(row["remedy"] == CODES[row["code"]].remedy for row in rows)


def test_the_page_says_what_to_do_next(real: RunReport) -> None:
    page = page_of(real)
    assert "1 session waits for held scans" in page.text
    assert CODES["no-template"].remedy in page.text
    assert "Template idle matched no image of this run." in page.text
    assert page.text.index("What to do next") < page.text.index("no template matches".capitalize())
    links = [value for value in page.values("href") if value.startswith("#")]
    assert links
    assert {link[1:] for link in links} <= set(page.values("id"))


def test_a_run_with_nothing_left_says_so(site: Site) -> None:
    page = page_of(site.run().report)
    assert "Nothing waits for you: every scan that can be sent was decided and is where it should be." in page.text
    again = page_of(site.run().report)
    assert "Already published as it would be now." in again.text


def test_an_empty_run_has_a_report_too() -> None:
    report = made_up(sessions=(), strays=(), notes=("the source holds no session",))
    assert schema_problems("report", json.loads(render(report)["report.json"])) == []
    assert rows_of(report) == []
    assert "The source holds no session" in page_of(report).text


# Any run


def test_every_outcome_and_every_code_has_its_place(kinds: RunReport) -> None:
    page = page_of(kinds)
    for outcome, text in OUTCOMES.items():
        assert outcome.value in page.text
        assert text.remedy in page.text
    for name, code in CODES.items():
        assert f"{code.kind}: {name}" in page.text
        if code.kind in (Kind.HOLD, Kind.UNSUPPORTED):
            assert code.remedy in page.text
    urgent = re.findall(r"(\S+) 1 session: ", page.text)
    assert urgent == ["no-longer-allowed", "failed", "conflict", "stale"]
    rows = rows_of(kinds)
    assert len(rows) == len(CODES) * len(OUTCOMES)
    assert Counter(row["code"] for row in rows) == dict.fromkeys(CODES, len(OUTCOMES))


def test_the_page_is_one_file_that_fetches_nothing_and_runs_its_filter_only(kinds: RunReport) -> None:
    text = render(kinds)["report.html"].decode()
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "iframe", "img", "object", "embed", "base", "svg"})
    assert all(value.startswith("#") for value in page.values("href"))
    assert not {name for _, attributes in page.elements for name in attributes if name.startswith("on")}
    for word in ("http:", "https:", "@import", "url(", "fetch(", "import("):
        assert word not in text
    (policy,) = [attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes]
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", f"script-src 'sha256-{digest}'"
    ]  # fmt: skip


def test_hostile_texts_are_shown_as_texts() -> None:
    report = made_up(HOSTILE)
    page = page_of(report)
    assert [tag for tag, _ in page.elements if tag in ("script", "img")] == ["script"]
    assert page.text.count("<script>alert(1)</script>") > 8
    assert "{{ 7 * 7 }}" in page.text
    assert "49" not in page.text
    assert json.loads(render(report)["report.json"])["sessions"][0]["label"] == HOSTILE


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝"])
def test_no_cell_of_the_table_starts_like_a_formula(start: str) -> None:
    """As OWASP lists them; a cell that would be one has an apostrophe in front, inside the quotes of CSV."""
    (row,) = rows_of(made_up(f"{start}1+1"))
    for text in row.values():
        assert text.lstrip()[:1] not in ("=", "+", "-", "@", "＝")
    assert row["session_label"] == f"'{start}1+1"


def test_quotes_commas_and_line_ends_stay_inside_their_cells() -> None:
    (row,) = rows_of(made_up('a,"b"\r\n;c'))
    assert row["session_label"] == 'a,"b"\r\n;c'


def test_a_long_list_is_cut_on_the_page_and_whole_in_the_files() -> None:
    report = made_up(scans=130)
    page = page_of(report)
    assert "and 30 more: see scans.csv" in page.text
    assert len(rows_of(report)) == 130


def test_scans_are_listed_by_number() -> None:
    one = made_up().sessions[0]
    scans = tuple(replace(one.scans[0], id=name, code="damaged") for name in ("10", "9-MR2", "2", "9-MR10", "_1"))
    page = page_of(made_up(sessions=(replace(one, scans=scans),)))
    seen = [page.text.index(f" {name} plain hold") for name in ("2", "9-MR2", "9-MR10", "10")]
    assert seen == sorted(seen)


def test_reports_are_written_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").touch(mode=0o644)
    paths = write(render(made_up()), tmp_path)
    assert [path.name for path in paths] == ["report.json", "scans.csv", "report.html"]
    assert all(path.stat().st_size for path in paths)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
