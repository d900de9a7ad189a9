"""The decision table of instances, scans and sessions: pure functions of headers, templates and policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xnat_pixelanon.domain.codes import CODES, STRICTEST_FIRST, Kind
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.objects import kind_refusal
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.templates import Override, Template, TemplateSet


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one instance, and why: `code` is one of CODES, `detail` numbers and attribute names."""

    code: str
    detail: str = ""
    templates: tuple[str, ...] = ()
    rectangles: tuple[Rectangle, ...] = ()

    @property
    def kind(self) -> Kind:
        return CODES[self.code].kind


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """A scan as its files say: `instances` are its DICOM files, in the order of their names."""

    id: str
    instances: tuple[InstanceFacts, ...]


@dataclass(frozen=True, slots=True)
class ScanDecision:
    """What happens to a scan: the strictest of its instances, which stand in the order of its files."""

    decision: Decision
    instances: tuple[Decision, ...]

    @property
    def kind(self) -> Kind:
        return self.decision.kind


def decide_session(
    session_id: str, scans: Sequence[ScanFacts], templates: TemplateSet, policy: Policy
) -> tuple[ScanDecision, ...]:
    """Decide every scan of a session, in the given order; an override that does not fit holds all that would go."""
    overrides = {override.series_instance_uid: override for override in templates.overrides_of(session_id)}
    decided = tuple(_decide_scan(scan, overrides, templates, policy) for scan in scans)
    series = {facts.series_instance_uid for scan in scans for facts in scan.instances}
    gone = len(set(overrides) - series - {""})
    if not gone and not any(one.decision.code == "override-mismatch" for one in decided):
        return decided
    detail = f"{gone} override(s) of this session name a series that is gone" if gone else "see the mismatched scan"
    why = Decision("override-mismatch", detail)
    return tuple(_held_instead(one, why) if one.kind.sends else one for one in decided)


def _held_instead(scan: ScanDecision, why: Decision) -> ScanDecision:
    return ScanDecision(why, tuple(why if one.kind.sends else one for one in scan.instances))


def _decide_scan(
    scan: ScanFacts, overrides: Mapping[str, Override], templates: TemplateSet, policy: Policy
) -> ScanDecision:
    if not scan.instances:
        return ScanDecision(Decision("no-dicom"), ())
    per_instance = policy.mixed == "per-instance"
    mixed = None if per_instance else _mixed(scan.instances)
    whole = overrides.get("")  # that of the session as a whole goes before that of a series
    decided = tuple(
        decide_instance(facts, whole or overrides.get(facts.series_instance_uid), mixed, templates, policy)
        for facts in scan.instances
    )
    odd = None if per_instance else _mixed_decision(scan.instances, decided)
    return ScanDecision(odd or strictest(decided), decided)


def decide_instance(
    facts: InstanceFacts,
    override: Override | None,
    mixed: Decision | None,
    templates: TemplateSet,
    policy: Policy,
) -> Decision:
    """The first line of the decision table that applies, then the project's script.

    `mixed` is line 5's finding for the scan of this instance.
    """
    return _after_script(facts, _by_table(facts, override, mixed, templates, policy))


def _after_script(facts: InstanceFacts, decision: Decision) -> Decision:
    """What would go, less what the script leaves out, with its rectangles; a script alone makes nothing go."""
    script = facts.script
    if script is None or not decision.kind.sends:
        return decision
    if script.failed:
        return Decision("header-refused", script.failed, decision.templates)
    if script.rejected:
        return Decision("script-reject", script.rejected, decision.templates)
    boxes = tuple(dict.fromkeys((*decision.rectangles, *script.rectangles)))
    if boxes == decision.rectangles:
        return decision
    if facts.edit_refusal:
        return Decision(facts.edit_refusal.code, facts.edit_refusal.detail, decision.templates)
    code = decision.code if decision.kind is Kind.REDACT else "script-redact"
    return Decision(code, decision.detail, decision.templates, boxes)


def _by_table(
    facts: InstanceFacts,
    override: Override | None,
    mixed: Decision | None,
    templates: TemplateSet,
    policy: Policy,
) -> Decision:
    damage = facts.damage or _without_identity(facts)
    if damage:
        return Decision("damaged", damage)
    if override is not None:
        return _unless_impossible(facts, _by_override(facts, override, templates), policy)
    for exclusion in templates.exclusions:
        if exclusion.applies(facts.attributes):
            return Decision("exclusion", exclusion.reason)
    return _impossible(facts, policy) or mixed or _unless_impossible(facts, _by_templates(facts, templates), policy)


def strictest(decisions: Sequence[Decision]) -> Decision:
    """The strictest decision; among equally strict ones the first in the order of CODES, its templates joined."""
    order = list(CODES)
    worst = min(decisions, key=lambda one: (STRICTEST_FIRST.index(one.kind), order.index(one.code)))
    if not worst.kind.sends:
        return worst
    names = dict.fromkeys(name for one in decisions for name in one.templates)
    boxes = dict.fromkeys(box for one in decisions for box in one.rectangles)
    return Decision(worst.code, worst.detail, tuple(names), tuple(boxes))


