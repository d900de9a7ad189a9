"""Requests with options of the profile."""

from __future__ import annotations

import dataclasses
from typing import Any

from header_makers import IDENTITY, request

from xnat_pixelanon.domain.header_rules import OPTIONS, HeaderRules, TagException
from xnat_pixelanon.headers import HeaderRequest


def asked(*options: str, exceptions: dict[str, str] | None = None, **changes: Any) -> HeaderRequest:
    """A request with these options, and exceptions as tag and action."""
    listed = tuple(TagException(tag, action) for tag, action in (exceptions or {}).items())  # type: ignore[arg-type]
    identity = dataclasses.replace(IDENTITY, keeps_uids="retain-uids" in options)
    return request(identity=identity, rules=HeaderRules(frozenset(options), listed), **changes)


RULES = (
    HeaderRules(),
    HeaderRules(frozenset({"clean-descriptors", "retain-dates-modified"})),
    HeaderRules(frozenset({"retain-safe-private", "retain-dates-full", "retain-device-identity"})),
    HeaderRules(frozenset(OPTIONS) - {"retain-uids", "retain-dates-full"}),
    HeaderRules(frozenset({"retain-institution-identity"}), (TagException("(0008,1010)", "keep"),)),
    HeaderRules(frozenset(), (TagException("(0008,103E)", "keep"), TagException("(0018,0050)", "empty"))),
)
"""Rules to be mixed in a memory; none with retain-uids, which the identity has to know too."""
