"""Two stand-in XNATs and a small staging project; runs happen in this process, over real HTTP, with real files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from xnat_pixelanon.archive import (
    Credentials,
    Timeouts,
    Waits,
    XnatConnection,
    XnatDocumentStore,
    XnatLocation,
    connect,
)
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.pipeline.pool import Done, Workers
from xnat_pixelanon.pipeline.rules import KEY_DOCUMENT, key_fingerprint, new_key
from xnat_pixelanon.pipeline.run import RunResult, new_run_id, run
from xnat_pixelanon.pipeline.setup import Pace, RunOptions, prepared
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom, save
from xnat_pixelanon.sandbox.sample_session import BurnedText, SampleSession, own_uids
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings
from xnat_pixelanon.sandbox.sweep import Sweep, SweepResult

OWNER, MEMBER, PASSWORD = "owner", "member", "pass-word"
STAGING, CLEAN = "STAGING", "CLEAN"
QUICK = Pace(
    Timeouts(connect=5.0, read=20.0, work=20.0, pauses=(0.0, 0.0)), Waits(poll=0.01, ready=5.0, archive=5.0, rival=0.5)
)
"""Patience for a server on loopback."""

REPORT_FILES = ("report.json", "scans.csv", "report.html")
Seen = dict[str, list[tuple[str, str]]]
"""A session as a member sees it: (file name, MD5) of every instance by scan ID."""


class InProcess(Workers):
    """Work in this process: a test of the pipeline need not start Python again for every run."""

    def __init__(self, count: int = 1) -> None:
        super().__init__(count)

    def each(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Done[Any]]:
        for index, task in enumerate(tasks):
            yield Done(index, function(task))


class Told:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, object]] = []

    def run_starts(self, sessions: int) -> None:
        self.lines.append(("run", sessions))

    def session_starts(self, name: str, files: int) -> None:
        self.lines.append(("session", name))

    def step_starts(self, step: str, files: int) -> None: ...

    def file_done(self, step: str) -> None: ...

    def scan_done(self, session: str, scan: ScanReport) -> None:
        self.lines.append(("scan", scan.id))

    def session_done(self, session: SessionReport) -> None: ...

    def run_done(self, report: RunReport) -> None: ...


BANNER = {"top": 0, "left": 0, "bottom": 24, "right": 96}


def banner_template(**changes: Any) -> dict[str, Any]:
    """Blackens the top of 64x96 ultrasound."""
    match = {"modality": "US", "rows": 64, "columns": 96}
    return {"id": "us-banner", "match": match, "rectangles": [BANNER]} | changes


def clean_template(**changes: Any) -> dict[str, Any]:
    """Axial CT, looked at, clean."""
    match = {"modality": "CT", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "image_type": "*AXIAL*"}
    return {"id": "ct-axial", "match": match, "rectangles": []} | changes


def private_words(samples: Sequence[SampleSession]) -> set[str]:
    """All that stands in headers, labels and UIDs of sessions, in lower case; none of it may be said or sent."""
    words = {text for sample in samples for text in sample.identity.strings()}
    words |= {text for sample in samples for text in (sample.label, sample.subject, *sample.uids)}
    return {word.casefold() for word in words if len(word) > 3} | {"acme imaging", "acme private", "invented"}


def told_in(text: str, samples: Sequence[SampleSession]) -> list[str]:
    """Which kinds of private words a text holds, by their place in the sorted list: a failure need not print them."""
    text = text.casefold()
    return [f"word {number}" for number, word in enumerate(sorted(private_words(samples))) if word in text]


def ultrasound(person: Person, **wanted: Any) -> Dataset:
    """A small still with the person's name burned in; `banner_template` covers it."""
    settings: dict[str, Any] = {"rows": 64, "columns": 96, "burned": (person.banner, (2, 4), 10), "person": person}
    return phantom("US", **(settings | wanted))


