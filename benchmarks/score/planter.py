"""Puts a value into a header and the answer about it into the key, in one step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from benchmarks.score.answers import DATES_FULL, DATES_MODIFIED, UIDS, Action, Check, Path, Place, Private, options


@dataclass(slots=True)
class Planter:
    """One header under work; `checks` grows with everything that is planted."""

    ds: Dataset
    instance: int
    subject: str
    checks: list[Check] = field(default_factory=list)

    def put(self, path: Path, value: Any) -> None:
        """Write the value; sequences on the way get one item where they have none."""
        *above, last = path
        ds = self.ds
        for step in above:
            ds = _first_item(ds, step)
        if isinstance(last, Private):
            ds.private_block(last.group, last.creator, create=True).add_new(last.offset, last.vr, value)
        else:
            setattr(ds, last, value)

    def removed(
        self, place: Place, path: Path, value: str, texts: Iterable[str], *, stays: Iterable[str] = (),
        kept: bool = False, descriptor: bool = False,
    ) -> None:  # fmt: skip
        """`texts`, parts of the value, have to go, but where one of the options `stays`; `kept`: there it has to be."""
        self.put(path, value)
        for text in texts:
            self.ask(Action.TEXT_REMOVED, place, path, text, unless=stays, descriptor=descriptor)
            if kept:
                self.ask(Action.TEXT_RETAINED, place, path, text, needs=stays)

    def retained(self, path: Path, value: Any, text: str = "", *, place: Place = Place.TYPED) -> None:
        """What identifies nobody and that images need."""
        self.put(path, value)
        self.ask(Action.TEXT_RETAINED, place, path, text or str(value), required=True)

    def date(self, path: Path, value: str, *, place: Place = Place.TYPED, kept: bool = True) -> None:
        """A DA or DT value, `YYYYMMDD` in front. `kept`: with the options for dates it stays, or is shifted."""
        self.put(path, value)
        stays = (DATES_FULL, DATES_MODIFIED) if kept else ()
        self.ask(Action.DATE_SHIFTED, place, path, value[:8], unless=stays)
        if kept:
            shifted = (DATES_MODIFIED,)
            self.ask(Action.DATE_SHIFTED, place, path, value[:8], needs=shifted, required=True)
            self.ask(Action.TEXT_RETAINED, place, path, value[:8], needs=(DATES_FULL,), required=True)

    def uid(self, path: Path, value: str, *, place: Place = Place.TYPED, required: bool = True) -> None:
        """A UID that gets another one, everywhere the same; the option for UIDs keeps it."""
        if place is not Place.META:
            self.put(path, value)
        for action in (Action.UID_CHANGED, Action.UID_CONSISTENT):
            self.ask(action, place, path, value, unless=(UIDS,), required=required)
        if required:
            self.ask(Action.TEXT_RETAINED, place, path, value, needs=(UIDS,), required=True)

    def ask(
        self, action: Action, place: Place, path: Path = (), *texts: str, needs: Iterable[str] = (),
        unless: Iterable[str] = (), descriptor: bool = False, required: bool = False,
    ) -> None:  # fmt: skip
        """An answer about something that was planted already."""
        self.checks.append(
            Check(
                action,
                self.instance,
                place,
                path,
                texts,
                options(*needs),
                options(*unless),
                self.subject,
                descriptor,
                required,
            )
        )


def _first_item(ds: Dataset, step: str | Private) -> Dataset:
    if isinstance(step, Private):
        block = ds.private_block(step.group, step.creator, create=True)
        if step.offset not in block:
            block.add_new(step.offset, "SQ", DicomSequence([Dataset()]))
        return block[step.offset].value[0]
    tag = tag_for_keyword(step)
    if tag is None or dictionary_VR(tag) != "SQ":
        raise ValueError(f"{step} is no sequence")
    if step not in ds or not ds[step].value:
        setattr(ds, step, DicomSequence([Dataset()]))
    return ds[step].value[0]
