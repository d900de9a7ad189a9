"""The corpus on disk and its key: sessions of a folder, sessions of a staging project, seeded."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydicom.dataset import Dataset

from benchmarks.score.answers import DATES_FULL, DEVICE, INSTITUTION, UIDS, Action, Check, Place
from benchmarks.score.headers import Subject, plant_header
from benchmarks.score.images import KINDS, draw, pixel_checks, template_of
from benchmarks.score.planter import Planter
from benchmarks.score.sentences import written
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

SEED, SESSIONS = 20261126, 24
Route = Literal["folder", "project"]
_FIRST_INSTANCE = 101
PROJECT = "STAGING"
"""The staging project."""
_KINDS_OF_A_SESSION = 2


@dataclass(frozen=True, slots=True)
class Session:
    """What is put into the folder or the staging project. `labels`: subject and session label in XNAT."""

    route: Route
    labels: tuple[str, str]
    files: tuple[Path, ...]


@dataclass(slots=True)
class Corpus:
    """All of it. `sources`: the file of each instance, by Instance Number, which is unique in the corpus."""

    folder: Path
    sessions: list[Session] = field(default_factory=list)
    sources: dict[int, Path] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def templates(self) -> Mapping[str, Any]:
        """templates.json: one for every kind of image."""
        return {"schema_version": 1, "templates": [template_of(name, kind) for name, kind in KINDS.items()]}

    def policy(self, options: Sequence[str]) -> Mapping[str, Any]:
        """policy.json, armed, with these options of the profile."""
        return {
            "schema_version": 1,
            "enabled": True,
            "destination": {"server": "same", "project": "CLEAN"},
            "labels": {"subject_from": "subject_label"},
            "headers": {"profile": "basic", "options": list(options)},
        }


def make_corpus(folder: Path, seed: int = SEED, sessions: int = SESSIONS) -> Corpus:
    """Write it below `folder`: equal arguments give equal files and answers. Every other session is a person's second.

    Of four sessions two lie in a folder and two in a staging project.
    """
    corpus = Corpus(folder)
    names = list(KINDS)
    earlier: dict[int, str] = {}
    for number in range(sessions):
        rng = random.Random(f"{seed}/{number}")
        person = _at_visit(_person(1 + number // 2), number % 2)
        route: Route = "project" if number // 2 % 2 else "folder"
        kinds = [names[(_KINDS_OF_A_SESSION * number + more) % len(names)] for more in range(_KINDS_OF_A_SESSION)]
        earlier[number // 2] = _add_session(corpus, route, person, number, kinds, rng, earlier.get(number // 2, ""))
    return corpus


def _person(number: int) -> Person:
    """An invented person of whose numbers none stands within another: each has to be found for itself."""
    return dataclasses.replace(
        Person.numbered(number),
        other_id=f"FORMER-{4000 + number}",
        accession_number=f"ACC-{60000 + 7 * number}",
        study_id=f"STUDY-{8000 + number}",
        serial=f"SERIAL-{2000 + number}K",
        station=f"INVSTATION{3000 + number}",
    )


def _at_visit(person: Person, visit: int) -> Person:
    """The person at the first or second visit: other dates and numbers of the study, the same of the patient."""
    if not visit:
        return person
    year = str(int(person.study_date[:4]) + 1)
    accession, study = person.accession_number.replace("ACC", "ACF"), person.study_id.replace("STUDY", "SECOND")
    return dataclasses.replace(
        person, study_date=year + person.study_date[4:], accession_number=accession, study_id=study
    )


def _add_session(
    corpus: Corpus, route: Route, person: Person, number: int, kinds: Sequence[str], rng: random.Random, earlier: str
) -> str:
    """The SOP Instance UID of the first instance, for a later session to refer to."""
    given = person.name.split("^")[1]
    labels = (f"Phantom-{given}", f"{person.id}-{given}-V{number % 2 + 1}")
    staged = (labels, PROJECT) if route == "project" else ((), "")
    folder = corpus.folder / route / f"{given}_Phantom_{person.id}_{number % 2 + 1}"
    files: list[Path] = []
    references = [earlier] if earlier else []
    for series, name in enumerate(kinds, 1):
        kind = KINDS[name]
        for index in range(kind.count):
            instance = _FIRST_INSTANCE + len(corpus.sources)
            ds = draw(kind, person, study=number + 1, series=series, instance=instance, phase=(index + 1) / 5)
            subject = Subject(f"{route} person-{1 + number // 2}", person, *staged, pixels_change=kind.box is not None)
            planter = Planter(ds, instance, subject.key)
            plant_header(planter, subject, references, rng)
            _ask_everywhere(planter, subject, ds)
            ds.preamble = f"{person.spoken} {person.id}".encode().ljust(128, b"\0")[:128]
            path = save(ds, folder / f"{given}^Phantom {person.study_date} {ds.SOPInstanceUID[-8:]} {index}.dcm")
            corpus.sources[instance] = path
            corpus.routes[instance] = route
            corpus.checks += [*planter.checks, *pixel_checks(kind, instance)]
            files.append(path)
            references = [*references[:1], str(ds.SOPInstanceUID)]
    corpus.sessions.append(Session(route, labels, tuple(files)))
    return references[-1]


def _ask_everywhere(planter: Planter, subject: Subject, ds: Dataset) -> None:
    """Nothing of the person may stand anywhere in the file, its name, the folders above it or the receipt."""
    person = subject.person
    staff = [part for name in (person.referring, person.performing, person.operator) for part in name.split("^")]
    name, given = person.spoken, person.name.split("^")[1]
    never = (
        (name, given, *staff),
        (person.other_id, person.accession_number, person.study_id, person.phone),
        written(person.birth_date),
        subject.labels or (person.id,),
    )
    uids = tuple(str(ds[keyword].value) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    kept = (
        (written(person.study_date), (DATES_FULL,)),
        ((person.institution, person.address), (INSTITUTION,)),
        ((person.station, person.serial), (DEVICE,)),
        (uids, (UIDS,)),
    )
    for texts in never:
        for place in (Place.ANYWHERE, Place.FILE_NAME, Place.RECEIPT):
            planter.ask(Action.TEXT_REMOVED, place, (), *texts)
    for texts, stays in kept:
        for place in (Place.ANYWHERE, Place.FILE_NAME, Place.RECEIPT):
            planter.ask(Action.TEXT_REMOVED, place, (), *texts, unless=stays)


def write_rules(corpus: Corpus, options: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """templates.json and policy.json in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    templates, policy = folder / "templates.json", folder / "policy.json"
    templates.write_text(json.dumps(corpus.templates), "utf-8")
    policy.write_text(json.dumps(corpus.policy(options)), "utf-8")
    return templates, policy
