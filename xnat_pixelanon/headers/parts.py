"""The identifiers of a source in parts, as its elements give them: most are the same for every file of a session.

The union of the parts of all elements is what `residue.collect` makes of the whole. The SOP Instance UID is in no part:
it is another one in every file, and is looked for by itself (`instance_digits`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from xnat_pixelanon.headers.dates import Date
from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.residue import RUN, Identifiers, collect_from
from xnat_pixelanon.headers.rulings import Rulings
from xnat_pixelanon.headers.tree import Element

Contents = tuple[tuple[frozenset[str], ...], frozenset[Date]]
_PER_TEXT = 100
_DIGITS = re.compile(rf"[1-9][0-9]{{{RUN - 1},}}")


class Part:
    """What identifies in one element. Compared as an object: `memory` keeps one for equal contents."""

    __slots__ = ("dates", "texts")

    def __init__(self, contents: Contents) -> None:
        self.texts, self.dates = contents

    @property
    def size(self) -> int:
        """Bytes that it needs, roughly."""
        return sum(len(text) + _PER_TEXT for texts in self.texts for text in texts) + _PER_TEXT * len(self.dates)


def contents_of(element: Element, rulings: Rulings) -> Contents:
    """What `element` and all in it give to the identifiers."""
    found = Identifiers()
    collect_from(found, element, rulings)
    return tuple(frozenset(texts) for texts in _sets(found)), frozenset(found.dates)


def joined(parts: Iterable[Part], known: Iterable[str], stations: Iterable[str]) -> Identifiers:
    """The identifiers of a source, from its parts; `known` and `stations` as for `residue.collect`."""
    found = Identifiers()
    found.add_known(known, stations)
    for part in parts:
        for into, texts in zip(_sets(found), part.texts, strict=True):
            into |= texts
        found.dates |= part.dates
    found.count_numbers()
    return found


def _sets(found: Identifiers) -> tuple[set[str], ...]:
    groups = (found.ids, found.stations)
    kinds = (kind for group in groups for kind in (group.long, group.short, group.tiny))
    return (*kinds, found.long_names, found.short_names, found.tiny_names, found.pairs)


def instance_digits(uid: str) -> str:
    """The digits of a SOP Instance UID where they are all that `residue.collect` makes of it, else ''.

    Then it identifies wherever its digits stand in one run of digits, and nowhere else: it is too long for a date, a
    binary number or the whole value of Series Number (IS, PS3.5 6.2: 12 characters; longer ones are looked at too).
    """
    digits = uid.replace(".", "")
    return digits if _DIGITS.fullmatch(digits) and not is_well_known(uid) else ""
