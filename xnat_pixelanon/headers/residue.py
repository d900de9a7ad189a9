"""What identifies in a source header, and whether a kept value still carries it.

Collected, at every depth: person names (of private elements too, and as UTF-8 where the character set is wrong); the
values of rows marked `id` or `station` in the profile table, and of each its digits where they are 6 and more; all
dates; the UIDs of study, series, instance and frame of reference; AE titles of the file meta information; what XNAT
calls the session in staging. Compared without regard to case, accents and separators:

- an identifier of 6 letters or digits and more, anywhere in a text;
- one of 4 or 5, as whole words; one of 1 to 3, only as the whole value, and not in code strings;
- a part of a name of 5 letters and more, anywhere; of 3 or 4, as a word; names in other scripts from 2 letters on;
  umlauts and ligatures also in their other spellings (Mueller for Müller and the reverse);
- a date as year-month-day, day-month-year or month-day-year, with separators, month names (also of other European
  languages) or none; with a year of two digits and no separators only as a word of its own, and not as a code;
- any UID in a text, unless the standard itself gives it;
- in a number (DS, IS): an identifier or date of 6 digits and more in its integer part; in Series and Acquisition
  Number, which people type into, also one of 4 or 5 that is the whole value;
- in a binary number of 4 and 8 bytes: an identifier or date of 6 digits and more that is the whole value;
- in bytes, numbers stored as bytes included: identifiers of 6 and more, parts of names of 5 and more, dates, UIDs;
- a text in another character set than ASCII is also looked at byte by byte;
- in descriptions that are cleaned word by word also, as whole words, identifiers of 2 and 3 and parts of names of 2,
  and any two neighbouring words of an identifier, as of an institution's name or an address, of 8 together.

Not looked for: words of common-words.txt, zeros, and station names in attributes that name a product.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import pairwise

import numpy as np
from pydicom.dataelem import RawDataElement

from xnat_pixelanon.headers.dates import Date, date_of, dates_in
from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.profile import common_words, lookup
from xnat_pixelanon.headers.rulings import BASIC, Rulings
from xnat_pixelanon.headers.tree import Element, Node, dictionary_vr

LONG = 6
SHORT = 4
LONG_NAME = 5
SHORT_NAME = 3
TINY_NAME = 2
PAIR = 8
RUN = 20
"""Digits of an identifier that no date and no binary number can be."""
_LONG_UID = 20
_LARGEST_EXPONENT = 40
_SIX_DIGITS, _EXACT = 1e5, 2**53
_OWN_UIDS = frozenset({0x00080018, 0x0020000D, 0x0020000E, 0x00200052})
_LABEL_NUMBERS = frozenset({0x00200011, 0x00200012})
_CODE_VALUE = 0x00080100
_BIRTH_DATE = 0x00100030

_LOWER_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME_PARTS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W_]+")
_LINES = re.compile(r"[\r\n\\;,]+")
_UID = re.compile(r"\d+(?:\.\d+){4,}")
_BYTES = re.compile(rb"[^0-9a-z]+")
_RUN = re.compile(rf"[0-9]{{{RUN},}}")
_ID_DIGITS = re.compile(r"[0-9]{6,}")
_LIGATURES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_READABLE = bytes(byte if 32 <= byte < 127 else 32 for byte in range(256))


def fold(text: str) -> str:
    """Lower case without accents, for comparison only."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(part for part in plain if not unicodedata.combining(part)).translate(_LIGATURES)


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
        self.long.update(digits for digits in _ID_DIGITS.findall(plain) if digits.strip("0"))


