"""What identifies in a source header, and whether a kept value still carries it.

Collected, at every depth: person names; the values of rows marked `id` or `station` in the profile table; all dates;
what XNAT calls the session in staging. Compared without regard to case, accents and separators:

- an identifier of 6 letters or digits and more, anywhere in a text;
- one of 4 or 5, as whole words; one of 1 to 3, only as the whole value, and not in code strings;
- a part of a name of 5 letters and more, anywhere; of 3 or 4, as a word; names in other scripts from 2 letters on;
- a date as year-month-day, day-month-year or month-day-year, with separators, month names or none;
- any UID in a text, unless the standard itself gives it;
- in a number (DS, IS): only an identifier or date of 6 characters and more that is the whole value;
- in bytes: identifiers of 6 and more, and parts of names of 5 and more.

Not looked for: words of common-words.txt, zeros, and station names in attributes that name a product.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.profile import common_words, lookup
from xnat_pixelanon.headers.tree import Element, Node, dictionary_vr

LONG = 6
SHORT = 4
LONG_NAME = 5
SHORT_NAME = 3
_LONG_UID = 20
_PLACEHOLDER_DATE = (1900, 1, 1)

_LOWER_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME_PARTS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W_]+")
_LINES = re.compile(r"[\r\n\\;,]+")
_DIGITS = re.compile(r"\d{8,}")
_UID = re.compile(r"\d+(?:\.\d+){4,}")
_BYTES = re.compile(rb"[^0-9a-z]+")
_DATE_SEPARATORS = re.compile(r"[-/._, ]+")
_DIGIT_EDGE = re.compile(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)")
_TRIPLET = re.compile(r"(?=((?<!\d)\d{1,4}|(?<![a-z])[a-z]{3,9})-(\d{1,2}|[a-z]{3,9})-(\d{1,4})(?!\d))")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def fold(text: str) -> str:
    """Lower case without accents, for comparison only."""
    if text.isascii():
        return text.lower()
    return "".join(part for part in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(part))


def squeeze(text: str) -> str:
    """The folded letters and digits of `text`, without anything between them."""
    return "".join(filter(str.isalnum, fold(text)))


@dataclass(slots=True)
class _Group:
    """Identifiers by how they are compared."""

    long: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    tiny: set[str] = field(default_factory=set)

    def add(self, value: str) -> None:
        plain = squeeze(value)
        if not plain or not plain.strip("0") or plain in common_words():
            return
        wide = not plain.isascii()
        group = self.long if len(plain) >= LONG or (wide and len(plain) > 1) else None
        (group if group is not None else self.short if len(plain) >= SHORT else self.tiny).add(plain)


@dataclass(slots=True)
class Identifiers:
    """What to look for; make one with `collect`."""

    ids: _Group = field(default_factory=_Group)
    stations: _Group = field(default_factory=_Group)
    long_names: set[str] = field(default_factory=set)
    short_names: set[str] = field(default_factory=set)
    dates: set[tuple[int, int, int]] = field(default_factory=set)

    def in_text(self, text: str, *, code: bool = False, product: bool = False) -> bool:
        """Whether a text value carries one. `code`: a code string; `product`: it names a product."""
        if not text:
            return False
        groups = (self.ids,) if product else (self.ids, self.stations)
        plain = squeeze(text)
        if any(part in plain for group in groups for part in group.long) or any(p in plain for p in self.long_names):
            return True
        if not code and any(plain in group.tiny for group in groups):
            return True
        folded = fold(text)
        if any(_has_run(folded, group.short) for group in groups if group.short):
            return True
        return self._short_name(text, folded) or self._date(folded) or _has_uid(text)

    def in_number(self, text: str) -> bool:
        """Whether a number string is, as a whole, an identifier or a date."""
        plain = text.strip()
        return plain in self.ids.long or plain in self.stations.long or (len(plain) == 8 and self._date(plain))

    def in_bytes(self, value: bytes) -> bool:
        """Whether a binary value carries one in ASCII or UTF-16."""
        plain = _BYTES.sub(b"", value.lower())
        long = (self.ids.long, self.stations.long, self.long_names)
        return any(part.encode() in plain for group in long for part in group if part.isascii())

    def _short_name(self, text: str, folded: str) -> bool:
        if not self.short_names:
            return False
        words = set(_LETTERS.findall(folded)) | set(_LETTERS.findall(fold(_LOWER_UPPER.sub(" ", text))))
        return not self.short_names.isdisjoint(words)

    def _date(self, folded: str) -> bool:
        if not self.dates or not any(part.isdigit() for part in folded):
            return False
        return not self.dates.isdisjoint(_dates_in(folded))


def collect(tree: Node, known: Iterable[str]) -> Identifiers:
    """All that identifies in a source, at every depth, and `known`, which XNAT knows of it."""
    found = Identifiers()
    for value in known:
        found.ids.add(value)
    for element in tree.walk():
        if element.texts:
            _collect_element(found, element)
    return found


def _collect_element(found: Identifiers, element: Element) -> None:
    row = lookup(element.tag)
    vrs = {element.vr, dictionary_vr(element.tag)}
    if "PN" in vrs:
        for text in element.texts:
            _collect_name(found, text)
    elif not vrs.isdisjoint(("DA", "DT")):
        found.dates.update(date for text in element.texts if (date := _date_of(text)))
    elif row is not None and row.search in ("id", "station"):
        group = found.ids if row.search == "id" else found.stations
        for text in element.texts:
            group.add(text)
            for line in _LINES.split(text):
                if len(squeeze(line)) >= LONG:
                    group.add(line)


def _collect_name(found: Identifiers, text: str) -> None:
    for representation in text.split("="):  # PS3.5 6.2.1: alphabetic, ideographic, phonetic
        parts = _NAME_PARTS.findall(fold(representation))
        for part in parts:
            if not part.isalpha():
                if len(part) >= SHORT:
                    found.ids.add(part)
            elif part in common_words():
                continue
            elif len(part) >= LONG_NAME or (not part.isascii() and len(part) > 1):
                found.long_names.add(part)
            elif len(part) >= SHORT_NAME:
                found.short_names.add(part)
        if len(parts) > 1:
            for whole in ("".join(parts), "".join(reversed(parts))):
                if len(whole) >= SHORT or not whole.isascii():
                    found.ids.add(whole)


def _has_run(folded: str, wanted: set[str]) -> bool:
    """Whether consecutive whole words, joined, are one of `wanted`."""
    words = _WORDS.findall(folded)
    for start in range(len(words)):
        joined = ""
        for word in words[start:]:
            joined += word
            if joined in wanted:
                return True
            if len(joined) >= LONG:
                break
    return False


def _has_uid(text: str) -> bool:
    return any(len(uid) >= _LONG_UID and not is_well_known(uid) for uid in _UID.findall(text))


def _valid(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31 and year > 0


def _date_of(text: str) -> tuple[int, int, int] | None:
    digits = re.sub(r"[.\-/]", "", text)[:8]
    if len(digits) != 8 or not digits.isdecimal() or not digits.isascii():
        return None
    date = (int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return date if _valid(*date) and date != _PLACEHOLDER_DATE else None


def _dates_in(folded: str) -> Iterator[tuple[int, int, int]]:
    for run in _DIGITS.findall(folded):
        for start in range(len(run) - 7):
            eight = run[start : start + 8]
            yield int(eight[:4]), int(eight[4:6]), int(eight[6:])
            yield int(eight[4:]), int(eight[2:4]), int(eight[:2])
            yield int(eight[4:]), int(eight[:2]), int(eight[2:4])
    parted = _DATE_SEPARATORS.sub("-", _DIGIT_EDGE.sub("-", folded))
    for first, second, third in _TRIPLET.findall(parted):
        for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
            yield from _readings(year, month, day)


def _readings(year: str, month: str, day: str) -> Iterator[tuple[int, int, int]]:
    if not (year.isdigit() and day.isdigit() and len(day) <= 2) or len(year) not in (2, 4):
        return
    number = _month(month)
    if number and len(year) == 4:
        yield int(year), number, int(day)
    elif number:  # two digits: either century that a patient can have been seen or born in
        yield 1900 + int(year), number, int(day)
        yield 2000 + int(year), number, int(day)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text) if len(text) <= 2 else 0
    return _MONTHS.index(text[:3]) + 1 if text[:3] in _MONTHS else 0
