"""Sessions that are withdrawn: out of the clean project, whatever strikes on the way, and never there again unasked."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    QUICK,
    STAGING,
    Attempt,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from tests.pipeline.test_faults import KINDS
from tests.pipeline.test_kill import Killing, killed_after, killed_before, processes, scratch
from tests.pipeline.walk import FIRST_LOOK, Case, Walk, new_session
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.domain.receipt import FILE_NAME, RESOURCE
from xnat_pixelanon.errors import (
    ChangedError,
    ConflictError,
    NotFoundError,
    PixelanonError,
    RefusedError,
    RightsError,
    SessionError,
)
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, SCRIPT_DOCUMENT, RuleFiles
from xnat_pixelanon.pipeline.withdrawing import Withdrawn, withdraw
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault, Status
from xnat_pixelanon.sandbox.person import Person

__all__ = ["processes", "scratch"]

PERSON = Person.numbered(1)
SOURCE = XnatLocation(STAGING)


def withdrawn(site: Site, session: str = "S1", **who: str) -> Withdrawn:
    return withdraw(SOURCE, session, "consent withdrawn", site.environment(**who), QUICK)


def templates_of(site: Site) -> dict[str, Any]:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        stored = XnatDocumentStore(connection, STAGING).load("templates.json")
    found: dict[str, Any] = json.loads(stored.text) if stored else {}
    return found


def give_back(site: Site) -> None:
    """The overrides are taken out again."""
    site.store("templates.json", {**templates_of(site), "overrides": []})


def stored_images(site: Site) -> list[Path]:
    return site.copies()


# What it does


def test_the_override_is_stored_and_the_clean_session_is_gone_with_its_files(site: Site) -> None:
    published = site.run().report.sessions[0]
    before = templates_of(site)
    done = withdrawn(site)
    assert (done.session, done.clean_session, done.stored) == (published.id, published.clean_session, 2)
    assert done.taken is not None
    assert (done.taken.subject_label, done.taken.empty_subject) == (published.clean_subject, True)
    assert site.visible() == {}
    assert stored_images(site) == []
    after = templates_of(site)
    assert after["templates"] == before["templates"]
    assert after["overrides"] == [
        {"session": {"id": published.id, "label": "S1"}, "action": "exclude", "reason": "consent withdrawn"}
    ]


def test_a_run_says_withdrawn_also_when_scans_arrive_later_until_the_override_is_taken_out(site: Site) -> None:
    site.run()
    withdrawn(site)
    report = site.run(strict=True).report
    assert ([one.outcome for one in report.sessions], report.exit_status) == (["withdrawn"], 0)
    assert {scan.code for scan in report.sessions[0].scans} == {"override-exclude"}
    site.seed("S1", [ultrasound(PERSON, rows=70, series=7), *slices(PERSON, 1, series=8)], person=PERSON)
    site.clean.clear_requests()
    assert site.outcomes() == ["withdrawn"]
    assert site.reads_only()
    assert site.outcomes(dry_run=True) == ["withdrawn"]
    give_back(site)
    site.policy(publish="available-scans")
    assert site.outcomes() == ["published"]
    assert list(site.visible().values()) == [["1", "2", "8"]]


def test_a_session_that_was_never_sent_is_withdrawn_all_the_same(site: Site) -> None:
    assert withdrawn(site).taken is None
    assert site.outcomes() == ["withdrawn"]
    assert site.visible() == {}


def test_withdrawing_twice_stores_one_override(site: Site) -> None:
    site.run()
    withdrawn(site)
    again = withdrawn(site)
    assert (again.stored, again.taken) == (None, None)
    assert len(templates_of(site)["overrides"]) == 1


def test_other_sessions_and_a_subject_that_has_more_stay(site: Site) -> None:
    site.seed("S2", slices(PERSON, 1, study=2), person=PERSON)
    first, second = site.run().report.sessions
    done = withdrawn(site, first.id)
    assert done.taken is not None
    assert not done.taken.empty_subject
    assert set(site.visible()) == {second.clean_session}
    assert site.outcomes() == ["withdrawn", "unchanged"]


def test_a_disarmed_policy_does_not_keep_what_is_to_be_taken_back(site: Site) -> None:
    site.run()
    site.policy(enabled=False)
    assert withdrawn(site).taken is not None
    assert site.visible() == {}


@pytest.mark.parametrize("script", [None, "(0008,1030) := nonsense["])
def test_a_script_that_is_missing_or_wrong_does_not_keep_it_either(script: str | None, site: Site) -> None:
    site.run()
    site.policy(headers={"script": "script"})
    if script is not None:
        with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
            XnatDocumentStore(connection, STAGING).push(SCRIPT_DOCUMENT, script, None)
    assert withdrawn(site).taken is not None
    assert site.visible() == {}


def test_a_session_that_staging_no_longer_has_is_withdrawn_by_its_id(site: Site) -> None:
    session = site.run().report.sessions[0].id
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        connection.delete(f"/data/projects/{STAGING}/experiments/{session}?removeFiles=true", "deleting")
    with pytest.raises(NotFoundError):
        withdrawn(site, "S1")
    assert withdrawn(site, session).taken is not None
    assert site.visible() == {}
    with pytest.raises(NotFoundError):
        withdrawn(site, "STAGE_E77777")


def test_a_session_that_was_published_under_another_prefix_is_found_by_its_study(site: Site) -> None:
    site.run()
    site.policy(labels={"prefix": "NEW-"})
    assert withdrawn(site).taken is not None
    assert site.visible() == {}


def test_one_that_staging_no_longer_has_is_found_under_another_prefix_by_its_receipt(site: Site) -> None:
    site.seed("S2", slices(Person.numbered(2), 1, study=2), person=Person.numbered(2))
    gone, other = site.run().report.sessions
    site.policy(labels={"prefix": "NEW-"})
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as owner:
        owner.delete(f"/data/experiments/{gone.id}?removeFiles=true", "deleting", (200,))
    assert withdrawn(site, gone.id).taken is not None
    assert list(site.visible()) == [other.clean_session]


def test_a_withdrawal_is_not_lost_to_somebody_who_stores_templates_at_the_same_moment(site: Site) -> None:
    site.run()
    change = Call(lambda: site.templates(banner_template(note="mine"), clean_template()))
    site.staging.faults.add(Fault("/templates.json", change, method="PUT", nth=1))
    assert withdrawn(site).taken is not None
    stored = templates_of(site)
    assert (stored["templates"][0]["note"], len(stored["overrides"])) == ("mine", 1)
    assert site.outcomes() == ["withdrawn"]


def test_templates_are_made_where_there_are_none(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.policy()
    site.seed("S1", slices(PERSON, 1), person=PERSON)
    assert withdrawn(site).stored == 1
    assert site.outcomes() == ["withdrawn"]


def test_only_an_owner_of_both_projects_withdraws(site: Site) -> None:
    site.run()
    with pytest.raises(RightsError, match="member of the staging project STAGING"):
        withdrawn(site, user=MEMBER)
    site.staging.set_role(STAGING, MEMBER, "owner")
    with pytest.raises(RightsError, match="member of the clean project CLEAN"):
        withdrawn(site, user=MEMBER)
    assert "overrides" not in templates_of(site)
    assert len(site.visible()) == 1


def test_a_session_that_is_only_shared_into_the_project_is_refused(site: Site) -> None:
    site.staging.add_project("OTHER", owner=OWNER)
    theirs = site.staging.seed_session("OTHER", "X", "O1", site.samples[0].files)
    site.staging.share_session(theirs, STAGING)
    with pytest.raises(RefusedError, match="belongs to another project"):
        withdrawn(site, theirs)


def test_a_folder_has_no_store_and_the_hint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        withdraw(DirLocation(tmp_path), "1.2.3", "", {}, QUICK)
    assert "templates file" in caught.value.hint


# What is not ours


def spoil_receipt(site: Site, **changes: str) -> None:
    """The clean session's receipt says something else, or is gone."""
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as connection:
        (row,) = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID&format=json", "listing")
        uri = f"/data/experiments/{row['ID']}/resources/{RESOURCE}"
        receipt = connection.get(f"{uri}/files/{FILE_NAME}", "reading").content
        connection.delete(f"{uri}?removeFiles=true", "removing")
        if changes:
            connection.put(uri, "making", accepted=(200, 201))
            content = json.dumps(json.loads(receipt) | changes).encode()
            connection.put(f"{uri}/files/{FILE_NAME}?inbody=true", "storing", content, accepted=(200, 201))


