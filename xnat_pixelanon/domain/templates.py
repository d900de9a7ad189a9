"""templates.json: templates, exclusions and overrides as typed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xnat_pixelanon.domain.criteria import matches
from xnat_pixelanon.domain.documents import parse, schema_problems
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import DocumentError

DOCUMENT = "templates.json"


@dataclass(frozen=True, slots=True)
class Template:
    """Rectangles for all images that match; without rectangles it says: looked at, nothing burned in."""

    id: str
    title: str
    match: Mapping[str, str]
    rectangles: tuple[Rectangle, ...]

    def applies(self, attributes: Mapping[str, str]) -> bool:
        return matches(self.match, attributes)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Images that match are never sent."""

    match: Mapping[str, str]
    reason: str

    def applies(self, attributes: Mapping[str, str]) -> bool:
        return matches(self.match, attributes)


@dataclass(frozen=True, slots=True)
class Override:
    """One person's decision on one series; keyed by experiment ID (or Study Instance UID) and Series Instance UID."""

    session_id: str
    series_instance_uid: str
    """Empty: the whole session is withdrawn, with every series that arrives later."""
    action: Literal["exclude", "pass", "templates"]
    templates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """All of one version of templates.json."""

    templates: tuple[Template, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    overrides: tuple[Override, ...] = ()
    based_on: int | None = None

    def template(self, template_id: str) -> Template:
        return next(template for template in self.templates if template.id == template_id)

    def overrides_of(self, session_id: str) -> tuple[Override, ...]:
        return tuple(override for override in self.overrides if override.session_id == session_id)

    def withdrawal_of(self, session_id: str) -> Override | None:
        """The override that withdraws a whole session; None where there is none."""
        return next((one for one in self.overrides_of(session_id) if not one.series_instance_uid), None)

    @classmethod
    def from_text(cls, text: str, where: str = DOCUMENT) -> TemplateSet:
        """From JSON text; DocumentError names every path and what was expected there."""
        return cls.from_document(parse(text, where), where)

    @classmethod
    def from_document(cls, document: Any, where: str = DOCUMENT) -> TemplateSet:
        """From parsed JSON; DocumentError names every path and what was expected there."""
        problems = schema_problems("templates", document) or list(_meaning_problems(document))
        if problems:
            raise DocumentError(where, problems)
        return cls(
            templates=tuple(
                Template(
                    item["id"],
                    item.get("title", ""),
                    _match(item["match"]),
                    tuple(Rectangle(**rectangle) for rectangle in item["rectangles"]),
                )
                for item in document["templates"]
            ),
            exclusions=tuple(
                Exclusion(_match(item["match"]), item.get("reason", "")) for item in document.get("exclusions", ())
            ),
            overrides=tuple(_override(item) for item in document.get("overrides", ())),
            based_on=document.get("based_on"),
        )


def with_withdrawal(document: dict[str, Any], session: Mapping[str, str], reason: str) -> dict[str, Any]:
    """A document to which the override is added that withdraws a session; `session` has its `id` and `label`."""
    override = {"session": dict(session), "action": "exclude", "reason": reason}
    return document | {"overrides": [*document.get("overrides", ()), override]}


def _match(match: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(wanted) for name, wanted in match.items()}


def _override(item: Mapping[str, Any]) -> Override:
    return Override(
        item["session"]["id"],
        item.get("series_instance_uid", ""),
        item["action"],
        tuple(item.get("templates", ())),
        item.get("reason", ""),
    )


def _meaning_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What a schema cannot say: order and bounds of rectangles, unique ids, names that have to exist."""
    ids = [item["id"] for item in document["templates"]]
    for index, item in enumerate(document["templates"]):
        path = f"$.templates[{index}]"
        if ids.index(item["id"]) != index:
            yield f"{path}.id: expected an id that no other template has"
        yield from _template_problems(path, item)
    seen: set[tuple[str, str]] = set()
    for index, item in enumerate(document.get("overrides", ())):
        path = f"$.overrides[{index}]"
        key = (item["session"]["id"], item.get("series_instance_uid", ""))
        if key in seen:
            what = "each series of a session" if key[1] else "a session as a whole"
            yield f"{path}: expected one override for {what}"
        seen.add(key)
        yield from _override_problems(path, item, ids)


def _template_problems(path: str, item: Mapping[str, Any]) -> Iterator[str]:
    match = item["match"]
    if not item["rectangles"]:
        if not ({"modality", "sop_class_uid"} <= set(match) and len(match) > 2):
            yield f"{path}.match: a template without rectangles names modality, sop_class_uid and at least one more"
        return
    missing = [name for name in ("rows", "columns") if name not in match]
    if missing:
        yield f"{path}.match: a template with rectangles names rows and columns; {' and '.join(missing)} missing"
    for index, rectangle in enumerate(item["rectangles"]):
        yield from _rectangle_problems(f"{path}.rectangles[{index}]", rectangle, match)


def _rectangle_problems(path: str, rectangle: Mapping[str, int], match: Mapping[str, int]) -> Iterator[str]:
    for first, last, size in (("top", "bottom", "rows"), ("left", "right", "columns")):
        if rectangle[first] >= rectangle[last]:
            yield f"{path}: expected {first} < {last}, found {rectangle[first]} and {rectangle[last]}"
        if size in match and rectangle[last] > match[size]:
            yield f"{path}.{last}: expected at most {match[size]}, the template's {size}; found {rectangle[last]}"


def _override_problems(path: str, item: Mapping[str, Any], ids: Sequence[str]) -> Iterator[str]:
    names = item.get("templates", [])
    if "series_instance_uid" not in item and item["action"] != "exclude":
        yield f"{path}: expected the key series_instance_uid; only exclude may stand for a whole session"
    if item["action"] == "templates" and not names:
        yield f"{path}.templates: expected at least one template id"
    if item["action"] != "templates" and names:
        yield f"{path}.templates: only for the action templates"
    for index, name in enumerate(names):
        if name not in ids:
            yield f"{path}.templates[{index}]: expected the id of a template of this document"
