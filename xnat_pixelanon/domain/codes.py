"""The closed lists of decisions, codes and session outcomes, each with one sentence of remedy.

Help, docs, terminal and reports print these tables; nothing else invents a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What happens to an instance or a scan, the strictest first."""

    HOLD = "hold"
    UNSUPPORTED = "unsupported"
    EXCLUDE = "exclude"
    REDACT = "redact"
    HEADERS_ONLY = "headers-only"
    PASS = "pass"

    @property
    def sends(self) -> bool:
        """Whether a copy goes to the clean side."""
        return self in (Kind.REDACT, Kind.HEADERS_ONLY, Kind.PASS)


STRICTEST_FIRST: tuple[Kind, ...] = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Code:
    """Why a decision was taken, and what a person can do about it."""

    kind: Kind
    meaning: str
    remedy: str


CODES: Mapping[str, Code] = MappingProxyType(
    {
        "damaged": Code(
            Kind.HOLD,
            "a file cannot be read, is truncated, or its pixel stream and header disagree on length or frames",
            "Upload the series again from its source, or remove it from the staging session.",
        ),
        "override-mismatch": Code(
            Kind.HOLD,
            "an override names a series that is gone, or a template of another size",
            "Correct or remove the override in templates.json.",
        ),
        "mixed-decision": Code(
            Kind.HOLD,
            "images of one size in one scan come to different decisions, as a scout inside an axial series",
            "Look at the scan; then add a template for the odd images and set the policy's mixed to per-instance, "
            "or override the series.",
        ),
        "burned-in-yes": Code(
            Kind.HOLD,
            "Burned In Annotation is YES, but only looked-at-clean templates match and none names it",
            "Draw rectangles for this group, or name burned_in_annotation in the template that calls it clean.",
        ),
        "no-template": Code(
            Kind.HOLD,
            "no template matches",
            "Look at the group and add a template with rectangles, a looked-at-clean template, or an exclusion.",
        ),
        "proof-failed": Code(
            Kind.HOLD,
            "a written copy is not what it has to be; nothing of the scan was sent",
            "Report it with the run's report.json; the source was not changed.",
        ),
        "header-refused": Code(
            Kind.HOLD,
            "the header cannot be cleaned with certainty",
            "See the detail in report.json; correct the files at their source or exclude the series.",
        ),
        "mixed-sop-class": Code(
            Kind.UNSUPPORTED,
            "the scan holds several SOP classes",
            "Split the scan, exclude it, or set the policy's mixed to per-instance.",
        ),
        "multi-resolution": Code(
            Kind.UNSUPPORTED,
            "a whole slide image with several resolutions",
            "Exclude it, or set the policy's mixed to per-instance and give each size a template.",
        ),
        "mixed-size": Code(
            Kind.UNSUPPORTED,
            "the scan holds images of several sizes",
            "Split the scan, exclude it, or set the policy's mixed to per-instance and give each size a template.",
        ),
        "annotation": Code(
            Kind.UNSUPPORTED,
            "structure sets, plans, doses, segmentations, presentation states, structured reports and the like",
            "Nothing to do: no rectangle applies to it. Add an exclusion to say that it is known.",
        ),
        "encapsulated-document": Code(
            Kind.UNSUPPORTED,
            "a PDF or other document inside DICOM",
            "Nothing to do: documents are never sent. Add an exclusion to say that it is known.",
        ),
        "no-pixel-data": Code(
            Kind.UNSUPPORTED,
            "a DICOM object without pixel data",
            "Nothing to do: no rectangle applies to it. Add an exclusion to say that it is known.",
        ),
        "transfer-syntax": Code(
            Kind.UNSUPPORTED,
            "a transfer syntax that is not understood: video, JPIP, retired JPEG processes, private ones",
            "Convert the series to a supported transfer syntax before it is uploaded, or exclude it.",
        ),
        "pixel-format": Code(
            Kind.UNSUPPORTED,
            "a pixel format that cannot be blackened exactly",
            "Exclude the series, or convert it before it is uploaded.",
        ),
        "no-dicom": Code(
            Kind.UNSUPPORTED,
            "the scan has no DICOM file",
            "Nothing to do: only DICOM is sent.",
        ),
        "exclusion": Code(
            Kind.EXCLUDE,
            "an exclusion of templates.json matches",
            "Nothing to do; remove the exclusion to send it.",
        ),
        "override-exclude": Code(
            Kind.EXCLUDE,
            "an override of templates.json excludes this series, or its whole session",
            "Nothing to do; remove the override to send it.",
        ),
        "script-reject": Code(
            Kind.EXCLUDE,
            "the project's DicomEdit script rejects it",
            "Nothing to do; change the script to send it.",
        ),
        "template": Code(Kind.REDACT, "rectangles of matching templates are blackened", "Nothing to do."),
        "override-templates": Code(
            Kind.REDACT, "rectangles of the templates that an override names are blackened", "Nothing to do."
        ),
        "script-redact": Code(
            Kind.REDACT,
            "looked at, and rectangles of the project's DicomEdit script (alterPixels) are blackened",
            "Nothing to do.",
        ),
        "headers-only": Code(
            Kind.HEADERS_ONLY,
            "an object without pixels, of a SOP class that the policy's send_headers_only lists: its header is cleaned",
            "Nothing to do.",
        ),
        "looked-at-clean": Code(Kind.PASS, "matching templates say: looked at, nothing burned in", "Nothing to do."),
        "override-pass": Code(Kind.PASS, "an override says: looked at, nothing burned in", "Nothing to do."),
    }
)
"""In the order in which a scan is named by them when its instances disagree."""


