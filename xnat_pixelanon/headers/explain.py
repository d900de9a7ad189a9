"""What is done to each element of a header, and by which rule: for people who write a policy or a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from xnat_pixelanon.headers.engine import clean_header
from xnat_pixelanon.headers.request import HeaderRequest
from xnat_pixelanon.headers.rulings import Rulings, rulings_of
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet
from xnat_pixelanon.headers.tree import path_of

_PLACES = re.compile(r"[0-9A-F]{4}(?=[,)])|(?<=\[)[0-9]+(?=\])")


@dataclass(frozen=True, slots=True)
class ElementTold:
    """One element. `path` as in HeaderAction; `action` is `kept` where nothing was done.

    `rule` as engine.py lists them, empty for what the profile does not name. `before` and `after` are None where the
    element is not there.
    """

    path: str
    keyword: str
    vr: str
    action: str
    rule: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)


def explain(source: Dataset, request: HeaderRequest) -> tuple[ElementTold, ...]:
    """Every element of the source and of its copy, in order; what lies in a sequence that goes is not told by itself.

    InstanceError as `clean_header`.
    """
    cleaned = clean_header(source, request)
    rulings = rulings_of(request.rules)
    done: dict[str, list[tuple[str, str]]] = {}
    for one in cleaned.actions:
        done.setdefault(one.tag, []).append((one.action, one.rule))
    with quiet():
        before, after = dict(_flat(source, "")), dict(_flat(cleaned.dataset, ""))
    told = []
    for path in sorted({*before, *after, *done}, key=_order):
        if path not in after and path not in done:
            continue  # within a sequence that goes
        steps = done.get(path) or [("kept", _why_kept(path, rulings))]
        vr, _ = after.get(path) or before.get(path) or ("", "")
        told.append(
            ElementTold(
                path,
                keyword_for_tag(_tag(path)),
                vr,
                ", ".join(dict.fromkeys(action for action, _ in steps)),
                ", ".join(dict.fromkeys(rule for _, rule in steps)),
                before[path][1] if path in before else None,
                after[path][1] if path in after else None,
            )
        )
    return tuple(told)


def _flat(ds: Dataset, path: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Path, VR and value as text of every element at every depth."""
    for tag in sorted(ds.keys()):
        here = path + path_of(int(tag))
        try:
            element = ds[tag]
            value = element.value
        except PYDICOM_ERRORS:
            yield here, ("", "not readable")
            continue
        if element.VR == "SQ":
            yield here, ("SQ", f"{len(value)} item{'' if len(value) == 1 else 's'}")
            for index, item in enumerate(value):
                yield from _flat(item, f"{here}[{index}].")
        elif isinstance(value, bytes):
            yield here, (element.VR, f"{len(value)} bytes")
        else:
            values = value if isinstance(value, list) or element.VM > 1 else [value]
            yield here, (element.VR, "\\".join("" if one is None else str(one) for one in values))


def _why_kept(path: str, rulings: Rulings) -> str:
    tag = _tag(path)
    return rulings.option(tag)[1] or rulings.basic(tag)[1]


def _tag(path: str) -> int:
    return int(path[-10:-6] + path[-5:-1], 16)


def _order(path: str) -> list[int]:
    return [int(part, 16) if len(part) == 4 else int(part) for part in _PLACES.findall(path)]
