"""Runs a project's script for one instance. See scripted.py.

The UIDs of study, series and instance are the project's own mapping whatever a script says: receipts, references and
the clean session are known by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.header_rules import FULL_DATES
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.identity import Identity
from xnat_pixelanon.headers.request import HeaderAction, HeaderRequest
from xnat_pixelanon.headers.script import Applied, Change, Place, Script, Surroundings, compile_script
from xnat_pixelanon.headers.script_asking import ask
from xnat_pixelanon.headers.scripted import Scripted
from xnat_pixelanon.headers.tree import DATE_VRS, HEADER_REFUSED, dictionary_vr, path_of, read_now

MAPPED = (0x00080018, 0x0020000D, 0x0020000E)
"""SOP Instance, Study and Series Instance UID."""


@lru_cache(maxsize=4)
def compiled(text: str) -> Script:
    """Once in a process. DocumentError with line and column."""
    return compile_script(text)


def run_script(source: Dataset, request: HeaderRequest) -> Scripted:
    """See `scripted`."""
    applied = _applied(source, request)
    last = {change.tag: change for change in applied.changes}
    for tag in MAPPED:
        if (change := last.pop(path_of(tag), None)) is not None:
            _put_back(applied.dataset, source, tag, request.identity, change.place)
    settled = {path: _place(last, path) for path in sorted(applied.settled - {path_of(tag) for tag in MAPPED})}
    return Scripted(
        applied.dataset,
        settled,
        frozenset(above for path in settled for above in _above(path)),
        tuple(HeaderAction(path, rule_of(change.place), change.action) for path, change in last.items()),
        tuple(dict.fromkeys(one.rectangle for one in applied.pixels)),
        "" if applied.rejected is None else applied.rejected.text,
        "changed" if _takes_dates(last, applied.dataset, request) else _dates(source, applied.dataset, settled),
        frozenset((request.subject_label, request.session_label)),
    )


def rule_of(place: Place) -> str:
    """As HeaderAction names it."""
    return f"script {place.line}:{place.column}"


def _applied(source: Dataset, request: HeaderRequest) -> Applied:
    variables = {"project": request.project, "subject": request.subject_label, "session": request.session_label}
    surroundings = Surroundings(
        map_uid=replace(request.identity, keeps_uids=False).mapped_uid,
        url_hosts=frozenset(request.url_hosts),
        fetch=ask if request.url_hosts else None,
    )
    whole = Dataset({tag: read_now(source, tag) for tag in list(source.keys())})
    implicit_vr, little_endian = source.original_encoding
    whole.set_original_encoding(implicit_vr, little_endian, source.original_character_set)
    if hasattr(source, "file_meta"):
        whole.file_meta = source.file_meta
    return compiled(request.script).apply(whole, variables, surroundings)


def _put_back(changed: Dataset, source: Dataset, tag: int, identity: Identity, place: Place) -> None:
    before = str(source[tag].value) if tag in source else ""
    if str(changed[tag].value) not in (before, identity.mapped_uid(before, tag)):
        raise InstanceError(
            HEADER_REFUSED,
            f"script, {place.text}: {path_of(tag)} would not be the UID that the project's mapping gives; "
            "leave it out, it is mapped anyway",
        )
    changed[BaseTag(tag)] = source.get_item(BaseTag(tag))


def _takes_dates(last: Mapping[str, Change], changed: Dataset, request: HeaderRequest) -> bool:
    """Whether dates that no profile would have taken out are taken out, or emptied, by the script."""
    if not request.rules.script_alone and FULL_DATES not in request.rules.options:
        return False
    return any(
        _is_date(path) and (change.action in ("removed", "blanked") or _is_empty(changed, path))
        for path, change in last.items()
    )


def _is_empty(changed: Dataset, path: str) -> bool:
    """Within a sequence: not looked up."""
    tag = int(path[-10:-6] + path[-5:-1], 16)
    return "." not in path and tag in changed and not changed[tag].value


def _is_date(path: str) -> bool:
    return dictionary_vr(int(path[-10:-6] + path[-5:-1], 16)) in DATE_VRS


def _dates(source: Dataset, changed: Dataset, settled: Iterable[str]) -> Literal["", "kept", "changed"]:
    found = False
    for path in settled:
        tag = int(path[-10:-6] + path[-5:-1], 16)
        if not _is_date(path):
            continue
        if "." in path:
            return "changed"  # within a sequence: not looked up, and rather said than not
        if value := str(changed[tag].value or ""):
            found = True
            if tag not in source or str(source[tag].value) != value:
                return "changed"
    return "kept" if found else ""


def _place(last: dict[str, Change], path: str) -> str:
    return last[path].place.text if path in last else "a private block that it made"


def _above(path: str) -> list[str]:
    """The sequences that an element lies in: `A` of `A[0].B`."""
    parts = path.split(".")
    return [".".join(parts[: depth + 1]).rpartition("[")[0] for depth in range(len(parts) - 1)]
