"""Sessions that would be sent differently now: replaced or taken back as the policy says, whatever strikes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pydicom
import pytest

from tests.pipeline.conftest import (
    CLEAN,
    MEMBER,
    OWNER,
    PASSWORD,
    STAGING,
    Attempt,
    InProcess,
    Member,
    Seen,
    Site,
    banner_template,
    clean_template,
    slices,
    ultrasound,
)
from tests.pipeline.test_faults import KINDS
from tests.pipeline.test_kill import Killing, killed_after, killed_before, processes, scratch
from tests.pipeline.test_midway import OneDies
from tests.pipeline.test_withdraw import try_to_withdraw
from tests.pipeline.walk import FIRST_LOOK, Case, Walk, counts, new_session
from xnat_pixelanon.archive import Credentials, DirLocation, XnatDocumentStore, connect
from xnat_pixelanon.errors import RightsError
from xnat_pixelanon.pipeline.pool import Done
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, RuleFiles
from xnat_pixelanon.pipeline.work import clean, read
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault, Status
from xnat_pixelanon.sandbox.person import Person

__all__ = ["processes", "scratch"]

PERSON = Person.numbered(1)
OLD, NEW = 24, 34
EXCLUDED = {"match": {"modality": "CT"}, "reason": "not any more"}
SECOND = "it replaced the session that was published before"


def store(site: Site, rows: int, **more: Any) -> None:
    """Templates that blacken so many rows at the top."""
    rectangle = {"top": 0, "left": 0, "bottom": rows, "right": 96}
    site.templates(banner_template(rectangles=[rectangle]), clean_template(), **more)


def black_rows(site: Site) -> set[int]:
    """How far down the ultrasounds of the clean server are black."""
    found = set()
    for path in site.copies():
        ds = pydicom.dcmread(path)
        if ds.Modality == "US":
            found.add(next(row for row, line in enumerate(ds.pixel_array) if line.any()))
    return found


def deletions(site: Site) -> list[str]:
    """Of sessions, scans and images."""
    deleted = [one.path for one in site.clean.requests if one.method == "DELETE" and "/experiments/" in one.path]
    return [path for path in deleted if not path.endswith("/released.txt")]


@pytest.fixture
def published(site: Site) -> Site:
    """The session is published with the old rectangle; then the new one is stored."""
    store(site, OLD)
    assert site.outcomes() == ["published"]
    store(site, NEW)
    site.clean.clear_requests()
    return site


# What it does


def test_report_says_stale_and_changes_nothing(published: Site) -> None:
    assert published.outcomes() == ["stale"]
    assert published.reads_only()
    assert black_rows(published) == {OLD}


@pytest.mark.parametrize("by", ["policy", "option"])
def test_a_stale_session_is_replaced_under_its_label_and_the_report_says_so(by: str, published: Site) -> None:
    (label,) = published.visible()
    if by == "policy":
        published.policy(on_change="replace")
    (session,) = published.run(replace=by == "option").report.sessions
    assert (session.outcome, session.note, session.error) == ("published", SECOND, "")
    assert all(scan.sent for scan in session.scans)
    assert published.visible() == {label: ["1", "2"]}
    assert black_rows(published) == {NEW}
    assert len(published.copies()) == 4
    assert len(deletions(published)) == 1
    assert published.outcomes(replace=True) == ["unchanged"]
    assert published.sweep().leaks == ()


def test_with_withdraw_a_stale_session_is_taken_back_and_comes_again_as_a_new_one(published: Site) -> None:
    published.policy(on_change="withdraw")
    (session,) = published.run().report.sessions
    assert (session.outcome, session.note.split(";")[0]) == (
        "withdrawn",
        "the clean session was deleted: it was stale",
    )
    assert published.copies() == []
    assert published.outcomes() == ["published"]
    assert black_rows(published) == {NEW}


def test_what_is_no_longer_allowed_is_reported_first_and_strict_counts_it(site: Site) -> None:
    site.run()
    store(site, OLD, exclusions=[EXCLUDED])
    site.clean.clear_requests()
    report = site.run(strict=True).report
    assert ([one.outcome for one in report.sessions], report.exit_status) == (["no-longer-allowed"], 4)
    assert site.reads_only()


def test_replacing_what_is_no_longer_allowed_publishes_what_still_is(site: Site) -> None:
    site.run()
    (label,) = site.visible()
    store(site, OLD, exclusions=[EXCLUDED])
    report = site.run(replace=True, strict=True).report
    assert ([one.outcome for one in report.sessions], report.exit_status) == (["published"], 0)
    assert report.sessions[0].note == SECOND
    assert site.visible() == {label: ["1"]}
    assert len(site.copies()) == 1
    assert site.outcomes(replace=True) == ["unchanged"]


def test_replacing_with_nothing_left_to_send_takes_the_session_back(site: Site) -> None:
    site.run()
    store(site, OLD, exclusions=[EXCLUDED, {"match": {"modality": "US"}}])
    (session,) = site.run(replace=True).report.sessions
    assert (session.outcome, session.note.split(";")[0]) == (
        "withdrawn",
        "the clean session was deleted: it was no-longer-allowed",
    )
    assert site.copies() == []
    assert site.outcomes(replace=True) == ["nothing-to-send"]


def test_withdrawing_what_is_no_longer_allowed(site: Site) -> None:
    site.run()
    store(site, OLD, exclusions=[EXCLUDED])
    site.policy(on_change="withdraw")
    assert site.outcomes() == ["withdrawn"]
    assert site.copies() == []


def test_held_scans_keep_a_replacement_waiting_and_nothing_is_taken_away(site: Site) -> None:
    """CT is held now: the old session stays and is said first; available-scans replaces it without them."""
    site.run()
    (label,) = site.visible()
    site.templates(banner_template())
    site.policy(on_change="replace")
    site.clean.clear_requests()
    assert site.outcomes() == ["no-longer-allowed"]
    assert site.reads_only()
    site.policy(on_change="replace", publish="available-scans")
    assert site.outcomes() == ["published"]
    assert site.visible() == {label: ["1"]}


def test_scans_that_only_came_later_are_added_and_replace_nothing(site: Site) -> None:
    site.run()
    site.seed("S1", slices(PERSON, 2, series=7), person=PERSON)
    site.clean.clear_requests()
    assert site.outcomes(replace=True) == ["grown"]
    assert deletions(site) == []


def test_a_dry_run_replaces_nothing(published: Site) -> None:
    published.policy(on_change="replace")
    assert published.outcomes(dry_run=True) == ["planned"]
    assert published.clean.requests == []


def test_a_copy_that_is_not_proved_replaces_nothing(published: Site) -> None:
    report = published.run(workers=OneDies(clean), replace=True).report
    assert ([one.outcome for one in report.sessions], report.exit_status) == (["stale"], 5)
    assert deletions(published) == []
    assert black_rows(published) == {OLD}
    store(published, NEW, exclusions=[EXCLUDED])
    assert [one.outcome for one in published.run(workers=OneDies(clean), replace=True).report.sessions] == [
        "no-longer-allowed"
    ]
    assert deletions(published) == []


def empty(site: Site) -> None:
    """The images of the session are deleted in staging; the session stays."""
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        for scan in ("1", "2"):
            connection.delete(f"/data/experiments/STAGE_E00001/scans/{scan}?removeFiles=true", "deleting")


def test_a_session_that_staging_emptied_is_stale_and_taken_back_where_the_policy_says_so(site: Site) -> None:
    site.run()
    empty(site)
    site.clean.clear_requests()
    assert site.outcomes() == ["stale"]
    assert site.reads_only()
    site.policy(on_change="withdraw")
    assert site.outcomes() == ["withdrawn"]
    assert site.copies() == []
    assert site.outcomes() == ["nothing-to-send"]


class AllDie(InProcess):
    """Workers that die over every file that they are to read."""

    def each(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Done[Any]]:
        if function is read:
            yield from (Done(number, None) for number, _ in enumerate(tasks))
        else:
            yield from super().each(function, tasks)


@pytest.mark.parametrize(
    ("on_change", "outcome"),
    [("report", "no-longer-allowed"), ("replace", "no-longer-allowed"), ("withdraw", "withdrawn")],
)
def test_a_published_session_of_which_nothing_can_be_read_now_is_no_longer_allowed(
    on_change: str, outcome: str, site: Site
) -> None:
    site.policy(on_change=on_change)
    assert [one.outcome for one in site.run(workers=AllDie()).report.sessions] == ["waiting"]
    site.run()
    report = site.run(workers=AllDie(), strict=True).report
    assert ([one.outcome for one in report.sessions], report.exit_status) == ([outcome], 4)
    assert (site.copies() == []) == (outcome == "withdrawn")


def test_only_an_owner_may_ask_for_more_than_the_policy_says(published: Site) -> None:
    published.policy(launchers="members")
    published.clean.set_role(CLEAN, MEMBER, "owner")
    with pytest.raises(RightsError, match="--replace does more than the policy says"):
        published.run(replace=True, environment=published.environment(MEMBER))
    published.policy(launchers="members", on_change="replace")
    assert published.outcomes(replace=True, environment=published.environment(MEMBER)) == ["published"]


def test_a_session_that_others_put_in_our_place_is_not_deleted(published: Site) -> None:
    with connect(Credentials(published.clean.url, OWNER, PASSWORD)) as connection:
        (row,) = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID&format=json", "listing")
        uri = f"/data/experiments/{row['ID']}/resources/PIXELANON/files/receipt.json"
        receipt = json.loads(connection.get(uri, "reading").content)
        content = json.dumps(receipt | {"source": "0" * 64}).encode()
        connection.put(f"{uri}?inbody=true&overwrite=true", "storing", content, accepted=(200, 201))
    ended = published.attempt(replace=True)
    assert (ended.status, ended.outcomes) == (1, ("failed",))
    assert "the receipt of another source" in ended.said
    assert deletions(published) == []


# The order of things


def test_the_old_session_is_deleted_once_the_new_one_is_verified_and_nobody_ever_sees_two_or_half(
    published: Site,
) -> None:
    """At every request a member looks, and the prearchive at the deletion."""
    seen: list[dict[str, list[str]]] = []
    waiting: list[list[str]] = []
    busy = []
    with (
        connect(Credentials(published.clean.url, MEMBER, PASSWORD)) as connection,
        connect(Credentials(published.clean.url, OWNER, PASSWORD)) as owner,
    ):
        member = Member(connection)
        before = next(iter(member.labels()))

        def look() -> None:
            if not busy:
                busy.append(True)
                found = {label: member.sees(label) for label in member.labels()}
                seen.append({label: sorted(one or {}) for label, one in found.items()})
                busy.clear()

        def look_inside() -> None:
            busy.append(True)
            rows = owner.rows(f"/data/prearchive/projects/{CLEAN}?format=json", "listing")
            waiting.append([row["status"] for row in rows])
            busy.clear()

        published.clean.faults.add(Fault("/experiments/", Call(look_inside), method="DELETE"))
        published.clean.faults.add(Fault(".*", Call(look), nth=None))
        assert published.attempt(replace=True).outcomes == ("published",)
        published.clean.faults.clear()
    assert waiting == [["READY"]]
    states = [one for number, one in enumerate(seen) if number == 0 or one != seen[number - 1]]
    assert states == [{before: ["1", "2"]}, {}, {before: ["1", "2"]}]


@pytest.mark.parametrize(
    ("how", "said"),
    [("disarmed", "was disarmed"), ("report", "policy changed"), ("old", "the decision for this session")],
)
def test_what_changes_before_the_deletion_stops_it(how: str, said: str, published: Site) -> None:
    published.policy(on_change="replace")
    changes: dict[str, Callable[[], object]] = {
        "disarmed": lambda: published.policy(on_change="replace", enabled=False),
        "report": published.policy,
        "old": lambda: store(published, OLD + 2),
    }
    published.clean.faults.add(Fault("/services/import", Call(changes[how])))
    ended = published.attempt()
    assert ended.outcomes == ("failed",)
    assert said in ended.said
    assert deletions(published) == []
    assert black_rows(published) == {OLD}


@pytest.mark.parametrize("how", ["disarmed", "old"])
def test_what_changes_before_a_withdrawal_by_the_policy_stops_it(how: str, published: Site) -> None:
    published.policy(on_change="withdraw")
    changes: dict[str, Callable[[], object]] = {
        "disarmed": lambda: published.policy(on_change="withdraw", enabled=False),
        "old": lambda: store(published, OLD),
    }
    published.clean.faults.add(Fault("/prearchive/projects/CLEAN", Call(changes[how])))
    assert published.attempt().outcomes == ("failed",)
    assert deletions(published) == []


def test_a_deletion_that_does_nothing_is_noticed_before_the_two_are_merged(published: Site) -> None:
    published.clean.faults.add(Fault("/experiments/", Status(200, ""), method="DELETE", nth=None))
    ended = published.attempt(replace=True)
    assert ended.outcomes == ("failed",)
    assert "was not deleted" in ended.said
    assert black_rows(published) == {OLD}
    published.clean.faults.clear()
    assert published.outcomes(replace=True) == ["published"]
    assert black_rows(published) == {NEW}


def test_an_archive_call_that_fails_after_the_deletion_says_what_is_gone(published: Site) -> None:
    published.clean.faults.add(Fault("/services/archive", Status(500), nth=None))
    ended = published.attempt(replace=True)
    assert ended.outcomes == ("failed",)
    assert "the session that it was to replace is deleted already" in ended.said
    assert published.visible() == {}
    published.clean.faults.clear()
    assert published.outcomes() == ["published"]
    assert black_rows(published) == {NEW}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/services/import"),
        ("DELETE", "/experiments/"),
        ("POST", "/services/archive"),
        ("PUT", "receipt.json"),
        ("PUT", "/experiments/CLEAN_E"),
    ],
    ids=["sent", "deleted", "archived", "receipt", "activated"],
)
@pytest.mark.parametrize("matching", ["conflict", "keep", "replace"])
def test_a_second_replacement_inside_the_first_ends_in_one_session(
    matching: str, method: str, path: str, make_site: Callable[..., Site]
) -> None:
    site = make_site(matching_files=matching)
    store(site, OLD)
    site.policy(on_change="replace")
    site.seed("S1", [ultrasound(PERSON), *slices(PERSON)], person=PERSON)
    site.run()
    store(site, NEW)
    inner: list[Attempt] = []
    site.clean.faults.add(Fault(path, Call(lambda: inner.append(site.attempt())), method=method))
    outer = site.attempt()
    site.clean.faults.clear()
    assert {outer.outcomes[0], inner[0].outcomes[0]} <= {"published", "unchanged", "failed"}
    assert site.outcomes()[0] in ("unchanged", "published")
    assert list(site.visible().values()) == [["1", "2"]]
    assert black_rows(site) == {NEW}
    assert len(site.copies()) == 4


# A fault, or a kill, at each request


class Replacing(Walk):
    """Over every request of a run that replaces a session."""

    def _session(self, number: int) -> tuple[str, str, Seen | None]:
        store(self.site, OLD)
        session = new_session(self.site, number)
        done = self.site.attempt(sessions=(session,))
        assert done.status == 0, done
        (label,) = done.clean_sessions
        store(self.site, NEW)
        return session, label, self.member.sees(label)

    def _requests_of_an_undisturbed_run(self) -> list[str]:
        methods = super()._requests_of_an_undisturbed_run()
        paths = [f"{one.method} {one.path}" for one in self.server.requests]
        self.deletion = 1 + next(number for number, one in enumerate(paths) if re.match("DELETE .*/experiments/", one))
        return methods


def state(case: Case) -> Literal["old", "new", "none"]:
    """What a member sees: all of the old session, all of the new one, or nothing; fails for anything else."""
    seen = case.seen()
    if seen is None:
        return "none"
    if seen == case.before:
        return "old"
    assert case.before is not None
    assert counts(seen) == counts(case.before), case.what
    assert seen["1"] != case.before["1"], case.what
    return "new"


def is_completed(walk: Walk, case: Case) -> None:
    again = walk.site.attempt(sessions=(case.session,))
    assert (again.status, again.said) == (0, ""), f"{case.what}; then {again}"
    assert again.outcomes[0] in ("published", "unchanged"), f"{case.what}; then {again}"
    assert state(case) == "new", case.what


@pytest.fixture
def replacing(armed: Site) -> Site:
    armed.policy(on_change="replace")
    return armed


@pytest.mark.parametrize(
    ("kind", "first", "parts", "writes"),
    [
        ("500", FIRST_LOOK, 2, False),
        ("html", FIRST_LOOK, 3, False),
        ("answer-lost", 1, 1, True),
        ("server-gone", 1, 1, True),
        ("answer-lost-and-server-gone", 1, 1, True),
    ],
)
def test_a_fault_at_any_request_of_a_replacement_leaves_the_old_session_the_new_one_or_none(
    kind: str, first: int, parts: int, writes: bool, replacing: Site
) -> None:
    with Replacing(replacing, replacing.clean, writes=writes, first=first, parts=parts) as walk:
        for case in walk.cases():
            ended = case.run(KINDS[kind](case.request))
            found = state(case)
            assert (ended.status == 0) == (ended.said == ""), case.what
            assert ended.status or found == "new", case.what
            if case.request < walk.deletion:
                assert found in ("old", "new"), case.what
            if ended.status:
                is_completed(walk, case)
            assert len(walk.waiting()) <= 1, case.what


def test_a_withdrawal_inside_a_replacement_at_any_of_its_requests_leaves_nothing(replacing: Site) -> None:
    """At every other request: neither the old session nor the new one, nor a copy in the prearchive."""
    with Replacing(replacing, replacing.clean, first=FIRST_LOOK, part=1, parts=2) as walk:
        for case in walk.cases():
            inner: list[Attempt] = []

            def withdraw_it(case: Case = case, inner: list[Attempt] = inner) -> None:
                inner.append(try_to_withdraw(replacing, case.session))

            ended = case.run([Fault(".*", Call(withdraw_it), nth=case.request)])
            assert [one.status for one in inner] == [0], f"{case.what}; {inner}"
            assert ended.outcomes[0] in ("failed", "published"), case.what
            assert "internal error" not in ended.said, case.what
            assert case.seen() is None, case.what
            assert not [path for path in replacing.copies() if case.label in str(path)], case.what


@pytest.mark.parametrize(
    ("when", "part"), [("after", 0), ("before", 0), pytest.param("before", 1, marks=pytest.mark.long)]
)
def test_a_replacement_that_is_killed_is_finished_by_the_next_run(
    when: str, part: int, replacing: Site, processes: Any, scratch: Path
) -> None:
    """When a writing request was carried out, and before each from the first look on; half of these is a long test."""
    faults = killed_before if when == "before" else killed_after
    parts = 2 if when == "before" else 1
    clean = replacing.clean
    with Replacing(replacing, clean, writes=when == "after", first=FIRST_LOOK, part=part, parts=parts) as walk:
        for case in walk.cases():
            kill = Killing(processes, replacing.environment(), scratch)
            case.watched(faults(kill, case.request), lambda kill=kill, case=case: kill.run(case))
            found = state(case)
            assert case.request >= walk.deletion or found == "old", case.what
            is_completed(walk, case)
            assert len(walk.waiting()) <= 1, case.what


def test_a_lost_answer_of_the_deletion_changes_nothing(published: Site) -> None:
    published.clean.faults.add(Fault("/experiments/", Cut(), method="DELETE", when="after"))
    assert published.attempt(replace=True).outcomes == ("published",)
    assert black_rows(published) == {NEW}


# Folders


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """A folder source whose copies are published into `out`, before the rectangle was made larger."""
    shutil.copytree(site.staging.session_folder("STAGE_E00001") / "SCANS", tmp_path / "in")
    store(site, OLD)
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        for name in ("templates.json", "policy.json", KEY_DOCUMENT):
            stored = XnatDocumentStore(connection, STAGING).load(name)
            assert stored is not None
            (tmp_path / name).write_text(stored.text)
    assert folder_run(site, tmp_path) == ["published"]
    text = (tmp_path / "templates.json").read_text()
    (tmp_path / "templates.json").write_text(text.replace(f'"bottom": {OLD}', f'"bottom": {NEW}'))
    return tmp_path


def folder_run(site: Site, folder: Path, **options: Any) -> list[str]:
    files = RuleFiles(folder / "templates.json", folder / "policy.json", folder / KEY_DOCUMENT)
    wanted = {"source": DirLocation(folder / "in"), "destination": DirLocation(folder / "out"), "files": files}
    return site.outcomes(**wanted, **options)


def black_in(folder: Path) -> set[int]:
    """How far down the ultrasounds of a folder are black, of those that can be seen."""
    shown = list((folder / "out").glob("[!.]*/[!.]*/**/*.dcm"))
    images = [pydicom.dcmread(path) for path in shown]
    assert not images or len(images) == 4
    return {
        next(row for row, line in enumerate(one.pixel_array) if line.any()) for one in images if one.Modality == "US"
    }


def test_a_session_of_a_folder_is_replaced_or_taken_back_likewise(site: Site, folder: Path) -> None:
    assert folder_run(site, folder) == ["stale"]
    assert black_in(folder) == {OLD}
    assert folder_run(site, folder, replace=True) == ["published"]
    assert black_in(folder) == {NEW}
    assert list((folder / "out").rglob(".*")) == []
    assert folder_run(site, folder, replace=True) == ["unchanged"]
    policy = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps(policy | {"on_change": "withdraw"}))
    text = (folder / "templates.json").read_text()
    (folder / "templates.json").write_text(text.replace(f'"bottom": {NEW}', '"bottom": 40'))
    assert folder_run(site, folder) == ["withdrawn"]
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("how", ["fails", "dies"])
def test_a_replacement_in_a_folder_that_stops_at_a_rename_is_finished_by_the_next_run(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, nth: int, how: str
) -> None:
    """Of aside, into place; the third is the one that puts the old session back."""
    real, calls = Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        if path.is_relative_to(folder / "out"):
            calls.append(path)
            if len(calls) == nth or (nth == 3 and len(calls) == 2):
                raise OSError(5, "Input/output error")
            if how == "dies" and len(calls) > nth:
                raise OSError(5, "nothing is done any more")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        assert folder_run(site, folder, replace=True) == ["failed"]
    assert black_in(folder) == ({OLD} if nth == 1 or (nth == 2 and how == "fails") else set())
    assert folder_run(site, folder, replace=True) == ["published"]
    assert black_in(folder) == {NEW}


def test_a_rival_that_replaced_it_first_in_a_folder_is_left_there(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename
    inner: list[list[str]] = []

    def rename(path: Path, target: Path) -> Path:
        if path.is_relative_to(folder / "out") and not inner:
            inner.append([])
            inner[0] = folder_run(site, folder, replace=True)
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        assert folder_run(site, folder, replace=True) == ["unchanged"]
    assert inner == [["published"]]
    assert black_in(folder) == {NEW}
