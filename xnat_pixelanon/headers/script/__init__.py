"""DicomEdit 6, the language of XNAT's anonymisation scripts: `compile_script`, then `Script.apply` for each instance.

docs/dicomedit.md is its manual: the language as it is run here, and what is kept different from XNAT's engine, and why.
"""

from __future__ import annotations

from xnat_pixelanon.headers.script.functions import FUNCTIONS
from xnat_pixelanon.headers.script.nodes import Place
from xnat_pixelanon.headers.script.script import VARIABLES, Applied, Script, compile_script
from xnat_pixelanon.headers.script.state import Change, PixelRequest, Surroundings

__all__ = [
    "FUNCTIONS",
    "VARIABLES",
    "Applied",
    "Change",
    "PixelRequest",
    "Place",
    "Script",
    "Surroundings",
    "compile_script",
]
