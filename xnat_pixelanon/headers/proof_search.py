"""The proof's own search for what identifies a source: the rules of residue.py, as regular expressions.

Written apart from residue.py on purpose; what they share is the profile table, the list of common words and the UID
registry. The rules themselves are stated once, in residue.py's first lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pydicom.dataelem import DataElement

from xnat_pixelanon.domain.header_rules import PLAIN, HeaderRules
from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.profile import common_words, lookup
from xnat_pixelanon.headers.proof_options import looked_for
from xnat_pixelanon.headers.proof_view import vr_of

_SEPARATOR = r"[\W_]*"
_APART = r"[-/._, ]+"
_NEAR = r"[-/._, ]*"
_MONTHS = (
    "jan|ene|gen",
    "feb|fev",
    "mar|maa|mae|mrt",
    "apr|abr|avr",
    "may|mai|maj|mag|mei",
    "jun|juin|giu",
    "jul|juil|lug",
    "aug|ago|aou",
    "sep|set",
    "oct|okt|ott|out",
    "nov",
    "dec|dez|dic|des",
)
_LIGATURES = (("ø", "o"), ("ł", "l"), ("đ", "d"), ("ð", "d"), ("þ", "th"), ("æ", "ae"), ("œ", "oe"), ("ı", "i"))
_TWO_LETTERS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ø", "oe"), ("å", "aa"))
_TYPED_NUMBERS = (0x00200011, 0x00200012)  # Series and Acquisition Number
_CODE_VALUE = 0x00080100
_NOTHING = re.compile(r"(?!)")


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _replaced("".join(letter for letter in decomposed if not unicodedata.combining(letter)), _LIGATURES)


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for letter, letters in pairs:
        text = text.replace(letter, letters)
    return text


def _core(text: str) -> str:
    return re.sub(r"[\W_]+", "", _folded(text))


@dataclass(frozen=True, slots=True)
class Found:
    """What a source says, sorted into the four ways of looking for it."""

    ids: frozenset[str]
    stations: frozenset[str]
    names: frozenset[str]
    dates: frozenset[str]
    phrases: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        elements: Iterable[DataElement],
        known: Iterable[str],
        titles: Iterable[str] = (),
        rules: HeaderRules = PLAIN,
    ) -> Found:
        ids, stations, names, dates = set(known), set(titles), set[str](), set[str]()
        ignored, phrases = common_words(), set[str]()
        for element in elements:
            values = _strings(element)
            search = looked_for(lookup(int(element.tag)), rules)
            vrs = {element.VR, vr_of(int(element.tag))}
            if "PN" in vrs:
                for value in values:
                    twice = value + "=" + _replaced(unicodedata.normalize("NFC", value).casefold(), _TWO_LETTERS)
                    for representation in twice.split("="):
                        parts = re.findall(r"[^\W_]+", _folded(representation))
                        letters = {part for part in parts if part.isalpha()}
                        one_letter = (re.sub("aa|([aou])e", lambda two: two[0][0], name) for name in letters - ignored)
                        names.update(letters, (name for name in one_letter if len(name) >= 5))
                        ids.update(part for part in parts if not part.isalpha() and len(part) >= 4)
                        whole = {"".join(parts), "".join(parts[::-1])} if len(parts) > 1 else set()
                        ids.update(text for text in whole if len(text) > 3 or not text.isascii())
            elif vrs & {"DA", "DT"}:
                dates.update(re.sub(r"[.\-/]", "", value)[:8] for value in values)
            elif search in ("id", "station"):
                into = ids if search == "id" else stations
                phrases.update(_phrases(values) if search == "id" else ())
                into.update(values)
                lines = (line for value in values for line in re.split(r"[\r\n\\;,]+", value))
                into.update(line for line in lines if len(_core(line)) >= 6)
        cores = ({core for value in kind if (core := _core(value)).strip("0")} - ignored for kind in (ids, stations))
        whole_ids, whole_stations = (kind | _digit_runs(kind) for kind in cores)
        valid = {date for date in dates if re.fullmatch(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", date)}
        return cls(
            frozenset(whole_ids),
            frozenset(whole_stations),
            frozenset(names - ignored),
            frozenset(valid - {"19000101"}),
            frozenset(phrases),
        )


def _phrases(values: Iterable[str]) -> Iterator[str]:
    """Every two words that stand beside each other, of eight letters and digits together, but for numbers."""
    for value in values:
        words = re.findall(r"[^\W_]+", _folded(value))
        both = (first + second for first, second in pairwise(words))
        yield from (two for two in both if len(two) >= 8 and not two.isdigit())


def _digit_runs(cores: Iterable[str]) -> set[str]:
    runs = {run for core in cores for run in re.findall("[0-9]{6,}", core)}
    return {run for run in runs if run.strip("0")}


def _strings(element: DataElement) -> list[str]:
    value = element.value
    if value is None or isinstance(value, bytes) or element.VR == "SQ":
        return []
    many = not isinstance(value, str) and hasattr(value, "__iter__") and element.VR != "PN"
    if element.VR == "PN" and element.VM > 1:
        many = True
    return [str(part).rstrip(" \0") for part in (value if many else [value])]


@dataclass(frozen=True, slots=True)
class Search:
    """Compiled once for a source; sessions share one, as their names, ids and dates are the same."""

    text: re.Pattern[str]
    product: re.Pattern[str]
    names: re.Pattern[str]
    dates: re.Pattern[str]
    short_dates: re.Pattern[str]
    words: re.Pattern[str]
    tiny: frozenset[str]
    tiny_ids: frozenset[str]
    numbers: frozenset[str]
    binary: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes that it needs, roughly: as measured, ten for each character of a pattern."""
        patterns = (self.text, self.product, self.names, self.dates, self.short_dates)
        return 10 * sum(len(pattern.pattern) for pattern in patterns) + 100 * (len(self.binary) + len(self.numbers))

    def in_text(self, value: str, vr: str, tag: int) -> bool:
        row = lookup(tag)
        product = row is not None and row.search == "product"
        folded = _folded(value)
        if (self.product if product else self.text).search(folded) or self.dates.search(folded):
            return True
        if tag != _CODE_VALUE and self.short_dates.search(folded):
            return True
        if self.names.search(folded) or self.names.search(_folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value))):
            return True
        if vr != "CS" and _core(value) in (self.tiny_ids if product else self.tiny):
            return True
        return _unknown_uid(value)

    def in_description(self, value: str, tag: int = 0) -> bool:
        """What is found only in descriptions that are cleaned word by word."""
        return self.in_text(value, "LT", tag) or self.words.search(_folded(value)) is not None

    def is_one(self, value: str) -> bool:
        """Whether a number, date or time is an identifier of four digits and more, and no date of the source."""
        whole = re.fullmatch(r" *[+-]?0*(\d+)(?:\.0*)? *", value)
        return whole is not None and whole[1] in self.numbers and not self.dates.search(value)

    def in_code(self, value: str) -> bool:
        """Whether a code string is, as a whole, an identifier or a part of a name of a few letters."""
        return _core(value) in self.tiny_ids or self.words.fullmatch(_folded(value)) is not None

    def in_number(self, value: str, tag: int = 0) -> bool:
        """Looks at the integer part, as it would be written out."""
        read = re.fullmatch(r" *[+-]?([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,2}))? *", value)
        if read is None:
            return False
        before, after, shift = read[1], read[2], int(read[3] or 0)
        if shift >= 0:
            before, after = before + after[:shift].ljust(shift, "0"), after[shift:]
        else:
            before, after = before[:shift], before[shift:].rjust(-shift, "0") + after
        whole = before.lstrip("0")
        if tag in _TYPED_NUMBERS and len(whole) >= 4 and whole in self.numbers:
            return True
        if not after.strip("0") and any(number in whole for number in self.numbers if len(number) >= 6):
            return True
        return len(whole) >= 8 and self.dates.search(whole) is not None

    def is_number(self, values: Iterable[str]) -> bool:
        """Whether one of the values of a binary number is an identifier or a date of six digits and more."""
        for value in values:
            whole = re.fullmatch(r"-?(\d{6,16})(?:\.0)?", value)
            if whole and (whole[1] in self.numbers or (len(whole[1]) == 8 and self.dates.search(whole[1]))):
                return True
        return False

    def in_bytes(self, value: bytes) -> bool:
        plain = re.sub(rb"[\W_]+", b"", value.lower())
        if any(part in plain for part in self.binary):
            return True
        text = re.sub(rb"[^ -~]", b" ", value.replace(b"\0", b"")).decode("ascii").lower()
        return len(value) >= 5 and (self.dates.search(text) is not None or _unknown_uid(text))


