"""How people write names, numbers, dates and places into free text: seeded, from an invented person."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.score.answers import DATES_FULL, DEVICE, INSTITUTION, UIDS
from xnat_pixelanon.sandbox.person import Person


class Fragment(NamedTuple):
    """What identifies within a text, and the options under which nobody asks for its removal."""

    text: str
    stays: tuple[str, ...] = ()


HEADS = ("Abdomen native", "Chest follow-up", "Contrast series", "Screening exam", "Axial reconstruction", "Control")
"""Begin of every sentence: words that say nothing about a person."""

_FRAMES = (
    "{head}, {it}", "{head} for {it}", "{head} ({it})", "{head}: {it}.", "{head} - {it} - seen", "{head} {it}",
    "{head}; cf. {it}, repeated", "{head} / {it}",
)  # fmt: skip


def fragments(person: Person, study_uid: str, labels: Sequence[str] = ()) -> Mapping[str, Sequence[Fragment]]:
    """All that can be planted of this person, by its kind."""
    family, given = person.name.split("^")
    names = [
        person.spoken, person.name, f"{family}, {given}", f"{family} {given}".upper(), given, given.lower(),
        f"{family}{given}", f"{family}_{given}".lower(),
    ]  # fmt: skip
    staff = [" ".join(reversed(name.split("^"))) for name in (person.referring, person.performing, person.operator)]
    staff += [f"Dr. {name.split('^')[0]}" for name in (person.referring, person.operator)]
    numbers = [person.other_id, person.accession_number, f"{person.accession_number}/2", person.study_id, person.phone]
    # Where XNAT has written its labels over Patient ID no header knows the number: see PART_OF_LABEL in headers.py.
    numbers += [] if labels else [person.id, person.id.lower(), person.id.replace("-", "")]
    stays = (DATES_FULL,)
    found = {
        "name": [Fragment(text) for text in names],
        "staff": [Fragment(text) for text in staff],
        "number": [Fragment(text) for text in numbers],
        "birth date": [Fragment(text) for text in written(person.birth_date)],
        "study date": [Fragment(text, stays) for text in written(person.study_date)],
        "place": [Fragment(text, (INSTITUTION,)) for text in (person.institution, person.address)],
        "device": [Fragment(text, (DEVICE,)) for text in (person.station, person.serial)],
        "uid": [Fragment(study_uid, (UIDS,))],
    }
    if labels:
        found["label"] = [Fragment(text) for text in labels]
    return MappingProxyType(found)


def written(dicom_date: str) -> tuple[str, ...]:
    """A date as people and machines write it."""
    day = date(int(dicom_date[:4]), int(dicom_date[4:6]), int(dicom_date[6:8]))
    month = _MONTHS[day.month - 1]
    return (
        dicom_date,
        day.isoformat(),
        f"{day:%d.%m.%Y}",
        f"{day:%m/%d/%Y}",
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{day:%d}-{month}-{day.year}",
    )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def sentence(rng: random.Random, fragment: Fragment) -> tuple[str, str]:
    """(head, the whole text), with the fragment in it."""
    head = rng.choice(HEADS)
    return head, rng.choice(_FRAMES).format(head=head, it=fragment.text)
