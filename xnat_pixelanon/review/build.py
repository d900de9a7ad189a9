"""The review page as one self-contained HTML file: style, scripts and the survey inside, nothing loaded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from xnat_pixelanon.archive.project_files import DOCUMENTS
from xnat_pixelanon.domain.changes import ON_CHANGE
from xnat_pixelanon.domain.codes import CODES, Kind
from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.documents import schema
from xnat_pixelanon.domain.header_rules import FIXED_TAGS, OPTIONS, PIXEL_GROUPS
from xnat_pixelanon.domain.objects import HEADERS_ONLY
from xnat_pixelanon.domain.policy import FIXED_LETTERS
from xnat_pixelanon.look import BASE_CSS
from xnat_pixelanon.pipeline.rules import KEY_BYTES

SCRIPTS = (
    "dom.js",
    "criteria.js",
    "boxes.js",
    "decide.js",
    "policycheck.js",
    "check.js",
    "state.js",
    "pictures.js",
    "saving.js",
    "merging.js",
    "groups.js",
    "grid.js",
    "group.js",
    "match.js",
    "stage.js",
    "draw.js",
    "form.js",
    "policy.js",
    "rules.js",
    "summary.js",
    "main.js",
)
"""In the order in which they stand in the page: what a file needs while it is loaded stands before it."""
WRAPPERS: Mapping[str, str] = {
    "plan": "2 Dry run",
    "store": "3 Store documents",
    "arm": "4 Arm publishing",
    "run": "5 Publish sessions",
}
"""Menu entries that the page names."""
_PLACE = re.compile(r"\{(policy|style|data|script)\}")
_FOR_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def page(survey: Mapping[str, Any], *, live: str = "") -> str:
    """The page for a survey (schemas/survey.schema.json), as HTML.

    `live`: the token by which the loopback server knows the page that it served; without one the page finds out by
    itself whether it stands in XNAT or is a file. No text of the survey can end the element that it stands in.
    """
    style, script = BASE_CSS + _static("style.css"), _script()
    data = {"survey": survey, "vocabulary": vocabulary(), "live": live or None}
    parts = {
        "policy": _content_security_policy(style, script),
        "style": style,
        "script": script,
        "data": json.dumps(data, separators=(",", ":")).translate(_FOR_HTML),
    }
    return _PLACE.sub(lambda found: parts[found[1]], _static("page.html"))


@cache
def vocabulary() -> Mapping[str, Any]:
    """What the page knows of the program: one source for both."""
    return {
        "criteria": {
            # text allows `*`; anything else is compared as it is
            name: {"keyword": one.keyword, "help": one.help, "text": one.matches("*", "any")}
            for name, one in CRITERIA.items()
        },
        "codes": {
            name: {"kind": one.kind.value, "meaning": one.meaning, "remedy": one.remedy} for name, one in CODES.items()
        },
        "kinds": [kind.value for kind in Kind],  # the strictest first
        "schemas": {name: schema(name) for name in ("templates", "policy")},
        "options": dict(OPTIONS),
        "on_change": dict(ON_CHANGE),
        "policy": {
            "fixed_letters": FIXED_LETTERS,
            "fixed_tags": sorted(FIXED_TAGS),
            "pixel_groups": PIXEL_GROUPS,
            "headers_only": dict(HEADERS_ONLY),
        },
        "folded": _folded(),
        "key_bytes": KEY_BYTES,
        "documents_resource": DOCUMENTS,
        "wrappers": dict(WRAPPERS),
    }


def _folded() -> dict[str, str]:
    """Each character that str.casefold changes: JavaScript has no such function, and its lower case is another."""
    every = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    return {letter: letter.casefold() for letter in every if letter.casefold() != letter}


def _content_security_policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def _script() -> str:
    """All scripts in one function: none of their names is visible outside."""
    return "\n".join(('"use strict";(() => {', *map(_static, SCRIPTS), "})();"))


@cache
def _static(name: str) -> str:
    return resources.files("xnat_pixelanon.review").joinpath("static", name).read_text("utf-8")