def _unknown_uid(text: str) -> bool:
    uids = re.findall(r"\d+(?:\.\d+){4,}", text)
    return any(len(uid) >= 20 and not is_well_known(uid) for uid in uids)


@lru_cache(maxsize=64)
def compiled(found: Found) -> Search:
    """The search for one set of identifiers."""
    ids = list(_patterns(found.ids))
    long = {core for core in found.ids | found.stations if len(core) >= 6}
    names = {name for name in found.names if len(name) >= 5 or (len(name) >= 2 and not name.isascii())}
    words = {name for name in found.names if name.isascii() and 3 <= len(name) <= 4}
    spread = [_SEPARATOR.join(map(re.escape, name)) for name in sorted(names)]
    dates = [form for date in sorted(found.dates) for form in _date_forms(date)]
    sixes = {form for date in found.dates if date[:2] in ("19", "20") for form in _plain_forms(date, 2)}
    tiny = {core for core in found.ids | found.stations if len(core) < 4 and core.isascii()}
    small = {core for core in tiny & found.ids if len(core) > 1} | {name for name in found.names if len(name) == 2}
    return Search(
        text=_any([*ids, *_patterns(found.stations), *spread]),
        product=_any([*ids, *spread]),
        names=_any([rf"(?<![^\W\d_])(?:{'|'.join(sorted(words))})(?![^\W\d_])"] if words else []),
        dates=_any(dates),
        short_dates=_any([rf"(?<!\d)(?:{'|'.join(sorted(sixes))})(?!\d)"] if sixes else []),
        words=_any(_words_of(small, found.phrases)),
        tiny=frozenset(tiny),
        tiny_ids=frozenset(tiny & found.ids),
        numbers=frozenset(c.lstrip("0") for c in found.ids | found.stations if re.fullmatch("[0-9]{4,}", c)),
        binary=tuple(core.encode() for core in sorted(long | names) if core.isascii()),
    )


