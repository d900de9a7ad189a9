"""What a policy says about headers beyond the Basic Profile: options of PS3.15 E.3, exceptions for attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

RETAIN_UIDS = "retain-uids"
FULL_DATES, MODIFIED_DATES = "retain-dates-full", "retain-dates-modified"
OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "retain-safe-private": "private attributes that the standard lists as safe",
        RETAIN_UIDS: "UIDs as they are, instead of mapped ones",
        "retain-device-identity": "serial numbers, station names and the like",
        "retain-institution-identity": "name, address and department of the institution",
        "retain-patient-characteristics": "sex, age, size, weight; allergies and the patient's state as cleaned text",
        FULL_DATES: "dates and times as they are",
        MODIFIED_DATES: "dates a number of days earlier, the same for all of a subject; times as they are",
        "clean-descriptors": "descriptions and comments, without the words that identify",
        "clean-structured-content": "content of structured reports, acquisition context, specimen preparation",
        "clean-graphics": "graphic and text annotations of presentation states",
    }
)
"""Each option, and what it lets stay. PS3.15 E.3; the names are those of the columns of Table E.1-1."""

Act = Literal["keep", "empty", "remove"]
# Identity, labels and provenance, what the pixels mean, character set: what stands there is not for a policy to say.
FIXED_TAGS = frozenset(
    f"({tag})"
    for tag in (
        *("0008,0005", "0008,0016", "0008,0018", "0008,0060", "0010,0010", "0010,0020", "0012,0062", "0012,0063"),
        *("0012,0064", "0018,A001", "0020,000D", "0020,000E"),
    )
)
PIXEL_GROUPS = ("(0028,", "(5200,")


@dataclass(frozen=True, slots=True)
class TagException:
    """What happens to one attribute, at every depth, whatever the profile says. `tag`: `(gggg,eeee)` in capitals.

    `keep`: stays, as a descriptor that is cleaned where it is text; `empty` and `remove`: as they say.
    """

    tag: str
    action: Act
    reason: str = ""

    @property
    def number(self) -> int:
        """The tag as a number of 32 bits."""
        return int(self.tag[1:5] + self.tag[6:10], 16)


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """Options and exceptions; none of either is the Basic Profile.

    `script_alone`: the rows of the profile do not apply, only the project's script; what identifies goes all the same.
    """

    options: frozenset[str] = frozenset()
    exceptions: tuple[TagException, ...] = ()
    script_alone: bool = False

    def as_document(self) -> dict[str, Any]:
        """What decides, for digests: no reasons."""
        exceptions = sorted((one.tag, one.action) for one in self.exceptions)
        profile = {"profile": "none"} if self.script_alone else {}
        return {"options": sorted(self.options), "exceptions": exceptions, **profile}

    def described(self) -> str:
        """Options and exceptions in one line, '' for the Basic Profile."""
        parts = ["the script alone"] if self.script_alone else []
        parts += [", ".join(name for name in OPTIONS if name in self.options)]
        parts += [f"except {one.tag} {one.action}" for one in self.exceptions]
        return "; ".join(part for part in parts if part)

    @classmethod
    def from_document(cls, headers: Mapping[str, Any]) -> HeaderRules:
        """From the `headers` of a policy that is valid."""
        return cls(
            frozenset(headers.get("options", ())),
            tuple(TagException(**one) for one in headers.get("exceptions", ())),
            headers.get("profile") == "none",
        )


PLAIN = HeaderRules()
"""The Basic Profile."""


def rule_problems(headers: Mapping[str, Any]) -> Iterator[str]:
    """What the schema cannot say of `headers`: options that contradict each other, tags that no exception is for."""
    options = headers.get("options", ())
    if headers.get("profile") == "none":
        if not headers.get("script"):
            yield '$.headers.profile: none leaves all to a script, and there is none; expected "basic", or a script'
        for key in ("options", "exceptions"):
            if headers.get(key):
                yield f"$.headers.{key}: they change a profile, and profile is none; expected []"
    if headers.get("url_hosts") and not headers.get("script"):
        yield "$.headers.url_hosts: only a script asks other servers, and there is none; expected []"
    if FULL_DATES in options and MODIFIED_DATES in options:
        yield (
            f"$.headers.options: {FULL_DATES} keeps dates as they are and {MODIFIED_DATES} moves them; "
            "expected one of the two"
        )
    yield from _exception_problems(headers.get("exceptions", ()))


def _exception_problems(exceptions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    for index, one in enumerate(exceptions):
        tag, where = one["tag"], f"$.headers.exceptions[{index}].tag"
        if tag in seen:
            yield f"{where}: {tag} has an exception already"
        seen.add(tag)
        if int(tag[1:5], 16) % 2:
            yield f"{where}: {tag} is private; expected a standard attribute"
        elif tag < "(0008" or tag >= "(7FE0" or tag in FIXED_TAGS or tag.startswith(PIXEL_GROUPS):
            yield f"{where}: {tag} is what the object is, or says how it was made; expected another attribute"