class Outcome(StrEnum):
    """How a session ended, the one to look at first on top."""

    NO_LONGER_ALLOWED = "no-longer-allowed"
    FAILED = "failed"
    CONFLICT = "conflict"
    WAITING = "waiting"
    STALE = "stale"
    PUBLISHED = "published"
    GROWN = "grown"
    UNCHANGED = "unchanged"
    NOTHING_TO_SEND = "nothing-to-send"
    SHARED = "shared"
    WITHDRAWN = "withdrawn"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class OutcomeText:
    """What an outcome means and what a person can do about it."""

    meaning: str
    remedy: str


OUTCOMES: Mapping[Outcome, OutcomeText] = MappingProxyType(
    {
        Outcome.NO_LONGER_ALLOWED: OutcomeText(
            "something that was sent is now excluded, held or unsupported",
            "Look at it first: correct the templates, withdraw the session, or let the policy's on_change replace it.",
        ),
        Outcome.FAILED: OutcomeText(
            "the session could not be finished; nothing of it is visible in the clean project, or all of it",
            "See the error, then run again: a run finishes what an earlier one left.",
        ),
        Outcome.CONFLICT: OutcomeText(
            "the clean project holds something under this label or study that this tool did not put there,"
            " or a person hid the clean session",
            "Remove or rename it in the clean project, or release it there, then run again.",
        ),
        Outcome.WAITING: OutcomeText(
            "held scans make the session wait",
            "Decide the held scans, or set the policy's publish to available-scans, then run again.",
        ),
        Outcome.STALE: OutcomeText(
            "what was sent would be decided or made differently now",
            "Run with --replace, or set the policy's on_change to replace, if the newer decision is to count.",
        ),
        Outcome.PUBLISHED: OutcomeText("sent, proved and visible in the clean project", "Nothing to do."),
        Outcome.GROWN: OutcomeText("new scans were added to the clean session", "Nothing to do."),
        Outcome.UNCHANGED: OutcomeText("already published as it would be now", "Nothing to do."),
        Outcome.NOTHING_TO_SEND: OutcomeText(
            "every scan is excluded or unsupported", "Nothing to do, unless a scan should have been sent."
        ),
        Outcome.SHARED: OutcomeText(
            "the session belongs to another project and is only shared into this one: never sent",
            "Run on the project that owns it.",
        ),
        Outcome.WITHDRAWN: OutcomeText(
            "the clean session was taken back: an owner withdrew it, or the policy's on_change says so",
            "Nothing to do; take the override out of templates.json to send it again.",
        ),
        Outcome.PLANNED: OutcomeText("a dry run: decided, nothing written", "Run without --dry-run to send it."),
    }
)
