"""The table of formats: one row each. A new one is a module and a row here, and a row in docs/reference.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from xnat_pixelanon.exchange import ctp, deid, desktop, dicomedit
from xnat_pixelanon.exchange.rules import Carried

Reader = Callable[[str, str, tuple[int, int] | None], Carried]
Writer = Callable[[Mapping[str, Any]], tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Format:
    """`read`: text, how to call it, rows and columns for rules that say none. `write`: None where it is read only."""

    name: str
    words: str
    read: Reader
    write: Writer | None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format(dicomedit.KIND, "DicomEdit 6 scripts", dicomedit.read, dicomedit.write),
            Format(ctp.KIND, "pixel scripts of CTP", ctp.read, ctp.write),
            Format(desktop.KIND, "templates of XNAT's Desktop Client (JSON)", desktop.read, desktop.write),
            Format(deid.KIND, "recipes of deid", deid.read, None),
        )
    }
)
