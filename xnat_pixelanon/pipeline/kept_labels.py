"""Labels of staging that the policy keeps: which may be seen on the clean side, and which are refused.

A refusal costs one session, before anything of it is sent. No text here quotes a label: logs of containers are mailed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from xnat_pixelanon.domain.decisions import ScanFacts
from xnat_pixelanon.domain.label_patterns import LONGEST, matches
from xnat_pixelanon.domain.policy import Labels
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import LabelError
from xnat_pixelanon.headers import holds_known, same_label
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.progress import Progress
from xnat_pixelanon.pipeline.reading import Files
from xnat_pixelanon.pipeline.rules import Rules
from xnat_pixelanon.pipeline.work import LabelTask, look_for_labels

_VALID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST - 1}}}")
_RENAME = "rename it in staging, or let an owner set labels.{kind} to pseudonym"


def kept(session: SourceSession, labels: Labels) -> dict[str, str]:
    """The labels of staging that are kept, by `subject` and `session`."""
    ours = {"subject": session.subject, "session": session.label}
    return {kind: label for kind, label in ours.items() if getattr(labels, kind) == "keep"}


def check_kept(session: SourceSession, rules: Rules, numbers: Sequence[str]) -> None:
    """LabelError unless each kept label is one that XNAT takes, matches its pattern and holds no other identifier.

    Those are the session's ID, a label that is not kept, `numbers` within such a one, and the owner's list. A label
    that is the same as a kept one is that label.
    """
    labels = rules.policy.labels
    ours = kept(session, labels)
    patterns = {"subject": labels.subject_pattern, "session": labels.session_pattern}
    others = [text for text in (session.label, session.subject, *numbers) if text]
    others = [text for text in others if not any(same_label(text, label) for label in ours.values())]
    for kind, label in ours.items():
        hint = _RENAME.format(kind=kind)
        if not _VALID.fullmatch(label):
            what = f"a letter or digit, then letters, digits, _ and -, at most {LONGEST}"
            raise LabelError(f"the {kind} label cannot be kept: kept labels are {what}", hint=hint)
        if not matches(patterns[kind], label):
            raise LabelError(f"the {kind} label does not match the pattern of labels that the policy keeps", hint=hint)
        listed = rules.policy.identifiers
        if holds_known(label, (session.id, *others, *listed)) or any(
            text.casefold() in label.casefold() for text in listed
        ):
            raise LabelError(
                f"the {kind} label holds what is not to be kept: the session's ID, a label that becomes a pseudonym, or"
                " a word of headers.identifiers",
                hint=hint,
            )


def search_headers(
    ours: dict[str, str],
    files: Files,
    scans: Sequence[ScanFacts],
    rules: Rules,
    folder: Path,
    workers: Workers,
    progress: Progress,
) -> None:
    """LabelError where a kept label holds a name, number, date or UID of the header of any readable file.

    Of all files of the session, whether they are sent or not: they are of the same person.
    """
    paths = [
        file.path
        for own, scan in zip(files, scans, strict=True)
        for file, facts in zip(own, scan.instances, strict=True)
        if not facts.damage
    ]
    tasks = [LabelTask(path, tuple(ours.values()), rules.policy.headers, folder) for path in paths]
    progress.step_starts("labels", len(tasks))
    found: set[str] = set()
    for done in workers.each(look_for_labels, tasks):
        found.add("a header that ended its worker process" if done.result is None else done.result)
        progress.file_done("labels")
    where = sorted(found - {""})
    if where:
        raise LabelError(
            f"a label that the policy keeps holds what stands in {where[0]} of the session's images",
            hint="rename subject or session in staging, or let an owner set the policy's labels to pseudonym",
        )