@dataclass(slots=True)
class Identifiers:
    """What to look for; make one with `collect`."""

    ids: _Group = field(default_factory=_Group)
    stations: _Group = field(default_factory=_Group)
    long_names: set[str] = field(default_factory=set)
    short_names: set[str] = field(default_factory=set)
    tiny_names: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    dates: set[Date] = field(default_factory=set)
    births: set[Date] = field(default_factory=set)
    """Those of `dates` on which the patient was born."""
    numbers: frozenset[str] = frozenset()
    """The identifiers that are numbers, without leading zeros."""
    runs: set[str] = field(default_factory=set)
    """Every run of RUN digits and more in what was looked at so far: only there can an identifier of as many be."""

    def add_known(self, known: Iterable[str], stations: Iterable[str]) -> None:
        for value in known:
            self.ids.add(value)
        for value in stations:
            self.stations.add(value)

    def count_numbers(self) -> None:
        """To be called once all are there."""
        groups = (self.ids, self.stations)
        digits = (part.lstrip("0") for group in groups for part in (*group.long, *group.short))
        self.numbers = frozenset(part for part in digits if part.isdecimal() and part.isascii())

    def in_text(self, text: str, *, code: bool = False, product: bool = False, tag: int = 0) -> bool:
        """Whether a text value carries one. `code`: a code string; `product`: it names a product."""
        if not text:
            return False
        groups = (self.ids,) if product else (self.ids, self.stations)
        plain = squeeze(text)
        if len(plain) >= RUN:
            self.runs.update(_RUN.findall(plain))
        if any(part in plain for group in groups for part in group.long) or any(p in plain for p in self.long_names):
            return True
        if not code and any(plain in group.tiny for group in groups):
            return True
        folded = fold(text)
        if any(_has_run(folded, group.short) for group in groups if group.short):
            return True
        return self._short_name(text, folded) or self._date(folded, six=tag != _CODE_VALUE) or _has_uid(text)

    def in_description(self, text: str, tag: int = 0) -> bool:
        """As `in_text`, and also what is so short that only a text which people write is worth losing it."""
        if self.in_text(text, tag=tag):
            return True
        plain, words = squeeze(text), set(_WORDS.findall(fold(text)))
        if any(pair in plain for pair in self.pairs):
            return True
        return not words.isdisjoint(self.tiny_names) or any(len(word) > 1 for word in words & self.ids.tiny)

    def born(self, texts: Iterable[str]) -> bool:
        """Whether one of the DA or DT values is the day on which the patient was born."""
        return any(date_of(text) in self.births for text in texts)

    def is_one(self, text: str) -> bool:
        """Whether a number, date or time as a whole is an identifier of 4 digits and more."""
        return _plain_number(text) in self.numbers and not (self.dates and date_of(text) in self.dates)

    def in_code(self, text: str) -> bool:
        """Whether a code string as a whole is a short identifier, or a part of a name of 2 letters."""
        return squeeze(text) in self.ids.tiny or squeeze(text) in self.tiny_names

    def in_number(self, text: str, tag: int = 0) -> bool:
        """Whether the integer part of a number string is an identifier or carries one, or a date."""
        if len(text) < SHORT:
            return False
        try:
            number = Decimal(text.strip() or "0")
        except InvalidOperation:
            return False
        if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
            return False
        whole = str(abs(int(number)))
        if len(whole) >= RUN:
            self.runs.add(whole)
        if tag in _LABEL_NUMBERS and len(whole) >= SHORT and whole in self.numbers:
            return True
        if number == int(number) and any(part in whole for part in self.numbers if len(part) >= LONG):
            return True
        return len(whole) >= 8 and self._date(whole)

    def in_binary_number(self, value: bytes, code: str) -> bool:
        """Whether one of the numbers in `value` is an identifier or date of 6 digits and more. `code`: as numpy's."""
        cells = np.frombuffer(value, code).astype(np.float64)
        whole = cells[(np.abs(cells) >= _SIX_DIGITS) & (np.abs(cells) < _EXACT) & (cells == np.floor(cells))]
        texts = {str(abs(int(number))) for number in np.unique(whole)}
        return not texts.isdisjoint(self.numbers) or any(len(text) == 8 and self._date(text) for text in texts)

    def in_bytes(self, value: bytes) -> bool:
        """Whether a binary value carries one in ASCII or UTF-16."""
        if len(value) < LONG_NAME:
            return False
        plain = _BYTES.sub(b"", value.lower())
        if len(plain) >= RUN:
            self.runs.update(_RUN.findall(plain.decode("ascii")))
        long = (self.ids.long, self.stations.long, self.long_names)
        if any(part.encode() in plain for group in long for part in group if part.isascii()):
            return True
        text = value.replace(b"\0", b"").translate(_READABLE).decode("ascii").lower()
        return self._date(text) or _has_uid(text)

    def _short_name(self, text: str, folded: str) -> bool:
        if not self.short_names:
            return False
        words = set(_LETTERS.findall(folded)) | set(_LETTERS.findall(fold(_LOWER_UPPER.sub(" ", text))))
        return not self.short_names.isdisjoint(words)

    def _date(self, folded: str, *, six: bool = False) -> bool:
        """`six`: also as six digits that stand alone."""
        if not self.dates or not any(part.isdigit() for part in folded):
            return False
        return not self.dates.isdisjoint(dates_in(folded, six=six))