@pytest.mark.parametrize("how", ["other-source", "no-receipt"])
def test_a_session_without_a_receipt_of_this_source_is_a_conflict_and_stays(how: str, site: Site) -> None:
    site.run()
    spoil_receipt(site, **({"source": "0" * 64} if how == "other-source" else {}))
    with pytest.raises(ConflictError, match="receipt of"):
        withdrawn(site)
    assert "overrides" not in templates_of(site)
    session = site.run(dry_run=True).report.sessions[0]
    whole = {"session": {"id": session.id}, "action": "exclude"}
    site.templates(banner_template(), clean_template(), overrides=[whole])
    report = site.run().report
    assert ([one.outcome for one in report.sessions], report.exit_status) == (["conflict"], 1)
    assert len(site.visible()) == 1


def test_a_session_that_is_shared_under_our_label_is_a_conflict_and_stays_shared(site: Site) -> None:
    ours = site.run().report.sessions[0].clean_session
    withdrawn(site)
    site.clean.add_project("THEIRS", owner=OWNER)
    theirs = site.clean.seed_session("THEIRS", "X", "T1", site.samples[0].files[:1])
    site.clean.share_session(theirs, CLEAN, label=ours)
    with pytest.raises(ConflictError):
        withdrawn(site)
    assert site.outcomes() == ["conflict"]
    assert site.visible().keys() == {ours}


