"""A sample session on disk, and the desk at which one is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from xnat_pixelanon.sandbox.drawing import Burned
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom, save


@dataclass(frozen=True, slots=True)
class BurnedText:
    """Text in the pixels of every frame of one instance; `at` is (left, top), `size` the font's, in pixels."""

    sop_instance_uid: str
    text: str
    at: tuple[int, int]
    size: int


@dataclass(frozen=True, slots=True)
class SampleSession:
    """One session of the staging project: what to upload, and all that must not be found on the clean side.

    `uids` are all UIDs of the files that are their own: study, series, instances, frames of reference, references.
    """

    label: str
    subject: str
    files: tuple[Path, ...]
    identity: Person
    burned: tuple[BurnedText, ...]
    uids: tuple[str, ...]


class Desk:
    """Collects the instances of one session; `study` numbers it among all samples."""

    def __init__(self, kind: str, person: Person, study: int) -> None:
        self._label = f"{person.id}_{kind}"
        self._person = person
        self._study = study
        self._instances: list[Dataset] = []
        self._burned: list[BurnedText] = []
        self._cut: set[str] = set()

    @property
    def person(self) -> Person:
        return self._person

    def add(self, modality: str, *burned: Burned, series: int = 1, **wanted: Any) -> Dataset:
        """Add a phantom of this person and study; instances are numbered within the study."""
        number = len(self._instances) + 1
        ds = phantom(
            modality,
            person=self._person,
            seed="sample",
            study=self._study,
            series=series,
            instance=number,
            burned=burned,
            **wanted,
        )
        self._burned += [BurnedText(ds.SOPInstanceUID, one.text, one.at, one.size) for one in burned]
        return self.keep(ds)

    def keep(self, ds: Dataset) -> Dataset:
        """Add an instance that was made elsewhere."""
        self._instances.append(ds)
        return ds

    def cut(self, ds: Dataset) -> None:
        """Lose the last third of this instance's file, as a broken transfer does."""
        self._cut.add(ds.SOPInstanceUID)

    def finish(self, root: Path) -> SampleSession:
        """Write the files below root, one folder for the session."""
        files = []
        for number, ds in enumerate(self._instances, 1):
            path = save(ds, root / self._label / f"{number:04d}.dcm")
            if ds.SOPInstanceUID in self._cut:
                content = path.read_bytes()
                path.write_bytes(content[: len(content) * 2 // 3])
            files.append(path)
        uids = sorted({uid for ds in self._instances for uid in own_uids(ds)})
        person = self._person
        return SampleSession(self._label, person.id, tuple(files), person, tuple(self._burned), tuple(uids))


def own_uids(ds: Dataset) -> set[str]:
    """Every UID under 2.25 at any depth; all others in a phantom belong to the standard."""
    found: set[str] = set()
    for element in ds.iterall():
        if element.VR == "UI" and element.value:
            values = [element.value] if element.VM == 1 else list(element.value)
            found |= {str(value) for value in values if str(value).startswith("2.25.")}
    return found