def collect(tree: Node, known: Iterable[str], stations: Iterable[str] = (), rulings: Rulings = BASIC) -> Identifiers:
    """All that identifies in a source, at every depth, and `known`, which XNAT knows of it.

    `stations`: names of devices that the data set does not hold, as the AE titles of the file meta information. What
    `rulings` retain of devices and institutions identifies nobody: it stands in the copy.
    """
    found = Identifiers()
    found.add_known(known, stations)
    for element in tree.elements:
        collect_from(found, element, rulings)
    found.count_numbers()
    return found


def may_identify(tag: int, vrs: frozenset[str]) -> bool:
    """Whether something can be collected from an element. `vrs`: what its VR in the file and in PS3.6 may be."""
    row = lookup(tag)
    searched = row is not None and row.search in ("id", "station")
    return searched or tag in _OWN_UIDS or not vrs.isdisjoint(("PN", "DA", "DT", "SQ"))


def collect_from(found: Identifiers, element: Element, rulings: Rulings) -> None:
    """Collect what identifies in an element and all that is in it."""
    for part in element.walk():
        if part.texts:
            _collect_element(found, part, rulings)


def _collect_element(found: Identifiers, element: Element, rulings: Rulings) -> None:
    row = lookup(element.tag)
    search = "" if row is None else rulings.search(row)
    vrs = {element.vr, dictionary_vr(element.tag)}
    if "PN" in vrs:
        for text in (*element.texts, *_as_utf8(element)):
            _collect_name(found, text)
    elif not vrs.isdisjoint(("DA", "DT")):
        dates = [date for text in element.texts if (date := date_of(text))]
        found.dates.update(dates)
        if element.tag == _BIRTH_DATE:
            found.births.update(dates)
    elif element.tag in _OWN_UIDS:
        for text in element.texts:
            if not is_well_known(text):
                found.ids.add(text)
    elif search in ("id", "station"):
        group = found.ids if search == "id" else found.stations
        for text in element.texts:
            group.add(text)
            if search == "id":
                found.pairs.update(_pairs(text))
            for line in _LINES.split(text):
                if len(squeeze(line)) >= LONG:
                    group.add(line)


def _pairs(text: str) -> Iterator[str]:
    """Neighbouring words, joined, where they are long enough and not numbers only."""
    for pair in map("".join, pairwise(_WORDS.findall(fold(text)))):
        if len(pair) >= PAIR and not pair.isdigit():
            yield pair


def _as_utf8(element: Element) -> tuple[str, ...]:
    """A name again, as many files have it: in UTF-8 that no character set declares."""
    value = element.source.value if isinstance(element.source, RawDataElement) else None
    if not isinstance(value, bytes) or value.isascii():
        return ()
    try:
        return (value.decode("utf-8"),)
    except UnicodeDecodeError:
        return ()


def _spellings(text: str) -> set[str]:
    """A name as it is, and with its umlauts written as two letters."""
    return {text, unicodedata.normalize("NFC", text).casefold().translate(_DIGRAPHS)}


def _contracted(part: str) -> str:
    return re.sub("(?<=[aou])e", "", part.replace("aa", "a"))


def _collect_name(found: Identifiers, text: str) -> None:
    # PS3.5 6.2.1: alphabetic, ideographic, phonetic
    for representation in (spelling for group in text.split("=") for spelling in _spellings(group)):
        parts = _NAME_PARTS.findall(fold(representation))
        for part in parts:
            if not part.isalpha():
                if len(part) >= SHORT:
                    found.ids.add(part)
            elif part in common_words():
                continue
            elif len(part) >= LONG_NAME or (not part.isascii() and len(part) > 1):
                found.long_names.add(part)
                if len(short := _contracted(part)) >= LONG_NAME:
                    found.long_names.add(short)
            elif len(part) >= SHORT_NAME:
                found.short_names.add(part)
            elif len(part) == TINY_NAME:
                found.tiny_names.add(part)
        if len(parts) > 1:
            for whole in ("".join(parts), "".join(reversed(parts))):
                if len(whole) >= SHORT or not whole.isascii():
                    found.ids.add(whole)


def _plain_number(text: str) -> str:
    return re.sub(r"\.0*$", "", text.strip()).lstrip("+-0")


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