# What strikes on the way


def test_a_run_finishes_what_was_stopped_before_the_deletion(site: Site) -> None:
    clean = site.run().report.sessions[0].clean_session
    site.clean.faults.add(Fault("/experiments", Status(500), method="DELETE", nth=None))
    with pytest.raises(SessionError, match=r"was not deleted.*withdrawn in templates\.json already"):
        withdrawn(site)
    assert site.visible().keys() == {clean}
    site.clean.faults.clear()
    (session,) = site.run().report.sessions
    assert (session.outcome, session.clean_session) == ("withdrawn", clean)
    assert session.note.startswith("the clean session was deleted")
    assert site.visible() == {}
    assert stored_images(site) == []


def test_a_server_that_says_yes_and_deletes_nothing_is_not_believed(site: Site) -> None:
    site.run()
    site.clean.faults.add(Fault("/experiments", Status(200, ""), method="DELETE", nth=None))
    with pytest.raises(SessionError, match="was not deleted"):
        withdrawn(site)


def test_a_lost_answer_of_a_deletion_is_found_out(site: Site) -> None:
    site.run()
    site.clean.faults.add(Fault("/experiments", Cut(), method="DELETE", when="after"))
    assert withdrawn(site).taken is not None
    assert site.visible() == {}


def test_a_run_takes_nothing_back_once_it_is_disarmed_or_the_override_is_gone(site: Site) -> None:
    session = site.run().report.sessions[0]
    whole = {"session": {"id": session.id}, "action": "exclude"}
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: site.policy(enabled=False), "disarmed"),
        (lambda: give_back(site), "no longer withdrawn"),
        (lambda: site.accept(), "has not accepted"),
    ]
    for change, said in changes:
        site.policy()
        site.templates(banner_template(), clean_template(), overrides=[whole])
        site.accept(site.fingerprint())
        site.clean.faults.add(Fault("/prearchive/projects/CLEAN", Call(change)))
        ended = site.attempt()
        site.clean.faults.clear()
        assert ended.outcomes == ("failed",)
        assert said in ended.said
        assert site.visible().keys() == {session.clean_session}