def _words_of(small: set[str], phrases: frozenset[str]) -> list[str]:
    whole = [rf"(?<![^\W_])(?:{'|'.join(sorted(small))})(?![^\W_])"] if small else []
    return whole + [_SEPARATOR.join(map(re.escape, phrase)) for phrase in sorted(phrases)]


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns)) if patterns else _NOTHING


def _patterns(cores: Iterable[str]) -> Iterator[str]:
    for core in sorted(cores):
        spread = _SEPARATOR.join(map(re.escape, core))
        if len(core) >= 6 or (len(core) > 1 and not core.isascii()):
            yield spread
        elif len(core) >= 4:
            yield rf"(?<![^\W_]){spread}(?![^\W_])"


def _plain_forms(date: str, century: int = 0) -> tuple[str, str, str]:
    year, month, day = date[century:4], date[4:6], date[6:]
    return date, day + month + year, month + day + year


def _date_forms(date: str) -> Iterator[str]:
    yield from _plain_forms(date)
    number, name = int(date[4:6]), rf"(?<![a-z])(?:{_MONTHS[int(date[4:6]) - 1]})[a-z]{{0,6}}(?![a-z])"
    month = f"0?{number}" if number < 10 else str(number)
    day = f"0?{int(date[6:])}" if int(date[6:]) < 10 else date[6:]
    year = rf"(?:{date[:4]}|{date[2:4]})" if date[:2] in ("19", "20") else date[:4]
    for order in ((year, month, day), (day, month, year), (month, day, year)):
        yield r"(?<!\d)" + _APART.join(order) + r"(?!\d)"
    yield rf"(?<!\d){year}{_NEAR}{name}{_NEAR}{day}(?!\d)"
    yield rf"(?<!\d){day}{_NEAR}{name}{_NEAR}{year}(?!\d)"
    yield rf"{name}{_NEAR}{day}{_APART}{year}(?!\d)"
