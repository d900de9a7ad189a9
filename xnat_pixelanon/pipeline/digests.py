"""Keyed digests of a session as it is decided now, to stand in its receipt and to be compared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from xnat_pixelanon.domain.decisions import Decision, ScanDecision, ScanFacts
from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.domain.receipt import PlannedScan
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.headers import Identity, profile_digest
from xnat_pixelanon.pipeline.rules import Rules


def planned_scans(
    scans: Sequence[ScanFacts], decided: Sequence[ScanDecision], rules: Rules, labels: tuple[str, str]
) -> list[PlannedScan]:
    """One record per series that can be told apart; scans that are damaged or empty have none."""
    counts: dict[str, object] = {"policy": rules.policy.digest, "labels": labels}
    if rules.policy.identifiers:  # keyed: the receipt stands on the clean side, and names can be guessed
        listed = sorted(text.encode() for text in rules.policy.identifiers)
        counts["identifiers"] = rules.identity.keyed_digest(b"identifiers", *listed)
    if rules.script:  # keyed for the same reason
        counts["script"] = rules.identity.keyed_digest(b"script", rules.script.encode())
    policy = _digest(counts)
    profile = f"sha256:{profile_digest(rules.policy.headers)}"
    return [
        PlannedScan(
            series_instance_uid=rules.identity.uid(scan.instances[0].series_instance_uid),
            allowed=decision.kind.sends,
            inputs=inputs_digest(rules.identity, scan.instances),
            decision=decision_digest(rules.identity, scan.instances, decision.instances),
            policy=policy,
            profile=profile,
        )
        for scan, decision in zip(scans, decided, strict=True)
        if scan.instances and scan.instances[0].series_instance_uid
    ]


def inputs_digest(identity: Identity, instances: Sequence[InstanceFacts]) -> str:
    """Keyed digest of the bytes of a scan's files."""
    lines = sorted(f"{facts.sop_instance_uid} {facts.content_sha256}" for facts in instances)
    return identity.keyed_digest(b"inputs", *(line.encode() for line in lines))


def decision_digest(identity: Identity, instances: Sequence[InstanceFacts], decisions: Sequence[Decision]) -> str:
    """Keyed digest of what happens to each instance: titles, ids and notes of templates do not count."""
    lines = sorted(
        json.dumps([facts.sop_instance_uid, decision.kind.value, _boxes(decision.rectangles)], sort_keys=True)
        for facts, decision in zip(instances, decisions, strict=True)
    )
    return identity.keyed_digest(b"decision", *(line.encode() for line in lines))


def rectangles_digest(rectangles: Sequence[Rectangle]) -> str:
    """SHA-256 (hex) of the rectangles that applied, for De-identification Method: no title, no id."""
    return _digest(_boxes(rectangles)).removeprefix("sha256:")


def _boxes(rectangles: Sequence[Rectangle]) -> list[dict[str, int]]:
    return [box.as_dict() for box in sorted(rectangles)]


def _digest(value: object) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()}"