def test_a_run_at_work_does_not_publish_what_is_withdrawn_meanwhile(site: Site) -> None:
    """Before it is sent, and between the last look in the prearchive and the gate."""
    changed = "the decision for this session changed"
    for path, nth, said in (("/services/import", 1, changed), ("/prearchive/", 4, ""), ("/prearchive/", 8, changed)):
        site.templates(banner_template(), clean_template())
        site.clean.faults.add(Fault(path, Call(lambda: withdrawn(site)), nth=nth))
        ended = site.attempt()
        site.clean.faults.clear()
        assert ended.outcomes == ("failed",)
        assert said in ended.said
        assert site.visible() == {}
    assert site.outcomes() == ["withdrawn"]
    assert stored_images(site) == []


def test_what_is_being_archived_when_the_session_is_withdrawn_is_waited_for_and_taken_back(
    make_site: Callable[..., Site],
) -> None:
    """Its run is past the gate already, and nothing stands there yet."""
    site = make_site(archive_delay=0.6)
    site.templates(banner_template(), clean_template())
    site.policy()
    site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    ended: list[Attempt] = []
    running = threading.Thread(target=lambda: ended.append(site.attempt()))
    running.start()
    with connect(Credentials(site.clean.url, OWNER, PASSWORD)) as owner:
        uri = f"/data/prearchive/projects/{CLEAN}?format=json"
        while not any(row["status"] == "ARCHIVING" for row in owner.rows(uri, "listing")):
            assert running.is_alive()
            time.sleep(0.01)
    withdrawn(site)
    gone = (site.visible(), stored_images(site))
    running.join(30)
    assert gone == ({}, [])
    assert ended[0].outcomes in (("failed",), ("published",))
    assert site.visible() == {}
    assert stored_images(site) == []


@pytest.mark.parametrize(("grown", "parts"), [(False, 1), (True, 3)], ids=["new", "grown"])
def test_a_withdrawal_inside_a_run_at_any_of_its_requests_leaves_nothing(grown: bool, parts: int, armed: Site) -> None:
    """Of the first run of a session; and, at every third request, of one that adds a scan to it."""
    with Walk(armed, armed.clean, grown=grown, first=FIRST_LOOK, parts=parts) as walk:
        for case in walk.cases():
            inner: list[Attempt] = []

            def withdraw_it(case: Case = case, inner: list[Attempt] = inner) -> None:
                inner.append(try_to_withdraw(armed, case.session))

            ended = case.run([Fault(".*", Call(withdraw_it), nth=case.request)])
            assert [one.status for one in inner] == [0], f"{case.what}; {inner}"
            assert ended.outcomes[0] in ("failed", "published", "grown"), case.what
            assert "internal error" not in ended.said, case.what
            assert case.seen() is None, case.what
            (label,) = ended.clean_sessions
            assert not [path for path in stored_images(armed) if label in str(path)], case.what


@pytest.mark.parametrize("path", ["/services/archive", "receipt.json"])
def test_what_a_dying_run_left_of_a_withdrawn_session_is_removed_by_the_next(path: str, site: Site) -> None:
    """Hidden and without a receipt, or in the prearchive: nobody sees it, and it holds copies all the same."""
    site.clean.faults.add(Fault(path, Cut(), nth=1, times=1_000_000, method="POST" if "archive" in path else "PUT"))
    site.clean.faults.add(Fault("/prearchive/.*PXA", Status(500), method="DELETE", nth=None))
    assert site.attempt().outcomes == ("failed",)
    site.clean.faults.clear()
    assert stored_images(site) != []
    withdrawn(site)
    assert stored_images(site) == []
    assert site.outcomes() == ["withdrawn"]


