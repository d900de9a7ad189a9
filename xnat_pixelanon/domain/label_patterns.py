"""Patterns of labels that are kept: `STUDY7-###_V#+`.

Letters, digits, `-` and `_` stand for themselves, `#` for a digit, `@` for a letter, `+` behind one of these for one or
more. A pattern says the whole label. The places of the label that can be reached are kept as a set: `#+#+#+` as a
regular expression would take longer with every sign, this takes the two lengths multiplied.
"""

from __future__ import annotations

import re
import string

LONGEST = 64
"""Characters of a label: as many as Patient ID has (PS3.5 6.2, LO)."""
_PART = re.compile(r"([A-Za-z0-9_-]|[#@])(\+?)")
_SIGNS = {"#": string.digits, "@": string.ascii_letters}


def matches(pattern: str, label: str) -> bool:
    """Whether the whole label is as the pattern says; `pattern` is one by schemas/policy.schema.json."""
    if not 0 < len(label) <= LONGEST:
        return False
    places = {0}
    for sign, more in _PART.findall(pattern):
        signs = _SIGNS.get(sign, sign)
        step = {at + 1 for at in places if at < len(label) and label[at] in signs}
        if more:
            step = {end for at in step for end in range(at, _run_end(label, at, signs) + 1)}
        places = step
    return len(label) in places


def _run_end(label: str, at: int, signs: str) -> int:
    while at < len(label) and label[at] in signs:
        at += 1
    return at
