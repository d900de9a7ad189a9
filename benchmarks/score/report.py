"""The score in words: a row for each set of options, a table by action for each row, and every kind of failure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.score.answers import Action, Place
from benchmarks.score.known import reason
from benchmarks.score.scores import DESCRIPTOR_FLOOR, FLOOR, Score, Tally, percent_text
from benchmarks.tables import table

_SHOWN = 6


def report(scores: Sequence[Score], not_taken: Sequence[str]) -> str:
    """All rows; `not_taken`: those that this version's policy refuses."""
    parts = [table(_HEADINGS, [_row(score) for score in scores])]
    if not_taken:
        names = ", ".join(f"`{row}`" for row in not_taken)
        parts.append(f"Not scored, as the policy of this version refuses their options: {names}.")
    for score in scores:
        parts += [f"### Score of `{score.row}`", _by(score, Action), _by(score, Place), _failures(score)]
    return "\n\n".join(parts) + "\n"


_HEADINGS = ("row", "instances", "checks", "passed", "%", "of descriptors %", "floor")


def _row(score: Score) -> tuple[str, ...]:
    cleaned = score.descriptors
    return (
        score.row,
        str(score.instances),
        str(score.all.checks),
        str(score.all.passed),
        str(score.all),
        f"{cleaned} of {cleaned.checks}" if cleaned.checks else "",
        "reached" if score.reaches else _missed(score),
    )


def _missed(score: Score) -> str:
    ended = ", ".join(f"{route} ended with {status}" for route, status in score.status.items() if status)
    if ended:
        return f"the run from the {ended}"
    floor = DESCRIPTOR_FLOOR if score.others.percent >= FLOOR else FLOOR
    return f"not reached: {percent_text(floor)} asked"


def _by(score: Score, kinds: type[Action] | type[Place]) -> str:
    heading = "action" if kinds is Action else "planted in"
    tallies = {str(kind): score.of(kind) if isinstance(kind, Action) else score.at(kind) for kind in kinds}
    return table((heading, "checks", "passed", "%"), [_line(name, tally) for name, tally in tallies.items()])


def _line(name: str, tally: Tally) -> tuple[str, ...]:
    return name, str(tally.checks), str(tally.passed), str(tally) if tally.checks else ""


def _failures(score: Score) -> str:
    """By element and action, with the Instance Numbers of a few; no value."""
    where: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for one in score.failures:
        check = one.check
        where[str(check.action), str(check.place), check.element, one.failure, reason(one)].append(check.instance)
    if not where:
        return "No failure."
    lines = [f"{len(score.failures)} failures:", ""]
    for (action, place, element, why, known), instances in sorted(where.items()):
        some = ", ".join(map(str, instances[:_SHOWN])) + (", ..." if len(instances) > _SHOWN else "")
        line = f"- {action}, {place}, {element}: {why}, {len(instances)} times (instances {some})"
        lines.append(f"{line}. Known: {known}." if known else line)
    return "\n".join(lines)
