"""Who a session belongs to on the clean side."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xnat_pixelanon.archive.ports import Claim
from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import SessionError
from xnat_pixelanon.pipeline.kept_labels import check_kept, kept
from xnat_pixelanon.pipeline.rules import Rules

_PARTS = re.compile(r"[^\W_]+")
_MOST_PARTS = 16


def clean_labels(session: SourceSession, scans: Sequence[ScanFacts], rules: Rules) -> tuple[str, str]:
    """Subject and session label: pseudonyms of the XNAT subject label (or Patient ID) and of the session's ID, or the
    labels of staging, as the policy says.

    SessionError where the headers do not say one patient and the pseudonym has to come from them; LabelError where a
    label of staging may not be kept.
    """
    labels = rules.policy.labels
    if labels.kept:
        check_kept(session, rules, sorted(_numbers_not_kept(session, rules)))
    if labels.subject == "keep":
        subject = session.subject
    elif session.subject and labels.subject_from == "subject_label":
        subject = rules.identity.subject_label(session.subject, prefix=labels.prefix)
    else:
        patients = {
            (facts.patient_id, facts.issuer_of_patient_id)
            for scan in scans
            for facts in scan.instances
            if not facts.damage
        }
        if len(patients) != 1 or not next(iter(patients))[0]:
            raise SessionError(
                f"the headers name {len(patients)} patients, or none: the pseudonym cannot be made from Patient ID",
                hint="correct the files, or in XNAT let the policy take subject_from subject_label",
            )
        patient_id, issuer = next(iter(patients))
        subject = rules.identity.subject_label_of_patient(patient_id, issuer, prefix=labels.prefix)
    return subject, _session_label(session, rules)


def _session_label(session: SourceSession, rules: Rules) -> str:
    labels = rules.policy.labels
    if labels.session == "keep":
        return session.label
    return rules.identity.session_label(session.id, prefix=labels.prefix)


def _numbers_not_kept(session: SourceSession, rules: Rules) -> set[str]:
    """Numbers in labels that become pseudonyms."""
    ours = kept(session, rules.policy.labels).values()
    return {number for label in {session.label, session.subject} - set(ours) for number in numbers_in(label)}


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


def subject_digest(session: SourceSession, rules: Rules) -> str:
    """The keyed digest of a subject whose label is kept, as its receipts hold it; empty for pseudonyms.

    Case is ignored, as XNAT ignores it in labels of subjects.
    """
    if rules.policy.labels.subject != "keep":
        return ""
    return rules.identity.keyed_digest(b"subject", session.subject.casefold().encode())


def claim_of(session: SourceSession, study_instance_uid: str, rules: Rules) -> Claim:
    """By what the clean session of a source session is known; `study_instance_uid` is the source's, or empty.

    A label that is kept is not checked here: what was sent under it can always be taken back. It is empty for a
    session that staging no longer has.
    """
    study = rules.identity.uid(study_instance_uid) if study_instance_uid else ""
    kept_label = rules.policy.labels.session == "keep"
    return Claim(_session_label(session, rules), source_digest(session.id, rules), study, kept_label)
