"""The table of functions: one row each. A new function is a row in one of the three modules below, and a row in
docs/dicomedit.md; parser, checks and interpreter ask this table only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xnat_pixelanon.headers.script import date_functions, element_functions, text_functions
from xnat_pixelanon.headers.script.table import Function

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    dict(sorted({**date_functions.FUNCTIONS, **element_functions.FUNCTIONS, **text_functions.FUNCTIONS}.items()))
)
