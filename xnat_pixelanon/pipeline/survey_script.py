"""The project's script in a survey: asked as a run asks it, and what it said is kept with what was read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.headers import HeaderRequest
from xnat_pixelanon.pipeline.cleaning import session_request
from xnat_pixelanon.pipeline.labels import clean_labels
from xnat_pixelanon.pipeline.rules import Rules


def script_request(
    session: SourceSession, scans: Sequence[ScanFacts], rules: Rules, identifiers: tuple[str, ...]
) -> HeaderRequest | None:
    """With what a run asks the script about the files of a session; None where there is no script, or nothing to ask.

    SessionError where a run gives the session no labels: it does not ask then.
    """
    if not rules.script or all(facts.damage for scan in scans for facts in scan.instances):
        return None
    return session_request(session, scans, rules, identifiers, clean_labels(session, scans, rules))


def asked_with(request: HeaderRequest) -> str:
    """The keyed digest of all that a script's answers stand on beside the file itself; '' where they may not be kept.

    What a server of `url_hosts` says today it need not say tomorrow.
    """
    if request.url_hosts:
        return ""
    parts = (
        request.script,
        request.subject_label,
        request.session_label,
        request.project,
        request.known_identifiers,
        request.rules.as_document(),
    )
    return request.identity.keyed_digest(b"survey script", json.dumps(parts).encode())


def answers(instances: Sequence[InstanceFacts]) -> list[dict[str, Any]]:
    """The different answers about the images of one row, for the page; what stands there is as in ScriptFacts.

    `refused`: why no rectangle can be blackened in these images.
    """
    found: dict[str, dict[str, Any]] = {}
    for facts in instances:
        if facts.script is None:
            continue
        answer = {
            "rejected": facts.script.rejected,
            "failed": facts.script.failed,
            "boxes": [box.as_dict() for box in facts.script.rectangles],
            "refused": facts.edit_refusal.code if facts.edit_refusal else "",
        }
        found[json.dumps(answer)] = answer
    return list(found.values())
