"""What a changed templates.json changes, in a sentence for the log: ids and counts, never what a template matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.domain.templates import DOCUMENT

_MOST_IDS = 10
_LONGEST_ID = 40


def of_templates(before: str | None, after: str) -> str:
    """Templates by id, how many of the new or changed ones say "looked at, clean"; exclusions and overrides by count.

    `before`: the stored text, None where there is none. Both are valid templates.json. Texts of either are cut, and
    shown in ASCII: an id is a word of whoever wrote the file.
    """
    old, new = (parse(text, DOCUMENT) if text else {} for text in (before, after))
    was, now = ({one["id"]: one for one in document.get("templates", ())} for document in (old, new))
    added, removed = [one for one in now if one not in was], [one for one in was if one not in now]
    changed = [one for one in now if one in was and now[one] != was[one]]
    parts = [
        f"{len(ids)} {what} ({_listed(ids)})"
        for what, ids in (("added", added), ("removed", removed), ("changed", changed))
        if ids
    ]
    clean = sum(not now[one]["rectangles"] for one in (*added, *changed))
    told = [f"templates: {', '.join(parts) or 'the same'}"]
    if added or changed:
        told.append(f'{clean} of the new or changed say "looked at, clean": no rectangles')
    for kind in ("exclusions", "overrides"):
        more, fewer = _counted(old.get(kind, ()), new.get(kind, ()))
        if more or fewer:
            told.append(f"{kind}: {more} added, {fewer} removed")
    return "; ".join(told)


def _listed(ids: list[str]) -> str:
    shown = [ascii(one[:_LONGEST_ID])[1:-1] for one in ids[:_MOST_IDS]]
    return ", ".join(shown) + (f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else "")


def _counted(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """How many were added and removed; one that was changed is both."""
    before, after = list(old), list(new)
    return sum(one not in before for one in after), sum(one not in after for one in before)