class Withdrawing(Walk):
    """Over every request of a `withdraw` of a session that is published."""

    def _session(self, number: int) -> tuple[str, str, Any]:
        session = new_session(self.site, number)
        done = self.site.attempt(sessions=(session,))
        assert done.status == 0, done
        (label,) = done.clean_sessions
        return session, label, self.member.sees(label)

    def _requests_of_an_undisturbed_run(self) -> list[str]:
        for number in (1, 2):
            session, _, _ = self._session(number)
            self.server.clear_requests()
            assert try_to_withdraw(self.site, session).status == 0
        return [one.method for one in self.server.requests]


def try_to_withdraw(site: Site, session: str) -> Attempt:
    try:
        done = withdraw(SOURCE, session, "", site.environment(), QUICK)
    except PixelanonError as error:
        return Attempt(error.exit_code, error.message, (), ())
    return Attempt(0, "", ("withdrawn",), (done.clean_session,))


def is_finished_by(walk: Walk, case: Case, again: str) -> None:
    """All of it is there or nothing; where the override was stored, the next run or `withdraw` ends it."""
    assert case.seen() in (case.before, None), case.what
    stands = any(one["session"]["id"] == case.session for one in templates_of(walk.site).get("overrides", ()))
    assert stands or case.seen() == case.before, case.what
    if again == "run" and stands:
        ended = walk.site.attempt(sessions=(case.session,))
        assert (ended.status, ended.outcomes) == (0, ("withdrawn",)), f"{case.what}; {ended}"
    else:
        ended = try_to_withdraw(walk.site, case.session)
        assert ended.status == 0, f"{case.what}; {ended}"
    assert case.seen() is None, case.what


@pytest.mark.parametrize(
    ("kind", "server", "parts"),
    [("500", "clean", 1), ("500", "staging", 2), ("answer-lost", "clean", 1), ("server-gone", "clean", 2)],
)
def test_a_fault_at_any_request_of_a_withdrawal_is_made_good_by_the_next(
    kind: str, server: str, parts: int, armed: Site
) -> None:
    """Of a server that is gone, and of staging, every other request is taken."""
    with Withdrawing(armed, getattr(armed, server), writes=kind == "answer-lost", parts=parts) as walk:
        for case in walk.cases():
            ended = case.watched(KINDS[kind](case.request), lambda case=case: try_to_withdraw(armed, case.session))
            assert ended.status in (0, 1, 3), case.what
            assert ended.status or case.seen() is None, case.what
            is_finished_by(walk, case, "run" if case.request % 4 < 2 else "withdraw")


def test_a_run_inside_a_withdrawal_at_any_of_its_requests_leaves_nothing(armed: Site) -> None:
    """It publishes nothing anew, and one that was there before the override is the withdrawal's to delete."""
    with Withdrawing(armed, armed.clean) as walk:
        for case in walk.cases():
            inner: list[Attempt] = []

            def run_it(case: Case = case, inner: list[Attempt] = inner) -> None:
                inner.append(armed.attempt(sessions=(case.session,)))

            fault = Fault(".*", Call(run_it), nth=case.request)
            ended = case.watched([fault], lambda case=case: try_to_withdraw(armed, case.session))
            assert ended.status == 0, case.what
            assert inner[0].outcomes[0] in ("unchanged", "withdrawn"), f"{case.what}; {inner}"
            assert case.seen() is None, case.what


