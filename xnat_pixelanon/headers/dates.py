"""Dates in text, read in every order and spelling that people use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

Date = tuple[int, int, int]

_DIGITS = re.compile(r"\d{8,}")
_SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)(?![a-z])")
_DATE_SEPARATORS = re.compile(r"[-/._, ]+")
_DIGIT_EDGE = re.compile(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)")
_TRIPLET = re.compile(r"(?=((?<!\d)\d{1,4}|(?<![a-z])[a-z]{3,9})-(\d{1,2}|[a-z]{3,9})-(\d{1,4})(?!\d))")
_PLACEHOLDER_DATE = (1900, 1, 1)
# How folded month names begin in English, French, German, Dutch, Italian, Portuguese, Scandinavian and Spanish.
_MONTHS: Mapping[str, int] = MappingProxyType(
    {
        start: number
        for number, starts in enumerate(
            (
                ("jan", "ene", "gen"),
                ("feb", "fev"),
                ("mar", "maa", "mae", "mrt"),
                ("apr", "abr", "avr"),
                ("may", "mai", "maj", "mag", "mei"),
                ("jun", "juin", "giu"),
                ("jul", "juil", "lug"),
                ("aug", "ago", "aou"),
                ("sep", "set"),
                ("oct", "okt", "ott", "out"),
                ("nov",),
                ("dec", "dez", "dic", "des"),
            ),
            start=1,
        )
        for start in starts
    }
)


def _valid(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31 and year > 0


def date_of(text: str) -> Date | None:
    """The date of a DA or DT value (PS3.5 6.2, and the older form with separators), None for a placeholder."""
    digits = re.sub(r"[.\-/]", "", text)[:8]
    if len(digits) != 8 or not digits.isdecimal() or not digits.isascii():
        return None
    date = (int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return date if _valid(*date) and date != _PLACEHOLDER_DATE else None


def _short_dates(six: str) -> Iterator[Date]:
    for year, month, day in ((0, 2, 4), (4, 2, 0), (4, 0, 2)):
        for century in (1900, 2000):
            yield century + int(six[year : year + 2]), int(six[month : month + 2]), int(six[day : day + 2])


def dates_in(folded: str, *, six: bool = False) -> Iterator[Date]:
    """Whatever in a folded text can be read as a date; `six`: six digits that stand alone too."""
    for run in _SIX_DIGITS.findall(folded) if six else ():
        yield from _short_dates(run)
    for run in _DIGITS.findall(folded):
        for start in range(len(run) - 7):
            eight = run[start : start + 8]
            yield int(eight[:4]), int(eight[4:6]), int(eight[6:])
            yield int(eight[4:]), int(eight[2:4]), int(eight[:2])
            yield int(eight[4:]), int(eight[:2]), int(eight[2:4])
    parted = _DATE_SEPARATORS.sub("-", _DIGIT_EDGE.sub("-", _ORDINAL.sub("", folded)))
    for first, second, third in _TRIPLET.findall(parted):
        for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
            yield from _readings(year, month, day)


def _readings(year: str, month: str, day: str) -> Iterator[Date]:
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
    return _MONTHS.get(text[:3]) or _MONTHS.get(text[:4], 0)
