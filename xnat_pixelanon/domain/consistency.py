"""What has to hold over a whole session before any scan of it may go: one study, one scan per series, unique UIDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from xnat_pixelanon.domain.decisions import ScanFacts


def mark_inconsistent(scans: Sequence[ScanFacts]) -> tuple[ScanFacts, ...]:
    """The same scans; instances that contradict others of their session carry it as damage, so that they are held."""
    readable = [facts for scan in scans for facts in scan.instances if not facts.damage]
    studies = {facts.study_instance_uid for facts in readable}
    scans_of_series = Counter(
        uid for scan in scans for uid in {facts.series_instance_uid for facts in scan.instances if not facts.damage}
    )
    times = Counter(facts.sop_instance_uid for facts in readable)
    marked = []
    for scan in scans:
        series = {facts.series_instance_uid for facts in scan.instances if not facts.damage}
        of_scan = (
            f"the session holds {len(studies)} studies"
            if len(studies) > 1
            else f"the scan holds {len(series)} series"
            if len(series) > 1
            else "its series is spread over several scans"
            if any(scans_of_series[uid] > 1 for uid in series)
            else None
        )
        instances = tuple(
            replace(facts, damage=found)
            if not facts.damage and (found := of_scan or _doubled(times[facts.sop_instance_uid]))
            else facts
            for facts in scan.instances
        )
        marked.append(replace(scan, instances=instances))
    return tuple(marked)


def _doubled(times: int) -> str | None:
    return f"its SOP Instance UID occurs {times} times in the session" if times > 1 else None