def _without_identity(facts: InstanceFacts) -> str:
    missing = [
        keyword
        for keyword, value in (
            ("SOPClassUID", facts.sop_class_uid),
            ("SOPInstanceUID", facts.sop_instance_uid),
            ("StudyInstanceUID", facts.study_instance_uid),
            ("SeriesInstanceUID", facts.series_instance_uid),
        )
        if not value
    ]
    return f"{', '.join(missing)} missing" if missing else ""


def _by_override(facts: InstanceFacts, override: Override, templates: TemplateSet) -> Decision:
    if override.action == "exclude":
        return Decision("override-exclude", override.reason)
    if override.action == "pass":
        return Decision("override-pass")
    named = [templates.template(name) for name in override.templates]
    boxes = _boxes(named)
    if any(not box.inside(facts.rows, facts.columns) for box in boxes) or any(_misfits(one, facts) for one in named):
        return Decision("override-mismatch", f"a template of another size than {facts.rows}x{facts.columns}")
    names = tuple(template.id for template in named)
    return Decision("override-templates", "", names, boxes) if boxes else Decision("override-pass", "", names)


def _misfits(template: Template, facts: InstanceFacts) -> bool:
    size = {"rows": facts.rows, "columns": facts.columns}
    return any(template.match[name] != str(size[name]) for name in size if name in template.match)


def _by_templates(facts: InstanceFacts, templates: TemplateSet) -> Decision:
    matching = [template for template in templates.templates if template.applies(facts.attributes)]
    if not matching:
        return Decision("no-template")
    names = tuple(template.id for template in matching)
    boxes = _boxes(matching)
    if boxes:
        return Decision("template", "", names, boxes)
    says_yes = facts.attributes.get("burned_in_annotation", "").strip().upper() == "YES"
    if says_yes and not any("burned_in_annotation" in template.match for template in matching):
        return Decision("burned-in-yes", "", names)
    return Decision("looked-at-clean", "", names)


def _boxes(templates: Sequence[Template]) -> tuple[Rectangle, ...]:
    return tuple(dict.fromkeys(box for template in templates for box in template.rectangles))


def _impossible(facts: InstanceFacts, policy: Policy) -> Decision | None:
    """Line 4: objects to which no rectangle applies, and files of which not even a copy can be written.

    Of the former those without pixels that the policy lets go with their headers cleaned.
    """
    code = kind_refusal(facts)
    headers_only = facts.sop_class_uid in policy.send_headers_only and not facts.has_pixel_data
    if code and headers_only and not facts.copy_refusal:
        return Decision("headers-only")
    if code:
        return Decision(code)
    if facts.copy_refusal:
        return Decision(facts.copy_refusal.code, facts.copy_refusal.detail)
    return None


def _unless_impossible(facts: InstanceFacts, decision: Decision, policy: Policy) -> Decision:
    """What would be sent, unless it cannot be made: an override or a template cannot make an object editable."""
    if not decision.kind.sends:
        return decision
    impossible = _impossible(facts, policy)
    if impossible:
        return impossible
    if decision.rectangles and facts.edit_refusal:
        return Decision(facts.edit_refusal.code, facts.edit_refusal.detail, decision.templates)
    return decision


def _mixed(instances: Sequence[InstanceFacts]) -> Decision | None:
    """Line 5, over the readable instances of a scan."""
    readable = [facts for facts in instances if not facts.damage]
    classes = {facts.sop_class_uid for facts in readable}
    if len(classes) > 1:
        return Decision("mixed-sop-class", f"{len(classes)} SOP classes")
    sizes = sorted({(facts.rows, facts.columns) for facts in readable})
    if any(facts.pyramid for facts in readable) and len(sizes) > 1:
        return Decision("multi-resolution", f"{len(sizes)} resolutions")
    if len(sizes) > 1:
        return Decision("mixed-size", ", ".join(f"{rows}x{columns}" for rows, columns in sizes))
    return None


def _mixed_decision(instances: Sequence[InstanceFacts], decided: Sequence[Decision]) -> Decision | None:
    """Images of one group that come to different decisions; damage speaks for itself."""
    by_group: dict[Group, set[Decision]] = defaultdict(set)
    for facts, decision in zip(instances, decided, strict=True):
        if decision.code in ("damaged", "override-mismatch"):
            return None
        by_group[Group.of(facts)].add(decision)
    odd = [found for found in by_group.values() if len(found) > 1]
    if not odd:
        return None
    codes = sorted({decision.code for found in odd for decision in found})
    names = dict.fromkeys(name for decision in decided for name in decision.templates)
    return Decision("mixed-decision", ", ".join(codes), tuple(names))


def verdict(decided: Sequence[ScanDecision], policy: Policy) -> tuple[int, ...] | None:
    """Indices of the scans to send now; None when held scans make the whole session wait."""
    held = [one for one in decided if one.kind is Kind.HOLD]
    misfit = any(one.decision.code == "override-mismatch" for one in held)
    sends = tuple(index for index, one in enumerate(decided) if one.kind.sends)
    if misfit or (held and (policy.publish == "complete-sessions" or not sends)):
        return None
    return sends
