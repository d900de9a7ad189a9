"""Who a session belongs to on the clean side."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xnat_pixelanon.archive.ports import Claim
from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import SessionError
from xnat_pixelanon.pipeline.rules import Rules

_PARTS = re.compile(r"[^\W_]+")
_MOST_PARTS = 16
_PATTERN = {"#": "[0-9]", "@": "[A-Za-z]", "+": "+"}


def clean_labels(session: SourceSession, scans: Sequence[ScanFacts], rules: Rules) -> tuple[str, str]:
    """Subject and session label: pseudonyms of the XNAT subject label (or Patient ID) and of the session's ID, or the
    labels that the policy keeps.

    SessionError where the headers do not say one patient and the pseudonym has to come from them, and where a label
    that is kept does not match its pattern.
    """
    return _subject_label(session, scans, rules), session_label(session, rules)


def session_label(session: SourceSession, rules: Rules) -> str:
    """That of the clean session."""
    labels = rules.policy.labels
    if labels.session == "keep":
        return _kept(session.label, labels.session_pattern, "session", rules)
    return rules.identity.session_label(session.id, prefix=labels.prefix)


def _subject_label(session: SourceSession, scans: Sequence[ScanFacts], rules: Rules) -> str:
    labels = rules.policy.labels
    if labels.subject == "keep":
        return _kept(session.subject, labels.subject_pattern, "subject", rules)
    if session.subject and labels.subject_from == "subject_label":
        return rules.identity.subject_label(session.subject, prefix=labels.prefix)
    patients = {
        (facts.patient_id, facts.issuer_of_patient_id) for scan in scans for facts in scan.instances if not facts.damage
    }
    if len(patients) != 1 or not next(iter(patients))[0]:
        raise SessionError(
            f"the headers name {len(patients)} patients, or none: the pseudonym cannot be made from Patient ID",
            hint="correct the files, or in XNAT let the policy take subject_from subject_label",
        )
    patient_id, issuer = next(iter(patients))
    return rules.identity.subject_label_of_patient(patient_id, issuer, prefix=labels.prefix)


def _kept(label: str, pattern: str, what: str, rules: Rules) -> str:
    if not re.fullmatch("".join(_PATTERN.get(sign, re.escape(sign)) for sign in pattern), label, re.ASCII):
        raise SessionError(
            f"the {what} label does not match the pattern of labels that the policy keeps",
            hint=f"rename it in staging, or let the policy's labels.{what} be a pseudonym; a folder has no labels",
        )
    if any(text.casefold() in label.casefold() for text in rules.policy.identifiers):
        raise SessionError(
            f"the {what} label holds one of the owner's headers.identifiers", hint="rename it in staging"
        )
    return label


def kept_labels(labels: tuple[str, str], rules: Rules) -> tuple[str, ...]:
    """Those of the two that are labels of staging."""
    ways = (rules.policy.labels.subject, rules.policy.labels.session)
    return tuple(label for label, way in zip(labels, ways, strict=True) if way == "keep")


def numbers_in(label: str) -> set[str]:
    """What of a label may be a patient's or visit's number by itself, as XNAT's own script writes labels over headers.

    Each run of neighbouring parts, joined, that has six characters or more and four digits: `AB-1234` of `AB-1234-V1`.
    """
    parts = _PARTS.findall(label)[:_MOST_PARTS]
    runs = ("".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1))
    return {run for run in runs if len(run) >= 6 and sum(map(str.isdecimal, run)) >= 4}


def source_digest(session_id: str, rules: Rules) -> str:
    """The keyed digest of a source session's ID, as its receipt holds it."""
    return rules.identity.keyed_digest(b"source", session_id.encode())


def claim_of(session: SourceSession, study_instance_uid: str, rules: Rules) -> Claim:
    """By what the clean session of a source session is known; `study_instance_uid` is the source's, or empty."""
    study = rules.identity.uid(study_instance_uid) if study_instance_uid else ""
    return Claim(session_label(session, rules), source_digest(session.id, rules), study)