def withdraw_in_child(environment: dict[str, str], session: str, scratch: str) -> None:
    """What the process that is killed does."""
    tempfile.tempdir = scratch
    withdraw(SOURCE, session, "", environment, QUICK)
    os._exit(0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_withdrawal_that_is_killed_is_finished_by_the_next_run(
    when: str, armed: Site, processes: Any, scratch: Path
) -> None:
    """Before every third request, and when a writing one was carried out."""
    faults = killed_before if when == "before" else killed_after
    with Withdrawing(armed, armed.clean, writes=when == "after", parts=3 if when == "before" else 1) as walk:
        for case in walk.cases():
            kill = Killing(processes, armed.environment(), scratch, withdraw_in_child)
            case.watched(faults(kill, case.request), lambda kill=kill, case=case: kill.run(case))
            is_finished_by(walk, case, "run")


# Folders


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """The images as a folder source, published into `out`."""
    shutil.copytree(site.staging.session_folder("STAGE_E00001") / "SCANS", tmp_path / "in")
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        for name in ("templates.json", "policy.json", KEY_DOCUMENT):
            stored = XnatDocumentStore(connection, STAGING).load(name)
            assert stored is not None
            (tmp_path / name).write_text(stored.text)
    assert folder_run(site, tmp_path) == ["published"]
    return tmp_path


def folder_run(site: Site, folder: Path) -> list[str]:
    files = RuleFiles(folder / "templates.json", folder / "policy.json", folder / KEY_DOCUMENT)
    return site.outcomes(source=DirLocation(folder / "in"), destination=DirLocation(folder / "out"), files=files)


@pytest.fixture
def withdrawn_folder(site: Site, folder: Path) -> Path:
    """The same with an override in its templates file."""
    study = site.run(dry_run=True, source=DirLocation(folder / "in"), files=RuleFiles(folder / "templates.json"))
    whole = {"session": {"id": study.report.sessions[0].id}, "action": "exclude"}
    rules = json.loads((folder / "templates.json").read_text())
    (folder / "templates.json").write_text(json.dumps(rules | {"overrides": [whole]}))
    return folder


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_override_in_the_templates_file_takes_a_session_of_a_folder_back(site: Site, withdrawn_folder: Path) -> None:
    for _ in range(2):
        assert folder_run(site, withdrawn_folder) == ["withdrawn"]
        assert list((withdrawn_folder / "out").iterdir()) == []


def test_a_folder_that_is_not_ours_is_a_conflict_and_stays(site: Site, withdrawn_folder: Path) -> None:
    (receipt,) = (withdrawn_folder / "out").rglob(FILE_NAME)
    receipt.write_text(json.dumps(json.loads(receipt.read_text()) | {"source": "0" * 64}))
    before = everything(withdrawn_folder / "out")
    assert folder_run(site, withdrawn_folder) == ["conflict"]
    assert everything(withdrawn_folder / "out") == before


def test_a_removal_that_died_is_never_seen_in_part_and_finished_by_the_next_run(
    site: Site, withdrawn_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = withdrawn_folder / "out"

    def die(path: Path, **_: object) -> None:
        if path.is_relative_to(out):
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("xnat_pixelanon.archive.dir_destination.shutil.rmtree", die)
        assert folder_run(site, withdrawn_folder) == ["failed"]
    assert list(out.glob("[!.]*/[!.]*")) == []
    assert everything(out) != []
    assert folder_run(site, withdrawn_folder) == ["withdrawn"]
    assert everything(out) == []


def test_a_session_that_was_sent_to_a_folder_from_xnat_is_taken_back_by_the_next_run(
    site: Site, tmp_path: Path
) -> None:
    to = DirLocation(tmp_path / "out")
    assert site.outcomes(destination=to) == ["published"]
    withdrawn(site)
    assert site.outcomes(destination=to) == ["withdrawn"]
    assert everything(tmp_path / "out") == []


def test_the_gate_of_a_removal_is_asked_first(site: Site, withdrawn_folder: Path) -> None:
    from xnat_pixelanon.archive import DirDestination
    from xnat_pixelanon.archive.ports import Claim
    from xnat_pixelanon.pipeline.setup import pixel_digest_of

    (receipt,) = (withdrawn_folder / "out").rglob(FILE_NAME)
    claim = Claim(receipt.parent.name, json.loads(receipt.read_text())["source"])

    def refuse() -> None:
        raise ChangedError("no")

    before = everything(withdrawn_folder / "out")
    with pytest.raises(ChangedError):
        DirDestination(withdrawn_folder / "out", pixel_digest_of).take_back(claim, refuse)
    assert everything(withdrawn_folder / "out") == before
