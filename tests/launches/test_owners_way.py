"""docs/owner-guide.md, done: an owner with nothing but a browser, from an empty project to a worklist and back."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.launches.browser import Browser, Ended, document
from tests.launches.conftest import Hospital
from tests.pipeline.conftest import CLEAN, MEMBER, OWNER, Person, slices, ultrasound
from xnat_pixelanon.install.commands import SAME_SERVER, SECOND_SERVER, commands
from xnat_pixelanon.reports.proposal import LOOK

GUIDE = (Path(__file__).parents[2] / "docs" / "owner-guide.md").read_text("utf-8")
PROSE = " ".join(GUIDE.split())
"""The guide without its line ends."""
REPORTS, GIVEN = "PIXELANON", "PIXELANON_DOCUMENTS"
PERSON, OTHER = Person.numbered(1), Person.numbered(2)
LABEL, OTHER_LABEL = "VISIT-ONE", "VISIT-TWO"


def example(kind: str) -> dict[str, Any]:
    """The guide's one document of a kind."""
    (found,) = re.findall(rf"^```json {kind}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return document(found.encode())


def still(person: Person, rows: int = 480, **wanted: Any) -> Dataset:
    """An ultrasound still with the name in the first 40 rows."""
    return ultrasound(person, rows=rows, columns=640, burned=(person.banner, (8, 8), 20), **wanted)


def as_text(edited: dict[str, Any]) -> bytes:
    return json.dumps(edited, indent=1).encode()


def the_report(browser: Browser, run: Ended) -> dict[str, Any]:
    """report.json, where the log says that it is."""
    (folder,) = re.findall(r"^report: project STAGING, resource PIXELANON, (reports/\S+/)$", run.out, re.MULTILINE)
    assert {f"{folder}{name}" for name in ("report.json", "report.html", "scans.csv")} <= set(browser.files(REPORTS))
    return document(browser.download(REPORTS, f"{folder}report.json"))


def done(ended: Ended, *sentences: str) -> Ended:
    """The container is Complete, and its log has these sentences, which stand in the guide as they are."""
    assert ended.status == "Complete", ended.log
    for sentence in sentences:
        assert sentence in ended.out, ended.log
        assert f"`{sentence}`" in PROSE, sentence
    return ended


def refused(ended: Ended, sentence: str) -> None:
    """The container is Failed with this sentence, which stands in the guide; below it stands what to do."""
    assert ended.status == "Failed", ended.log
    assert sentence in ended.err.rpartition("error: ")[2], ended.log
    assert f"`{sentence}`" in PROSE, sentence


@pytest.mark.timeout(600)
def test_an_owner_needs_nothing_but_a_browser(hospital: Hospital) -> None:
    first = [still(PERSON), *slices(PERSON, rows=512, columns=512)]
    session = hospital.arrives(LABEL, 1, first)
    owner = hospital.as_(OWNER)

    enables_the_entries(owner)
    sets_up(owner)
    proposed = looks_at_a_dry_run(owner, session)
    stores_documents(owner, proposed)
    arms_and_publishes(owner)
    judge(hospital.as_(OWNER, CLEAN), first)

    publishes_as_they_arrive(hospital, owner)
    hospital.arrives(OTHER_LABEL, 2, [still(OTHER, rows=600, study=2)])
    sees_what_waits(owner)
    stops(owner)
    assert len(hospital.as_(MEMBER, CLEAN).sessions()) == 2


def enables_the_entries(owner: Browser) -> None:
    assert owner.menu() == {}
    told = owner.commands()
    for name in (wrapper["name"] for wrapper in commands()[SAME_SERVER]["xnat"]):
        assert told[SECOND_SERVER, name] == f"Second XNAT. {told[SAME_SERVER, name]}", "told apart where one switches"
    owner.switch_on(SAME_SERVER)
    entries = [*owner.menu(), *owner.menu("xnat:usSessionData")]
    assert entries == [wrapper["label"] for wrapper in commands()[SAME_SERVER]["xnat"]]
    for entry in entries:
        assert f"*{entry}*" in PROSE


def sets_up(owner: Browser) -> None:
    fields = owner.asks("1 Set up publishing")
    assert fields == ["Clean project", "Prefix of clean labels", "Send available scans"]
    for field in fields:
        assert f"*{field}*" in PROSE
    done(
        owner.launch("1 Set up publishing", clean_project=CLEAN, label_prefix="PX-"),
        "policy.json stored as version 1, disarmed: nothing is published yet",
        "the project's key for pseudonyms and UIDs was made",
        "sessions will go to the project CLEAN on this server",
        "copies for you to change are in documents/ of the project resource PIXELANON",
    )


def looks_at_a_dry_run(owner: Browser, session: str) -> dict[str, Any]:
    """Gives the proposal: an entry for each group that nobody decided."""
    run = done(owner.launch("2 Dry run"), "proposal: 2 to look at", "hold: no-template", "sessions: waiting 1")
    report = the_report(owner, run)
    assert report["dry_run"] is True
    assert {scan["code"] for scan in report["sessions"][0]["scans"]} == {"no-template"}
    assert report["sessions"][0]["id"] == session
    proposed = document(owner.download(REPORTS, "documents/proposed/templates.json"))
    shown = example("proposal")
    assert [one["rectangles"] for one in proposed["templates"]] == [LOOK, LOOK]
    assert proposed == shown, "the guide shows what an owner sees"
    return proposed


def stores_documents(owner: Browser, proposed: dict[str, Any]) -> None:
    owner.upload(GIVEN, "templates.json", as_text(proposed))
    refused(owner.launch("3 Store documents"), "templates.json $.templates[0].rectangles: expected array")

    edited = example("templates")
    assert [(one["id"], one["match"]) for one in edited["templates"]] == [
        (one["id"], one["match"]) for one in proposed["templates"]
    ]
    policy = document(owner.download(REPORTS, "documents/policy.json"))
    assert policy | {"mixed": "per-instance"} == example("policy")
    owner.upload(GIVEN, "templates.json", as_text(edited))
    owner.upload(GIVEN, "policy.json", as_text(example("policy")))
    done(
        owner.launch("3 Store documents"),
        "templates.json stored as version 1",
        "policy.json stored as version 2, disarmed",
        "templates: 2 added (ct-512x512, us-480x640)",
        '1 of the new or changed say "looked at, clean": no rectangles',
        "look at a dry run before the next run publishes by these templates",
    )
    run = done(owner.launch("2 Dry run"), "proposal: 0 to look at")
    scans = the_report(owner, run)["sessions"][0]["scans"]
    assert {scan["code"] for scan in scans} == {"template", "looked-at-clean"}


def arms_and_publishes(owner: Browser) -> None:
    refused(owner.launch("5 Publish sessions"), "the policy is not armed: nothing may be published")
    done(owner.launch("4 Arm publishing"), "policy armed: version 3; sessions go to the project CLEAN on this server")
    run = done(owner.launch("5 Publish sessions"), "sessions: published 1")
    assert "worklist: 0 waiting" in run.out
    assert {scan["sent"] for scan in the_report(owner, run)["sessions"][0]["scans"]} == {True}
    assert b"Nothing waits" in owner.download(REPORTS, "worklist.html")
    assert "sessions: unchanged 1" in done(owner.launch("5 Publish sessions")).out


def judge(owner: Browser, sources: list[Dataset]) -> None:
    """What the clean project serves, looked at with pydicom and numpy alone."""
    ((label, session),) = owner.sessions().items()
    assert re.fullmatch(r"PX-[A-Z2-7]+", label)
    contents = [content for scan in owner.images(session).values() for content in scan]
    images = [(content, pydicom.dcmread(io.BytesIO(content))) for content in contents]
    assert sorted(one.Modality for _, one in images) == ["CT", "CT", "CT", "US"]
    secrets = {text.casefold() for text in (*PERSON.strings(), LABEL)} | {
        str(element.value) for source in sources for element in source.iterall() if element.VR == "UI"
        and str(element.value).startswith("2.25.")
    }  # fmt: skip
    for content, copy in images:
        text = content.decode("latin-1").casefold()
        assert [word for word in secrets if len(word) > 3 and word in text] == []
        assert not [element for element in copy.iterall() if element.tag.is_private]
        assert copy.PatientIdentityRemoved == "YES"
        assert copy.BurnedInAnnotation == "NO"
        assert "PX-" in copy.PatientID  # the site's own script puts the label of the arriving session around it
    before = {number: source.pixel_array for number, source in enumerate(sources)}
    (picture,) = (copy.pixel_array for _, copy in images if copy.Modality == "US")
    assert before[0][:40].any(), "a name is burned in"
    assert not picture[:40].any()
    np.testing.assert_array_equal(picture[40:], before[0][40:])
    found = {int(copy.InstanceNumber): copy.pixel_array for _, copy in images if copy.Modality == "CT"}
    for source in sources[1:]:
        np.testing.assert_array_equal(found[int(source.InstanceNumber)], source.pixel_array)


def publishes_as_they_arrive(hospital: Hospital, owner: Browser) -> None:
    site = hospital.site
    site.staging.enable_events()
    for status in ("CREATED", "MERGED"):
        label = f"pixelanon {status} STAGING"
        assert f"`{label}`" in PROSE
        owner.subscribe(label, "SessionEvent", status, "run-session")
    hospital.arrives("VISIT-EVENT", 3, [still(Person.numbered(3), study=3)], announce=True)
    done(hospital.containers()[-1])
    assert len(hospital.as_(MEMBER, CLEAN).sessions()) == 2
    assert site.command("doctor", "--from", "xnat:STAGING", "--events") == 0, "as good as what `install` makes"


def sees_what_waits(owner: Browser) -> None:
    said = done(owner.launch("5 Publish sessions")).out
    for words in ("sessions: waiting 1, unchanged 2", "worklist: 1 waiting", "proposal: 1 to look at"):
        assert words in said
    (row,) = csv.DictReader(io.StringIO(owner.download(REPORTS, "worklist.csv").decode()))
    assert (row["session_label"], row["outcome"], row["why"]) == (OTHER_LABEL, "waiting", "no template matches")
    assert "Look at the group and add a template" in row["what_to_do"]
    page = owner.download(REPORTS, "worklist.html").decode()
    for words in (OTHER_LABEL, "No template matches", "Look at the group and add a template"):
        assert words in page
    proposed = document(owner.download(REPORTS, "documents/proposed/templates.json"))
    assert proposed["based_on"] == 1
    assert [one["id"] for one in proposed["templates"]] == ["ct-512x512", "us-480x640", "us-600x640"]


def stops(owner: Browser) -> None:
    done(owner.launch("Stop publishing"), "policy disarmed: version 4")
    refused(owner.launch("5 Publish sessions"), "the policy is not armed")