def slices(person: Person, count: int = 3, **wanted: Any) -> list[Dataset]:
    """Axial CT slices with nothing burned in."""
    settings: dict[str, Any] = {"rows": 32, "columns": 32, "person": person, "series": 2}
    return [phantom("CT", **(settings | wanted | {"instance": number})) for number in range(11, 11 + count)]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a run ended: its exit status, what it said of its errors, and the outcomes of its sessions."""

    status: int
    said: str
    outcomes: tuple[str, ...]
    clean_sessions: tuple[str, ...]


def attempt(options: RunOptions, environment: dict[str, str], pace: Pace) -> Attempt:
    """One run in this process, as the command makes it: prepared, run, and a report kept in staging."""
    try:
        with prepared(options, environment, pace) as plan:
            result = run(plan, InProcess(), Told(), run_id=new_run_id())
            if plan.report_store is not None:
                content = json.dumps(result.report.as_dict()).encode()
                plan.report_store.keep(result.report.run, dict.fromkeys(REPORT_FILES, content))
    except PixelanonError as error:
        return Attempt(error.exit_code, error.message, (), ())
    sessions = result.report.sessions
    said = "; ".join(one.error for one in sessions if one.error)
    return Attempt(
        result.report.exit_status,
        said,
        tuple(one.outcome for one in sessions),
        tuple(one.clean_session for one in sessions),
    )


class Member:
    """A member of the clean project who keeps looking at it, over a login of his own."""

    def __init__(self, connection: XnatConnection) -> None:
        self._connection = connection

    def labels(self) -> dict[str, str]:
        """ID by label of every session that he can see."""
        uri = f"/data/projects/{CLEAN}/experiments?columns=ID,label&format=json"
        return {row["label"]: row["ID"] for row in self._rows(uri)}

    def sees(self, label: str) -> Seen | None:
        """A session with all its files, None where there is nothing to see."""
        experiment = self.labels().get(label)
        if experiment is None:
            return None
        found: Seen = {}
        for row in self._rows(f"/data/experiments/{experiment}/scans?columns=ID&format=json"):
            files = self._rows(f"/data/experiments/{experiment}/scans/{row['ID']}/files?format=json")
            found[row["ID"]] = sorted((file["Name"], file["digest"]) for file in files)
        return found

    def _rows(self, uri: str) -> list[dict[str, str]]:
        return self._connection.get(uri, "looking").rows("looking")


@dataclass
class Site:
    """A staging XNAT and a clean one, with an owner of both projects."""

    root: Path
    staging: Sandbox
    clean: Sandbox
    samples: list[SampleSession] = field(default_factory=list)
    told: Told = field(default_factory=Told)

    def environment(self, user: str = OWNER, password: str = PASSWORD) -> dict[str, str]:
        names = {"XNAT": self.staging.url, "PIXELANON_PUBLIC": self.clean.url}
        found: dict[str, str] = {}
        for prefix, url in names.items():
            found |= {f"{prefix}_HOST": url, f"{prefix}_USER": user, f"{prefix}_PASS": password}
        return found

    def seed(
        self,
        label: str,
        images: Sequence[Dataset],
        *,
        person: Person,
        subject: str = "",
        burned: Sequence[BurnedText] = (),
        announce: bool = False,
    ) -> str:
        """Archive images in staging under a label; the same label again is a late arrival. Gives the experiment ID."""
        folder = self.root / "seeds" / f"{label}-{len(self.samples)}"
        files = tuple(save(ds, folder / f"{number:03d}.dcm") for number, ds in enumerate(images))
        uids = tuple({uid for ds in images for uid in own_uids(ds)})
        self.samples.append(SampleSession(label, subject or person.id, files, person, tuple(burned), uids))
        return self.staging.seed_session(STAGING, subject or person.id, label, files, announce=announce)

    def store(self, name: str, document: dict[str, Any]) -> int:
        """Store a document as an owner does, on top of what is there."""
        with connect(Credentials(self.staging.url, OWNER, PASSWORD)) as connection:
            store = XnatDocumentStore(connection, STAGING)
            if store.load(KEY_DOCUMENT) is None:
                store.push(KEY_DOCUMENT, new_key(), None)
                self.accept(key_fingerprint(store, STAGING))
                self.clean.clear_requests()
            newest = store.load(name)
            return store.push(name, json.dumps(document), newest.version if newest else None)

    def accept(self, *fingerprints: str | None) -> None:
        """Let the clean project take from these keys, and from no other."""
        entries = [{"fingerprint": one} for one in fingerprints]
        with connect(Credentials(self.clean.url, OWNER, PASSWORD)) as connection:
            store = XnatDocumentStore(connection, CLEAN)
            newest = store.load("accepts.json")
            text = json.dumps({"schema_version": 1, "accepts": entries})
            store.push("accepts.json", text, newest.version if newest else None)

    def fingerprint(self, project: str = STAGING) -> str | None:
        """Of the staging project; with an empty `project` of a folder that has its key."""
        with connect(Credentials(self.staging.url, OWNER, PASSWORD)) as connection:
            return key_fingerprint(XnatDocumentStore(connection, STAGING), project)

    def templates(self, *templates: dict[str, Any], **more: Any) -> int:
        return self.store("templates.json", {"schema_version": 1, "templates": list(templates)} | more)

    def policy(self, **changes: Any) -> int:
        destination = {"server": "PUBLIC", "project": CLEAN}
        return self.store("policy.json", {"schema_version": 1, "enabled": True, "destination": destination} | changes)

    def run(
        self, *, workers: Workers | None = None, environment: dict[str, str] | None = None, **options: Any
    ) -> RunResult:
        """One run in this process; `options` are those of RunOptions."""
        wanted = RunOptions(**({"source": XnatLocation(STAGING)} | options))
        with prepared(wanted, environment or self.environment(), QUICK) as plan:
            return run(plan, workers or InProcess(), self.told, run_id=new_run_id())

    def attempt(self, *, pace: Pace = QUICK, **options: Any) -> Attempt:
        """One run as the command makes it, with its report in staging; never raises what a run raises on purpose."""
        return attempt(RunOptions(**({"source": XnatLocation(STAGING)} | options)), self.environment(), pace)

    def outcomes(self, **options: Any) -> list[str]:
        """Outcomes of the sessions of one run, in the order of the listing."""
        return [session.outcome for session in self.run(**options).report.sessions]

    def command(self, *words: str, user: str = OWNER, password: str = PASSWORD, **variables: str) -> int:
        """A command line in this process, with the environment of this site and `variables`; its exit status."""
        before = dict(os.environ)
        os.environ.update(self.environment(user, password) | variables)
        try:
            return status_of(words)
        finally:
            os.environ.clear()
            os.environ.update(before)

    def reads_only(self) -> bool:
        """Whether nothing but logging in and out and reading reached the clean server since its log was cleared."""
        rest = {(one.method, one.path) for one in self.clean.requests if one.method not in ("GET", "HEAD")}
        return rest <= {("PUT", "/data/services/auth"), ("DELETE", "/data/JSESSION")}

    def visible(self) -> dict[str, list[str]]:
        """Scan IDs by label of the sessions that a member of the clean project can see, asked over HTTP."""
        with connect(Credentials(self.clean.url, MEMBER, PASSWORD)) as connection:
            rows = connection.rows(f"/data/projects/{CLEAN}/experiments?columns=ID,label&format=json", "listing")
            return {row["label"]: self._scans(connection, row["ID"]) for row in rows}

    def _scans(self, connection: Any, experiment: str) -> list[str]:
        rows = connection.rows(f"/data/experiments/{experiment}/scans?columns=ID&format=json", "listing")
        return sorted(row["ID"] for row in rows)

    def copies(self) -> list[Path]:
        """Every DICOM file that the clean server stores anywhere."""
        return [item.path for item in self.clean.stored() if item.path is not None and item.path.suffix == ".dcm"]

    def sweep(self) -> SweepResult:
        return Sweep(self.samples, (STAGING,)).of(self.clean.stored())


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start a site with the given settings of its clean server, and `staging` those of the other."""
    started: list[Sandbox] = []

    def make(*, staging: Settings | None = None, **settings: Any) -> Site:
        number = len(started)
        first = Sandbox(tmp_path / f"staging-{number}", settings=staging or Settings(site_id="STAGE"))
        clean = Sandbox(tmp_path / f"clean-{number}", settings=Settings(**({"site_id": "CLEAN"} | settings)))
        for server in (first, clean):
            server.start()
            started.append(server)
            server.add_user(OWNER, PASSWORD)
            server.add_user(MEMBER, PASSWORD)
        first.add_project(STAGING, owner=OWNER)
        clean.add_project(CLEAN, owner=OWNER)
        for server, project in ((first, STAGING), (clean, CLEAN)):
            server.set_role(project, MEMBER, "member")
        return Site(tmp_path / f"site-{number}", first, clean)

    yield make
    if started:
        with ThreadPoolExecutor(len(started)) as together:  # each waits a moment for what is under way
            list(together.map(Sandbox.stop, started))


@pytest.fixture
def armed(make_site: Callable[..., Site]) -> Site:
    """A site with templates and an armed policy, and no session yet."""
    site = make_site()
    site.templates(banner_template(), clean_template())
    site.policy()
    return site


@pytest.fixture
def site(armed: Site) -> Site:
    """A site with templates, an armed policy and one session: an ultrasound still to redact, three slices to pass."""
    person = Person.numbered(1)
    armed.seed("S1", [ultrasound(person), *slices(person)], person=person)
    return armed
