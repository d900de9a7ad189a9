"""templates.json as it could be next: what is stored, and an entry to fill in for each group that nobody decided.

An entry is no valid template until a person has looked: in place of its rectangles stands what to do. So a proposal
that is stored unread is refused as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xnat_pixelanon.domain.instance import proposable
from xnat_pixelanon.domain.session import SourceSession

FILE = "documents/proposed/templates.json"
LOOK = (
    "look at the images that the note names; then write [] in place of this text where nothing is burned in, "
    'or rectangles to blacken, as [{"top": 0, "left": 0, "bottom": 40, "right": 640}]'
)
BY_HAND = "write an exclusion or an override by hand"
_MOST_SCANS = 5
_LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document to edit. `undecided`: how many of its entries wait for a person.

    `by_hand`: how many groups more got no entry, as their headers hold what would be a wildcard, or no valid value.
    """

    text: str
    undecided: int
    by_hand: int = 0

    @property
    def sentence(self) -> str:
        by_hand = f"; {self.by_hand} with a header that no entry can name: {BY_HAND}" if self.by_hand else ""
        return f"proposal: {self.undecided} to look at{by_hand}"


def propose(
    stored: Mapping[str, Any] | None, sessions: Sequence[SourceSession], reports: Iterable[Mapping[str, Any]]
) -> Proposal:
    """What nobody decided of `sessions`, as the newest of `reports` tells of each.

    `stored`: the newest templates.json with `based_on`, as it is given out for editing; None where there is none.
    `reports`: in the form of report.json, newest first.
    """
    document = dict(stored or {"schema_version": 1, "templates": [], "exclusions": [], "overrides": []})
    taken = {template["id"] for template in document["templates"]}
    found: dict[tuple[tuple[str, str | int], ...], list[str]] = {}
    left = {session.id: session for session in sessions}
    for told in (told for report in reports for told in report["sessions"]):
        session = left.pop(told["id"], None)
        if session is None:
            continue
        for scan in told["scans"]:
            for criteria in scan.get("undecided", ()):  # an older version's report has none
                found.setdefault(tuple(criteria.items()), []).append(f"{session.label} scan {scan['id']}")
    entries = []
    fit = [(match, scans) for match, scans in sorted(found.items(), key=str) if proposable(dict(match))]
    for match, scans in fit:
        entry = _entry(dict(match), scans, taken)
        taken.add(entry["id"])
        entries.append(entry)
    document["templates"] = [*document["templates"], *entries]
    return Proposal(json.dumps(document, indent=1, ensure_ascii=False) + "\n", len(entries), len(found) - len(fit))


def _entry(match: dict[str, str | int], scans: list[str], taken: set[str]) -> dict[str, Any]:
    more = f" and {len(scans) - _MOST_SCANS} scans more" if len(scans) > _MOST_SCANS else ""
    note = f"seen in {', '.join(scans[:_MOST_SCANS])}{more}"
    name = next(name for name in _names(match) if name not in taken)
    return {"id": name, "title": "", "match": match, "rectangles": LOOK, "note": note[:_LONGEST_NOTE]}


def _names(match: Mapping[str, str | int]) -> Iterator[str]:
    """`us-480x640`, `us-480x640-2`, ...: ids of templates, whatever stands in the header."""
    words = (str(match.get("modality", "")), f"{match.get('rows', 0)}x{match.get('columns', 0)}")
    name = "-".join(filter(None, (re.sub(r"[^a-z0-9]", "", word.casefold())[:20] for word in words)))
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
