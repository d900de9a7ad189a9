"""The tables: Markdown that is aligned, so that it reads in a terminal too."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.goals import Goal, Outcome, Value, judge_goals
from benchmarks.results import MIB, Clock, Corpus, Results, Row, ratio
from benchmarks.shapes import SHAPES

_HEADINGS = (
    "contender", "wall s", "CPU s", "files/s", "MB/s", "wall x cp", "wall x naive", "CPU x naive", "peak MiB", "copies",
)  # fmt: skip


def report(results: Results) -> str:
    """All of it: what it ran on, the goals, what was not reached, and a table per corpus."""
    outcomes = judge_goals(results)
    parts = [_where(results), "### Goals", _goals(outcomes), _not_reached(outcomes)]
    for corpus in results.corpora:
        name = corpus.name
        parts += [f"### {SHAPES[name].title}", _about(corpus), _corpus(results, name), _steps(results, name)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _where(results: Results) -> str:
    size = f"Scale {results.scale:g}, {results.repeats} repeat{'' if results.repeats == 1 else 's'}."
    if results.scale != 1:
        size += " **Not the full size: these figures show the form of the tables, not the speed.**"
    elif results.repeats < 5:
        size += " **Fewer than five repeats: not to be quoted.**"
    return "\n".join([*(f"- {name}: {text}" for name, text in results.machine.items()), "", size])


def _goals(outcomes: Sequence[Outcome]) -> str:
    rows = [
        (
            outcome.goal.title,
            outcome.goal.unit,
            _value(outcome.least),
            _value(outcome.median),
            _mark(outcome.goal, outcome.goal.floor),
            _mark(outcome.goal, outcome.goal.aim),
            outcome.verdict,
            outcome.goal.peer,
        )
        for outcome in outcomes
    ]
    return table(("goal", "unit", "minima", "medians", "at least", "aim", "reached", "XNAT's own engine"), rows)


def _not_reached(outcomes: Sequence[Outcome]) -> str:
    """Everything that has no tick, by name: nobody has to look for it in the table."""
    missed = [one for one in outcomes if one.verdict not in ("aim", "floor")]
    short = [one.goal.title for one in outcomes if one.verdict == "floor"]
    lines = [f"- {one.goal.title}: {one.verdict}{_distance(one)}" for one in missed]
    lines += ["- floor reached, aim not: " + "; ".join(short)] if short else []
    return "\n".join(["Not reached:", "", *lines]) if lines else "All goals and aims reached."


def _distance(outcome: Outcome) -> str:
    if isinstance(outcome.least, str) or isinstance(outcome.median, str):
        return ""
    goal = outcome.goal
    worse = min if goal.more_is_better else max
    return f" ({_value(worse(outcome.least, outcome.median))} {goal.unit}, {_mark(goal, goal.floor)} asked)"


def _about(corpus: Corpus) -> str:
    manifest = corpus.manifest
    files = f"{manifest.files} file{'' if manifest.files == 1 else 's'} of {manifest.frames} frame"
    files += "" if manifest.frames == 1 else "s"
    return (
        f"`{corpus.name}`: {files}, {manifest.disk_bytes / 1e6:.1f} MB on disk, {manifest.decoded_bytes / 1e6:.1f} MB"
        f" decoded. Load of the machine at the start: {corpus.load:g}."
    )


def _corpus(results: Results, name: str) -> str:
    return table(_HEADINGS, [_row(results, row) for row in results.rows if row.corpus == name])


def _steps(results: Results, name: str) -> str:
    """Where `complete` spends its CPU time, the most first; what is less than a hundredth is left out."""
    row = results.row(name, "complete")
    if row is None or not row.parts:
        return ""
    whole = sum(row.parts.values())
    shares = [(seconds / whole, step) for step, seconds in row.parts.items() if seconds >= 0.01 * whole]
    told = ", ".join(f"{step} {share:.0%}" for share, step in sorted(shares, reverse=True))
    return f"CPU time of `complete` by step: {told}."


def _row(results: Results, row: Row) -> tuple[str, ...]:
    if row.error:
        return (row.contender, row.error, *[""] * (len(_HEADINGS) - 2))
    manifest = results.manifest(row.corpus)
    # A pool is there for wall time; the others are measured by what they cost.
    clock: Clock = "wall_seconds" if row.contender.endswith(("worker", "workers")) else "cpu_seconds"
    seconds = row.least(clock)
    to_cp, to_naive = (ratio(row, results.row(row.corpus, other)) for other in ("cp", "naive"))
    return (
        row.contender,
        _pair(row.least("wall_seconds"), row.middle("wall_seconds")),
        _pair(row.least("cpu_seconds"), row.middle("cpu_seconds")),
        _number(manifest.files / seconds),
        _number(manifest.decoded_bytes / 1e6 / seconds),
        *(_pair(**found[clock]) if found else "" for found, clock in _columns(to_cp, to_naive)),
        f"{row.peak_bytes / MIB:.0f} (+{max(0, row.peak_bytes - row.import_bytes) / MIB:.0f})"
        if row.peak_bytes
        else "",
        ", ".join(f"{count} {verdict}" for verdict, count in row.verdicts.items()),
    )


def _columns(
    to_cp: dict[str, dict[str, float]], to_naive: dict[str, dict[str, float]]
) -> tuple[tuple[dict[str, dict[str, float]], Clock], ...]:
    return ((to_cp, "wall_seconds"), (to_naive, "wall_seconds"), (to_naive, "cpu_seconds"))


def _pair(least: float, median: float) -> str:
    return f"{_number(least)} / {_number(median)}"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _value(value: Value) -> str:
    return "" if isinstance(value, str) else _number(value)


def _mark(goal: Goal, mark: float) -> str:
    return f"{'' if goal.more_is_better else '<= '}{_number(mark)}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Headings and rows as aligned Markdown."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
             for row in (headings, ["-" * width for width in widths], *rows)]  # fmt: skip
    return "\n".join(lines)
